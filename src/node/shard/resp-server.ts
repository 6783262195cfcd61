/** A shard on the network: one session per connection. Border: no commands, no data. Limits: `maxclients`, LINGER_MS_MAX. */

import type { Address, Connection, Listener, ListenOutcome, Network } from '../../world/world.ts';
import { encodeFailure } from '../../resp/reply.ts';
import type { Shard } from './shard.ts';

export interface RespServer {
  readonly address: Address;
  close(): Promise<void>;
}

/** A client that was told goodbye and does not close its own side is cut after so long, or longer while it still reads. */
const LINGER_MS = 1_000;
const LINGER_MS_MAX = 60_000;

/** Takes the connections of a shard, wherever they come in. */
export class Reception {
  readonly #shard: Shard;
  readonly #open = new Set<Connection>();
  /** Came while nobody is let in; null: everybody is. */
  #waiting: Connection[] | null = null;

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  readonly accept = (connection: Connection): void => {
    const shard = this.#shard;
    this.#open.add(connection);
    if (this.#waiting !== null) {
      this.#waiting.push(connection);
      return;
    }
    const gone = (): void => void this.#open.delete(connection);
    if (shard.sessions.size >= shard.config.get('maxclients')) {
      shard.stats.rejectedConnections++;
      connection.handle({ data() {}, closed: gone });
      connection.write(encodeFailure('ERR max number of clients reached'));
      endThenDestroy(shard, connection);
    } else attach(shard, connection, gone);
  };

  /** From now on whoever comes is connected, and waits. */
  hold(): void {
    this.#waiting ??= [];
  }

  letIn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const connection of waiting) this.accept(connection);
  }

  /** Whoever is connected learns that this was the end, and not that something failed. */
  close(): void {
    for (const connection of this.#open) {
      connection.end();
      connection.destroy();
    }
  }
}

/** At one address, for good. */
export async function serveShard(
  shard: Shard,
  network: Network,
  at: Address,
): Promise<{ ok: true; server: RespServer } | Extract<ListenOutcome, { ok: false }>> {
  const reception = new Reception(shard);
  const outcome = await network.listen(at, {}, reception.accept);
  if (!outcome.ok) return outcome;
  const listener: Listener = outcome.listener;
  shard.address = listener.address;
  return {
    ok: true,
    server: {
      address: listener.address,
      async close() {
        const closed = listener.close();
        reception.close();
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
      shard.stats.netWrites++;
      connection.write(bytes);
    },
    end: () => endThenDestroy(shard, connection),
  });
  session.connection = connection;
  connection.handle({
    data(chunk) {
      shard.stats.netInputBytes += chunk.length;
      shard.stats.netReads++;
      session.receive(chunk);
    },
    drained: () => session.outputDrained(),
    closed() {
      gone();
      shard.closeSession(session);
    },
  });
}

/** Ending only says that we send no more; a server closes. */
function endThenDestroy(shard: Shard, connection: Connection): void {
  connection.end();
  const { clock } = shard.world;
  const deadline = clock.now() + LINGER_MS_MAX;
  const wait = (): void => {
    clock.after(LINGER_MS, () => {
      if (connection.unsentBytes > 0 && clock.now() < deadline) wait();
      else connection.destroy();
    });
  };
  wait();
}
