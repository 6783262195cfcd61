/** EVAL against the real server: the same scripts, one after another, byte for byte. */

import { beforeAll, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';
import { rawExchange } from '../../support/raw-exchange.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';
import { SCRIPTS } from './scripts.ts';

const REST = ['2', '{k}1', '{k}2', 'a', '1', '\xff'];

describeReal('EVAL', () => {
  beforeAll(scriptEngineReady);

  it.each([2, 3] as const)('answers as a redis-server does with RESP%i', async (protocol) => {
    await using real = await startRealRedis();
    using test = testShard({ commands: dataCommands });
    const ours = test.client();
    ours.session.wireProtocol = protocol;
    const hello = encodeRequest(['HELLO', String(protocol)]);
    const differences: string[] = [];
    for (const [at, script] of SCRIPTS.entries()) {
      const request = ['EVAL', script, ...REST];
      const theirs = await rawExchange(real.port, hello + encodeRequest(['ECHO', 'mark']) + encodeRequest(request));
      const expected = theirs.slice(theirs.indexOf('$4\r\nmark\r\n') + 10);
      const answered = ours.bytes(...request);
      if (answered !== expected)
        differences.push(`${at} ${script}\n ours:   ${JSON.stringify(answered)}\n theirs: ${JSON.stringify(expected)}`);
    }
    expect(differences.join('\n')).toBe('');
  });
});
