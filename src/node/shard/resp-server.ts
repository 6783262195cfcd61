/** A shard on the network: one session per connection. Border: no commands, no data. */

import type { Address, Connection, Listener, ListenOutcome, Network } from '../../world/world.ts';
import { encodeFailure } from '../../resp/reply.ts';
import type { Shard } from './shard.ts';

export interface RespServer {
  readonly address: Address;
  close(): Promise<void>;
}

export async function serveShard(
  shard: Shard,
  network: Network,
  at: Address,
): Promise<{ ok: true; server: RespServer } | Extract<ListenOutcome, { ok: false }>> {
  const open = new Set<Connection>();
  const outcome = await network.listen(at, {}, (connection) => {
    if (shard.sessions.size >= shard.config.get('maxclients')) {
      shard.stats.rejectedConnections++;
      connection.handle({ data() {}, closed() {} });
      connection.write(encodeFailure('ERR max number of clients reached'));
      connection.end();
      return;
    }
    open.add(connection);
    attach(shard, connection, () => open.delete(connection));
  });
  if (!outcome.ok) return outcome;
  const listener: Listener = outcome.listener;
  return {
    ok: true,
    server: {
      address: listener.address,
      async close() {
        const closed = listener.close();
        for (const connection of open) connection.destroy();
        await closed;
      },
    },
  };
}

function attach(shard: Shard, connection: Connection, gone: () => void): void {
  const session = shard.openSession({
    local: connection.local,
    remote: connection.remote,
    write(bytes) {
      shard.stats.netOutputBytes += bytes.length;
      connection.write(bytes);
    },
    end: () => connection.end(),
  });
  session.connection = connection;
  connection.handle({
    data(chunk) {
      shard.stats.netInputBytes += chunk.length;
      session.receive(chunk);
    },
    closed() {
      gone();
      shard.closeSession(session);
    },
  });
}
