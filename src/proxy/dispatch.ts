/**
 * The ways a client's request reaches shards: passed on over a shared connection, asked of several at once, or asked over
 * connections of the client's own because the shard takes its time. Border: which way is `route.ts`.
 */

import { refuse } from '../resp/refusals.ts';
import { encodeRequest } from '../resp/reply.ts';
import { Gather } from './gather.ts';
import type { Scattered } from './scatter.ts';
import type { SessionHost } from './session-host.ts';

const PING = encodeRequest(['PING']);
const IGNORED = { take() {}, lost() {} };

export function passOn(host: SessionHost, shard: number, words: readonly string[]): void {
  const connection = host.shared(shard);
  if (typeof connection === 'string') throw refuse('RAW', connection);
  connection.send(encodeRequest(words), host.openSlot());
}

/** A shard that cannot be reached counts as an error reply: the others are asked all the same. */
export function askAll(host: SessionHost, { parts, fold }: Scattered): void {
  const gather = new Gather(parts.length, fold, () => host.foldContext(), host.openSlot());
  for (const [index, part] of parts.entries()) {
    const connection = host.shared(part.shard);
    const taker = gather.part(index);
    if (typeof connection === 'string') taker.lost(connection);
    else connection.send(encodeRequest(part.words), taker);
  }
}

/** Others' replies are not held up; what the client sends after it waits, as it would on the shard itself. */
export function askAlone(host: SessionHost, { parts, fold }: Scattered): void {
  host.hold('event');
  const gather = new Gather(parts.length, fold, () => host.foldContext(), host.openSlot());
  let missing = parts.length;
  const done = (): void => {
    missing--;
    if (missing === 0) host.release();
  };
  for (const [index, part] of parts.entries()) {
    const taker = gather.part(index);
    const connection = host.dedicated(part.shard);
    if (typeof connection === 'string') {
      taker.lost(connection);
      done();
      continue;
    }
    // WAIT looks at what this very connection did last: after a PING that is everything the client wrote before.
    if (part.words[0]!.toUpperCase().startsWith('WAIT')) connection.send(PING, IGNORED);
    connection.send(encodeRequest(part.words), {
      take: (bytes) => {
        host.giveBack(connection);
        taker.take(bytes);
        done();
      },
      lost: (failure) => {
        taker.lost(failure);
        done();
      },
    });
  }
}
