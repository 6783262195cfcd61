/**
 * What a scenario has to play with: a sandbox, clients, a Redis from outside, patience and comparisons. The same in both worlds;
 * everything it opens ends with the scenario.
 *
 * Border: which world, and what the outcome means, is `scenario.ts`. Limits: FAILURES_NAMED keys in a message.
 */

import { compareServers } from '../replication/compare/compare.ts';
import { parseSourceUrl, type SourceUrl } from '../replication/replica-of/source-url.ts';
import type { Milliseconds, World } from '../world/world.ts';
import type { SandboxDatabase } from './database.ts';
import { realRedis, simulatedRedis, type ExternalRedis } from './external-redis.ts';
import { DEFAULT_CONFIG, type SandboxConfig } from './options.ts';
import { startSandbox, type Sandbox } from './sandbox.ts';
import { ScenarioClient } from './scenario-client.ts';

const ASK_EVERY_MS = 5;
const FAILURES_NAMED = 5;

export type WorldKind = 'simulated' | 'system';

/** Something did not become true, or was not what it should be. */
export class ScenarioFailure extends Error {
  override readonly name = 'ScenarioFailure';
}

/** The scenario cannot be played here; no failure. */
export class ScenarioSkipped extends Error {
  override readonly name = 'ScenarioSkipped';
}

export interface Patience {
  /** In the simulated world virtual time. */
  readonly withinMs: Milliseconds;
  /** What should become true, for the message when it does not. */
  readonly what: string;
}

export class Actors {
  readonly world: World;
  readonly kind: WorldKind;
  readonly #closers: (() => void | Promise<void>)[] = [];
  #waitingFor = '';

  constructor(world: World, kind: WorldKind) {
    this.world = world;
    this.kind = kind;
  }

  /** What the scenario waits for now, or waited for last. */
  get waitingFor(): string {
    return this.#waitingFor;
  }

  /** By default east.local with `orders` and west.local with its copy. Clusters get addresses that no `antipode up` uses. */
  async sandbox(config: SandboxConfig = DEFAULT_CONFIG): Promise<Sandbox> {
    const clusters = config.clusters.map((cluster, index) => ({ subnet: `${this.#network}.${index + 1}`, ...cluster }));
    const sandbox = await startSandbox({ world: this.world, clusters });
    this.#closers.push(() => sandbox.close());
    return sandbox;
  }

  /** To a database without TLS, as its users see it, or to any server by its URL. */
  async client(to: SandboxDatabase | string): Promise<ScenarioClient> {
    const client = await ScenarioClient.open(this.world, typeof to === 'string' ? to : `redis://${to.host}:${to.port}`);
    this.#closers.push(() => client.close());
    return client;
  }

  /** A Redis that belongs to no cluster: genuine in the system world (skips the scenario when none is installed). */
  async externalRedis(options: { readonly password?: string } = {}): Promise<ExternalRedis> {
    const password = options.password ?? null;
    const redis =
      this.kind === 'system' ? await realRedis(this.world, password) : await simulatedRedis(this.world, password);
    if (redis === null) {
      throw new ScenarioSkipped(
        'there is no redis-server on this machine (Debian: apt-get install redis-server); --world simulated does without',
      );
    }
    this.#closers.push(() => redis.close());
    return redis;
  }

  /** Asks until the condition holds. Fails with `what` when it does not in time; in the simulated world virtual time moves on. */
  async eventually(holds: () => boolean | Promise<boolean>, { withinMs, what }: Patience): Promise<void> {
    const { clock } = this.world;
    this.#waitingFor = what;
    const deadline = clock.elapsed() + withinMs;
    while (!(await holds())) {
      if (clock.elapsed() >= deadline) throw new ScenarioFailure(`not within ${withinMs} ms: ${what}`);
      await this.pass(ASK_EVERY_MS);
    }
  }

  /** Lets time pass. */
  pass(ms: Milliseconds): Promise<void> {
    return new Promise((resolve) => void this.world.clock.after(ms, resolve));
  }

  expect(holds: boolean, what: string): void {
    if (!holds) throw new ScenarioFailure(`does not hold: ${what}`);
  }

  /** The two hold the same data, asked key by key from both ends. */
  async expectEqual(from: SandboxDatabase | string, to: SandboxDatabase | string): Promise<void> {
    this.#waitingFor = 'the comparison of both databases';
    const report = await compareServers({ world: this.world, from: { url: urlOf(from) }, to: { url: urlOf(to) } });
    if (report.verdict === 'equal') return;
    const named = report.differences
      .slice(0, FAILURES_NAMED)
      .map(({ reason, key, from, to }) => `${reason} "${key}": ${from} | ${to}`)
      .join('; ');
    throw new ScenarioFailure(
      `source and destination: ${[report.verdict, report.detail, named].filter((part) => part !== '').join(': ')}`,
    );
  }

  /** For what this machine cannot do. */
  skip(why: string): never {
    throw new ScenarioSkipped(why);
  }

  /** For the runner. */
  async close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
    this.#closers.length = 0;
  }

  get #network(): string {
    // Two runs at a time on one machine stay apart.
    return this.kind === 'simulated' ? '127.0' : `127.${200 + (process.pid % 50)}`;
  }
}

function urlOf(of: SandboxDatabase | string): SourceUrl {
  if (typeof of !== 'string') return { host: of.host, port: of.port, username: null, password: null };
  const parsed = parseSourceUrl(of);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.url;
}
