/**
 * The endpoint of a database: listens for clients, gives each a session, and holds what they share.
 *
 * TLS is the world's affair (`tls()` says what is asked of new connections); which requests need it is the session's.
 * Border: bytes and requests are `client-session.ts`, connections to shards `shard-pool.ts`.
 */

import type { CommandTable } from '../node/commands/table.ts';
import { encodeFailure } from '../resp/reply.ts';
import type {
  Address,
  Clock,
  Connection,
  Listener,
  ListenOutcome,
  Network,
  Random,
  ServerTls,
  World,
} from '../world/world.ts';
import { ClientSession } from './client-session.ts';
import type { EndpointSettings } from './endpoint-settings.ts';
import { Router } from './route.ts';
import type { SessionEndpoint } from './session-endpoint.ts';
import { ShardPool } from './shard-pool.ts';
import { Turn } from './turn.ts';

export type { EndpointSettings } from './endpoint-settings.ts';

export interface EndpointOptions {
  readonly world: World;
  /** As seen from the node's address: connections to shards start there. */
  readonly network: Network;
  readonly at: Address;
  readonly settings: () => EndpointSettings;
  /** Read for each new connection; `null`: plain only. */
  readonly tls: () => ServerTls | null;
}

export type EndpointOutcome =
  | { readonly ok: true; readonly endpoint: Endpoint }
  | Extract<ListenOutcome, { ok: false }>;

export async function openEndpoint(options: EndpointOptions): Promise<EndpointOutcome> {
  const endpoint = new Endpoint(options);
  const outcome = await options.network.listen(options.at, { tls: options.tls }, (connection) =>
    endpoint.accept(connection),
  );
  if (!outcome.ok) return outcome;
  endpoint.listening(outcome.listener);
  return { ok: true, endpoint };
}

export class Endpoint implements SessionEndpoint {
  readonly clock: Clock;
  readonly random: Random;
  readonly turn: Turn;
  readonly pool: ShardPool;
  readonly sessions = new Set<ClientSession>();
  totalConnections = 0;
  readonly #options: EndpointOptions;
  #listener: Listener | null = null;
  #router: Router | null = null;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.clock = options.world.clock;
    this.turn = new Turn(this.clock);
    this.random = options.world.random.fork('endpoint');
    this.pool = new ShardPool({
      clock: this.clock,
      network: options.network,
      turn: this.turn,
      pipelineMax: () => this.settings().shardPipelineMax,
    });
  }

  get address(): Address {
    return this.#listener?.address ?? this.#options.at;
  }

  /** Clients connected now. */
  get connections(): number {
    return this.sessions.size;
  }

  /** Cuts every connection that came in as `admin`: the internal password was made anew. Returns how many. */
  cutAdmin(): number {
    const admins = [...this.sessions].filter((session) => session.account?.isAdmin === true);
    for (const session of admins) session.destroy();
    return admins.length;
  }

  async close(): Promise<void> {
    const closed = this.#listener?.close();
    for (const session of this.sessions) session.destroy();
    this.pool.close();
    await closed;
  }

  // What sessions ask

  settings(): EndpointSettings {
    return this.#options.settings();
  }

  router(commands: CommandTable): Router {
    if (this.#router?.commands !== commands) this.#router = new Router(commands);
    return this.#router;
  }

  forget(session: ClientSession): void {
    this.sessions.delete(session);
  }

  // What `openEndpoint` does

  listening(listener: Listener): void {
    this.#listener = listener;
  }

  accept(connection: Connection): void {
    this.totalConnections++;
    const { maxConnections } = this.settings();
    if (maxConnections > 0 && this.sessions.size >= maxConnections) {
      connection.handle({ data() {}, closed() {} });
      connection.write(encodeFailure('ERR max number of clients reached'));
      connection.end();
      return;
    }
    this.sessions.add(new ClientSession(this, connection, this.totalConnections));
  }
}
