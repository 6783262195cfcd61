/** What a script tells of itself in its first line, beside a redis-server whose memory is used up, and on one that only follows. */

import { beforeAll, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';
import { rawExchange } from '../../support/raw-exchange.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';

const FLAGS = ['', 'flags=', 'flags=no-writes', 'flags=allow-oom', 'flags=no-writes,allow-oom', 'flags=allow-stale'];
const BODIES = [
  "return redis.call('SET', KEYS[1], 'x')",
  "return redis.call('GET', KEYS[1])",
  "redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], 'x')",
  "return redis.pcall('SET', KEYS[1], 'x')",
];
const REQUESTS = ['EVAL', 'EVAL_RO'].flatMap((name) =>
  BODIES.flatMap((body) =>
    [body, ...FLAGS.map((flags) => `#!lua ${flags}\n${body}`)].map((script) => [name, script, '1', 'key']),
  ),
);

describeReal('the flags of a script', () => {
  beforeAll(scriptEngineReady);

  it.each([
    ['with room', []],
    [
      'without room',
      [
        ['SET', 'key', 'value'],
        ['CONFIG', 'SET', 'maxmemory', '1'],
      ],
    ],
    [
      'on a replica',
      [
        ['SET', 'key', 'value'],
        ['REPLICAOF', '127.0.0.1', '1'],
      ],
    ],
  ] as const)('hold as they do in redis-server %s', async (_name, before) => {
    await using real = await startRealRedis();
    using test = testShard({ commands: dataCommands });
    const ours = test.client();
    const differences: string[] = [];
    for (const words of before) await rawExchange(real.port, encodeRequest(words));
    for (const words of before) {
      if (words[0] === 'REPLICAOF') test.shard.role = 'replica';
      else ours.bytes(...words);
    }
    for (const request of REQUESTS) {
      const queued = await rawExchange(real.port, [['MULTI'], request, ['EXEC']].map(encodeRequest).join(''));
      const ourQueued = [['MULTI'], request, ['EXEC']].map((words) => ours.bytes(...words)).join('');
      if (ourQueued !== queued)
        differences.push(
          `queued: ${request.slice(0, 2).join(' ')}\n ours:   ${JSON.stringify(ourQueued)}\n theirs: ${JSON.stringify(queued)}`,
        );
      const theirs = await rawExchange(real.port, encodeRequest(request));
      const answered = ours.bytes(...request);
      if (answered !== theirs)
        differences.push(
          `${request.slice(0, 2).join(' ')}\n ours:   ${JSON.stringify(answered)}\n theirs: ${JSON.stringify(theirs)}`,
        );
    }
    expect(differences.join('\n')).toBe('');
  });
});
