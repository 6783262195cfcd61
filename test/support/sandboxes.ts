/**
 * Sandboxes for tests: in a simulated world, where a story is told in virtual time, and on real sockets at loopback addresses that no
 * other test has. A `PlainClient` speaks to an endpoint in either.
 */

import { RequestConnection } from '../../src/replication/request-connection.ts';
import type { ReaderReply } from '../../src/resp/reply-reader.ts';
import { Failure } from '../../src/resp/reply.ts';
import { startSandbox, type ClusterConfig, type Sandbox, type SandboxDatabase } from '../../src/sandbox/sandbox.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import type { World } from '../../src/world/world.ts';

/** `127.a.b`, different for each process and call. */
export const testSubnet = (): string =>
  `127.${100 + (process.pid % 100)}.${(calls += 1) + (Math.floor(process.pid / 100) % 100)}`;
let calls = 0;

export class PlainClient {
  readonly #connection: RequestConnection;
  closed = false;

  constructor(connection: RequestConnection) {
    this.#connection = connection;
  }

  static async connect(
    world: World,
    { host, port }: { readonly host: string; readonly port: number },
  ): Promise<PlainClient> {
    const outcome = await world.network.from('127.0.0.1').connect({ host, port }, { timeoutMs: 5_000 });
    if (!outcome.ok) throw new Error(`${host}:${port}: ${outcome.why}: ${outcome.detail}`);
    const client: PlainClient = new PlainClient(
      new RequestConnection(outcome.connection, {
        closed: () => {
          client.closed = true;
        },
      }),
    );
    return client;
  }

  /** A refusal comes back as its text. */
  ask(...words: string[]): Promise<ReaderReply> {
    return new Promise((resolve) => {
      this.#connection.ask(words, (reply) => resolve(reply instanceof Failure ? reply.text : reply));
    });
  }

  close(): void {
    this.#connection.close();
  }
}

export interface SimStory {
  readonly world: SimWorld;
  readonly sandbox: Sandbox;
  readonly connect: (database: SandboxDatabase) => Promise<PlainClient>;
  readonly wait: (ms: number) => Promise<void>;
}

/** Tells a story in a simulated world, and ends the sandbox with it. */
export const inSimulation = async <T>(
  options: { readonly seed?: number; readonly clusters?: readonly ClusterConfig[] },
  story: (told: SimStory) => Promise<T>,
): Promise<T> => {
  const world = new SimWorld({ seed: options.seed ?? 1 });
  return world.run(async () => {
    await using sandbox = await startSandbox({
      world,
      ...(options.clusters === undefined ? {} : { clusters: options.clusters }),
    });
    return await story({
      world,
      sandbox,
      connect: (database) => PlainClient.connect(world, database),
      wait: (ms) => new Promise((resolve) => void world.clock.after(ms, resolve)),
    });
  });
};
