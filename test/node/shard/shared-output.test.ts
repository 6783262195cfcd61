/**
 * Messages to many are gathered once for all of them: what each client gets, and in which order, is as if every request had a turn
 * of its own.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionCommands } from '../../../src/node/commands/connection.ts';

import { pubsubCommands } from '../../../src/node/commands/pubsub.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';

const commands = [...pubsubCommands, ...connectionCommands, ...transactionCommands, ...serverCommands];
const CLIENTS = 5;
/** So many of them begin with RESP3, where whoever listens may do anything else as well. */
const SPEAK_RESP3 = 3;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heapBytes = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

interface Step {
  readonly client: number;
  /** In one chunk. */
  readonly requests: readonly (readonly string[])[];
  readonly endsTurn: boolean;
}

const channel = fc.constantFrom('a', 'b', 'ab');
const request: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom('PUBLISH', 'SPUBLISH'), channel, fc.constantFrom('x', 'yy', '')) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('SUBSCRIBE', 'SSUBSCRIBE'), channel) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('PSUBSCRIBE'), fc.constantFrom('a*', '*', '?b')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('UNSUBSCRIBE', 'SUNSUBSCRIBE'), channel) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ['PUNSUBSCRIBE'],
      ['PING'],
      ['HELLO', '3'],
      ['HELLO', '2'],
      ['MULTI'],
      ['EXEC'],
      ['CLIENT', 'REPLY', 'OFF'],
      ['CLIENT', 'REPLY', 'ON'],
      ['RESET'],
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(['QUIT'], ['MONITOR']) },
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    client: fc.nat(CLIENTS - 1),
    requests: fc.array(request, { minLength: 1, maxLength: 4 }),
    endsTurn: fc.nat(4).map((n) => n === 0),
  }),
  { maxLength: 30 },
);

/** What each client has got at the end. */
function bytesOf(sequence: readonly Step[], turnOfItsOwn: boolean): readonly string[] {
  using test = testShard({ commands });
  const clients = Array.from({ length: CLIENTS }, () => test.client());
  for (const client of clients.slice(0, SPEAK_RESP3)) client.call('HELLO', '3');
  for (const { client, requests, endsTurn } of sequence) {
    clients[client]!.session.receive(Buffer.from(requests.map((words) => encodeRequest(words)).join(''), 'latin1'));
    if (turnOfItsOwn || endsTurn) test.shard.endTurn();
  }
  test.shard.endTurn();
  // MONITOR shows the time of each line
  return clients.map((client) => client.raw.replaceAll(/\+\d+\.\d+ /g, '+time '));
}

describe('messages to many', () => {
  it('reach each client in order, whatever else it is sent in the same turn', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        expect(bytesOf(sequence, false)).toEqual(bytesOf(sequence, true));
      }),
      { numRuns: 300 },
    );
  });

  it('are counted as memory of each client until they leave', () => {
    using test = testShard({ commands });
    const [listener, other, publisher] = [test.client(), test.client(), test.client()];
    for (const each of [listener, other]) each.call('SUBSCRIBE', 'a');
    const before = listener.session.memory.bytes;
    const publish = (times: number): void => {
      const request = Buffer.from(encodeRequest(['PUBLISH', 'a', 'm'.repeat(1000)]), 'latin1');
      for (let i = 0; i < times; i++) publisher.session.receive(request);
    };
    publish(200);
    expect(listener.session.memory.bytes - before).toBeGreaterThan(200_000);
    test.shard.endTurn();
    expect(listener.session.memory.bytes).toBe(before);
    expect(listener.raw.match(/m{1000}/g)).toHaveLength(200);
    expect(other.raw).toBe(listener.raw);
  });

  it('are kept by nobody when they have left', () => {
    using test = testShard({ commands });
    const [listener, publisher] = [test.client(), test.client()];
    const channels = Array.from({ length: 64 }, (_, i) => `channel${i}`);
    listener.call('SUBSCRIBE', ...channels);
    const before = heapBytes();
    for (const each of channels) publisher.call('PUBLISH', each, each.padEnd(1_000_000, 'm'));
    expect(listener.raw.length).toBeGreaterThan(64_000_000);
    listener.raw = '';
    listener.replies.length = 0;
    expect(heapBytes() - before).toBeLessThan(16_000_000);
  });
});
