/** The counterpart of `rawExchange` for a shard without a socket: one stream of bytes in, everything the session says out. */

import type { Shard } from '../../src/node/shard/shard.ts';
import { cutAt } from './chunks.ts';

/** Opens a session, sends the bytes cut at the given places, ends it. */
export function shardExchange(shard: Shard, bytes: string, cuts: readonly number[] = []): string {
  let received = '';
  const session = shard.openSession({
    local: { host: '127.0.0.1', port: 6379 },
    remote: { host: '127.0.0.1', port: 50_000 },
    write: (out) => (received += out),
    end: () => undefined,
  });
  for (const chunk of cutAt(Buffer.from(bytes, 'latin1'), cuts)) session.receive(chunk);
  session.flush();
  shard.closeSession(session);
  return received;
}
