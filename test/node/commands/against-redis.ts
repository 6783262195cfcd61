/**
 * The same requests to a shard of ours and to a real redis-server, one after another on one connection each, and the bytes both
 * answer. For commands whose replies are fully determined; a request must not block.
 */

import fc from 'fast-check';
import type { Command } from '../../../src/node/commands/command.ts';
import { encodeRequest, type Protocol } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';
import { rawExchange } from '../../support/raw-exchange.ts';

const MARK = 'requests begin here';
const RUNS_FACTOR = Number(process.env['ANTIPODE_RUNS'] ?? 1);

export interface Comparison {
  readonly commands: readonly Command[];
  /** Port of the real server. */
  readonly port: number;
  /** Requests that follow each other. */
  readonly steps: fc.Arbitrary<readonly (readonly string[])[]>;
  readonly runs: number;
}

/** Throws with the shortest sequence it finds whose replies differ. */
export async function compareSequences({ commands, port, steps, runs }: Comparison): Promise<void> {
  const sequence = fc.array(steps, { minLength: 1, maxLength: 25 }).map((parts) => parts.flat());
  await fc.assert(
    fc.asyncProperty(sequence, fc.constantFrom<Protocol>(2, 3), async (requests, protocol) => {
      const theirs = await realReplies(port, requests, protocol);
      const ours = ourReplies(commands, requests, protocol);
      if (ours !== theirs) throw new Error(`ours:   ${JSON.stringify(ours)}\ntheirs: ${JSON.stringify(theirs)}`);
    }),
    { numRuns: runs * RUNS_FACTOR },
  );
}

function ourReplies(
  commands: readonly Command[],
  requests: readonly (readonly string[])[],
  protocol: Protocol,
): string {
  using world = testShard({ commands });
  let bytes = '';
  const session = world.shard.openSession({
    local: { host: '127.0.0.1', port: 6379 },
    remote: { host: '127.0.0.1', port: 50_000 },
    write: (part) => (bytes += part),
    end: () => undefined,
  });
  session.wireProtocol = protocol;
  for (const words of requests) session.receive(Buffer.from(encodeRequest(words), 'latin1'));
  return bytes;
}

async function realReplies(
  port: number,
  requests: readonly (readonly string[])[],
  protocol: Protocol,
): Promise<string> {
  const before = [['FLUSHALL'], ['HELLO', String(protocol)], ['ECHO', MARK]];
  const replies = await rawExchange(port, [...before, ...requests].map(encodeRequest).join(''));
  return replies.slice(replies.indexOf(MARK) + MARK.length + 2);
}
