/**
 * A small deployment in a simulated world: sources of one shard each, a destination of several, the engine between them, and
 * a story of writes and faults to live through. Everything follows from the seed and the story.
 */

import { dataCommands } from '../../src/node/commands/index.ts';
import { CommandTable } from '../../src/node/commands/table.ts';
import { fromRdbValue, toRdbValue } from '../../src/node/keyspace/rdb-values.ts';
import { serveShard, type RespServer } from '../../src/node/shard/resp-server.ts';
import { Shard } from '../../src/node/shard/shard.ts';
import { replicationCommands } from '../../src/replication/commands.ts';
import { attachReplication, replicationOf } from '../../src/replication/replication.ts';
import { SHARD_MARKS } from '../../src/replication/replica-of/checkpoint.ts';
import { markCommands } from '../../src/replication/replica-of/marks.ts';
import { ReplicaOf } from '../../src/replication/replica-of/replica-of.ts';
import { redisSlot } from '../../src/sharding/slot.ts';
import { evenSlotMap } from '../../src/sharding/slot-map.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import type { LinkConditions, Network } from '../../src/world/world.ts';
import { TestClient } from '../support/fixtures.ts';

const COMMANDS = new CommandTable([...dataCommands, ...replicationCommands, ...markCommands]);
const SYNCER = '127.0.2.1';
const CONVERGE_MS = 300_000;
/** The smallest that a shard allows. */
const BACKLOG_BYTES = 16 * 1024;

export type Step =
  | { readonly do: 'write'; readonly source: number; readonly words: readonly (readonly string[])[] }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'cut'; readonly side: 'source' | 'destination'; readonly how: 'reset' | 'silent' }
  | { readonly do: 'partition'; readonly source: number; readonly ways: 'one-way' | 'both-ways'; readonly ms: number }
  | { readonly do: 'restart-syncer' }
  /** So many bytes that a source which was away for them has lost its backlog. */
  | { readonly do: 'flood'; readonly source: number }
  /** A target comes back without its data and without its marks. */
  | { readonly do: 'empty-target'; readonly target: number }
  /** A source comes back with its data, and a history of another name. */
  | { readonly do: 'new-history'; readonly source: number }
  /** A source that followed another server until now becomes a primary: its history goes on under a new name. */
  | { readonly do: 'promote'; readonly source: number };

export interface Story {
  readonly seed: number;
  readonly sources: number;
  readonly targets: number;
  readonly conditions: Partial<LinkConditions>;
  readonly steps: readonly Step[];
}

export interface Ending {
  /** Null: the destination is the union of the sources. */
  readonly difference: string | null;
  /** The same, at the moment when the engine first said that all is in sync and applied, once the story was over. */
  readonly differenceWhenInSync: string | null;
  readonly hash: string;
  readonly fullSyncs: number;
  readonly partialSyncs: number;
}

export interface StoryOptions {
  /** Lets a test stand between the engine and the network, to plant a fault. */
  readonly network?: (network: Network) => Network;
}

export async function live(story: Story, options: StoryOptions = {}): Promise<Ending> {
  const world = new SimWorld({ seed: story.seed, conditions: story.conditions });
  const servers = new Map<Shard, RespServer>();
  const shardAt = async (host: string): Promise<Shard> => {
    const shard = new Shard({ world, commands: COMMANDS, config: { 'repl-backlog-size': String(BACKLOG_BYTES) } });
    attachReplication(shard);
    const served = await world.run(serveShard(shard, world.network.from(host), { host, port: 6379 }));
    if (!served.ok) throw new Error(served.detail);
    servers.set(shard, served.server);
    return shard;
  };
  const sources: Shard[] = [];
  for (let i = 0; i < story.sources; i++) sources.push(await shardAt(`127.0.1.${i + 1}`));
  const targets: Shard[] = [];
  const targetAt = async (index: number): Promise<Shard> => {
    const shard = await shardAt(`127.0.2.${index + 1}`);
    shard.expiryPolicy = 'ignore';
    return shard;
  };
  for (let i = 0; i < story.targets; i++) targets.push(await targetAt(i));
  /** What a source follows until it is promoted; until then its clients write there. */
  const primaries = new Map<number, Shard>();
  for (const step of story.steps) {
    if (step.do !== 'promote' || primaries.has(step.source % story.sources)) continue;
    const index = step.source % story.sources;
    primaries.set(index, await shardAt(`127.0.3.${index + 1}`));
    replicationOf(sources[index]!).follow({ host: `127.0.3.${index + 1}`, port: 6379 });
    await world.runUntil(() => sources[index]!.linkUp, { virtualMs: CONVERGE_MS });
  }
  const slots = evenSlotMap(story.targets);
  const ownNetwork = world.network.from(SYNCER);
  let fullSyncs = 0;
  let partialSyncs = 0;
  const start = (): ReplicaOf => {
    const engine = new ReplicaOf({
      world,
      network: options.network?.(ownNetwork) ?? ownNetwork,
      engine: 'sim',
      generation: 'sim',
      sources: sources.map((_, i) => ({
        key: String(i + 1),
        url: { host: `127.0.1.${i + 1}`, port: 6379, username: null, password: null },
        tls: null,
      })),
      destination: {
        targets: story.targets,
        databases: 1,
        commands: COMMANDS,
        targetOf: (key) => slots.shardOf(redisSlot(key)),
        specs: targets.map((_, i) => ({
          address: { host: `127.0.2.${i + 1}`, port: 6379 },
          username: null,
          password: null,
          tls: null,
          preamble: [],
          marks: SHARD_MARKS,
        })),
      },
    });
    engine.start();
    return engine;
  };
  const end = (engine: ReplicaOf): void => {
    engine.close();
    fullSyncs += engine.fullSyncs;
    partialSyncs += engine.partialSyncs;
  };

  let engine = start();
  const clients: TestClient[] = sources.map((shard, i) => new TestClient(primaries.get(i) ?? shard));
  for (const step of story.steps) {
    switch (step.do) {
      case 'write':
        for (const words of step.words) clients[step.source % story.sources]!.call(...words);
        break;
      case 'wait':
        await world.advance(step.ms);
        break;
      case 'cut':
        world.network.faults.cut(SYNCER, step.side === 'source' ? '127.0.1.' : '127.0.2.', step.how);
        break;
      case 'partition': {
        const source = `127.0.1.${(step.source % story.sources) + 1}`;
        world.network.faults.partition([SYNCER], [source], step.ways);
        await world.advance(step.ms);
        world.network.faults.heal();
        break;
      }
      case 'flood':
        clients[step.source % story.sources]!.call(
          'SET',
          `s${step.source % story.sources}:flood`,
          'x'.repeat(BACKLOG_BYTES + 1000),
        );
        break;
      case 'empty-target': {
        const index = step.target % story.targets;
        const gone = targets[index]!;
        await world.run(servers.get(gone)!.close());
        gone.close();
        targets[index] = await targetAt(index);
        break;
      }
      case 'new-history': {
        const index = step.source % story.sources;
        const gone = sources[index]!;
        if (gone.role === 'replica') break;
        await world.run(servers.get(gone)!.close());
        const fresh = await shardAt(`127.0.1.${index + 1}`);
        const { values, expires } = gone.keyspaces[0]!;
        values.forEach((key, value) =>
          fresh.keyspaces[0]!.load(key, fromRdbValue(toRdbValue(value), fresh.limits), expires.get(key) ?? null),
        );
        gone.close();
        sources[index] = fresh;
        clients[index] = new TestClient(fresh);
        break;
      }
      case 'promote': {
        const index = step.source % story.sources;
        replicationOf(sources[index]!).promote();
        clients[index] = new TestClient(sources[index]!);
        break;
      }
      case 'restart-syncer':
        end(engine);
        engine = start();
        break;
    }
  }
  // Faults are over: now it must converge, and say why if it does not.
  world.network.faults.heal();
  let difference: string | null = 'not compared';
  let differenceWhenInSync: string | null | undefined;
  const converged = (): boolean => {
    if (engine.stopped !== null) return true;
    if (!engine.inSync || sources.some((shard) => shard.role === 'replica')) return false;
    difference = differenceOf(sources, targets);
    const hasAll = engine.progress.every(({ lagBytes }) => lagBytes === 0);
    if (hasAll && differenceWhenInSync === undefined) differenceWhenInSync = difference;
    return difference === null;
  };
  await world.runUntil(converged, { virtualMs: CONVERGE_MS });
  if (engine.stopped !== null) difference = `stopped: ${engine.stopped.cause}: ${engine.stopped.detail}`;
  else if (!engine.inSync) difference = `never in sync: ${JSON.stringify(engine.progress)}`;
  end(engine);
  for (const shard of [...sources, ...primaries.values(), ...targets]) shard.close();
  return {
    difference,
    differenceWhenInSync: differenceWhenInSync ?? null,
    hash: world.eventLogHash(),
    fullSyncs,
    partialSyncs,
  };
}

/** What a shard holds, one line a key, in a form that does not depend on encodings or order of insertion. */
function contents(shard: Shard, into: Map<string, string>): void {
  const keyspace = shard.keyspaces[0]!;
  keyspace.values.forEach((key, value) => {
    const rdb = toRdbValue(value);
    let text: string;
    if (typeof rdb === 'string') text = rdb;
    else if (rdb.kind === 'list') text = rdb.items.join('|');
    else if (rdb.kind === 'set') text = [...rdb.members].sort().join('|');
    else if (rdb.kind === 'zset')
      text = rdb.members
        .map((member, i) => `${member}=${rdb.scores[i]}`)
        .sort()
        .join('|');
    else if (rdb.kind === 'stream') text = rdb.entries.map(({ id, pairs }) => `${id}=${pairs.join(',')}`).join('|');
    else
      text = rdb.pairs
        .reduce<string[]>((all, word, i) => (i % 2 === 0 ? [...all, `${word}=${rdb.pairs[i + 1]}`] : all), [])
        .sort()
        .join('|');
    into.set(
      key,
      `${typeof rdb === 'string' ? 'string' : rdb.kind} ${text} expires ${keyspace.expires.get(key) ?? 'never'}`,
    );
  });
}

function differenceOf(sources: readonly Shard[], targets: readonly Shard[]): string | null {
  const wanted = new Map<string, string>();
  const found = new Map<string, string>();
  for (const source of sources) contents(source, wanted);
  for (const target of targets) contents(target, found);
  for (const [key, text] of wanted) {
    if (found.get(key) !== text) return `${key}: source has ${text}, destination has ${found.get(key) ?? 'nothing'}`;
  }
  for (const key of found.keys())
    if (!wanted.has(key)) return `${key}: only the destination has it (${found.get(key)})`;
  return null;
}
