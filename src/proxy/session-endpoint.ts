/** What a client's session knows of its endpoint. Types only. */

import type { CommandTable } from '../node/commands/table.ts';
import type { Clock, Random } from '../world/world.ts';
import type { ClientSession } from './client-session.ts';
import type { EndpointSettings } from './endpoint-settings.ts';
import type { Router } from './route.ts';
import type { ShardPool } from './shard-pool.ts';
import type { Turn } from './turn.ts';

export interface SessionEndpoint {
  readonly clock: Clock;
  readonly random: Random;
  readonly turn: Turn;
  readonly pool: ShardPool;
  readonly sessions: ReadonlySet<ClientSession>;
  /** Clients that ever connected. */
  readonly totalConnections: number;
  settings(): EndpointSettings;
  /** The router for these commands; the same as long as they are the same. */
  router(commands: CommandTable): Router;
  forget(session: ClientSession): void;
}
