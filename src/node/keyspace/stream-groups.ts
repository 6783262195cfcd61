/**
 * Consumer groups of a stream: how far each has read, its consumers, and what was delivered to whom without having been acknowledged.
 *
 * Border: which entries there are is the stream's matter (`stream.ts`), how far a group lags behind is `stream-lag.ts`; who may do
 * what is the commands'. [redis t_stream.c streamCG, streamConsumer, streamNACK]
 */

import type { RdbStreamGroup } from '../../rdb/stream.ts';
import { stringBytes } from './memory.ts';
import { PendingEntries, type PendingEntry } from './pending-entries.ts';

/** `entriesRead` of a group of which it is not known. */
export const UNKNOWN_READ = -1n;
/** A consumer to which nothing was ever delivered. */
export const NEVER_MS = -1;

const GROUP_BYTES = 600;
const CONSUMER_BYTES = 400;
/** The entry, its id, and its places in two lists. */
const PENDING_BYTES = 128;

export interface Consumer {
  readonly name: string;
  /** When it last asked for something, Unix milliseconds. */
  seenAtMs: number;
  /** When something was last delivered to it. */
  activeAtMs: number;
  readonly pending: PendingEntries;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

export class ConsumerGroup {
  readonly name: string;
  lastId: bigint;
  entriesRead: bigint;
  readonly pending = new PendingEntries();
  readonly #consumers = new Map<string, Consumer>();
  #consumerBytes = 0;
  readonly #added: (bytes: number) => void;

  /** `added` hears what it takes more, or less. */
  constructor(name: string, lastId: bigint, entriesRead: bigint, added: (bytes: number) => void) {
    this.name = name;
    this.lastId = lastId;
    this.entriesRead = entriesRead;
    this.#added = added;
    added(GROUP_BYTES + stringBytes(name.length));
  }

  get consumerCount(): number {
    return this.#consumers.size;
  }

  /** By name, as Redis lists them. */
  get consumers(): Consumer[] {
    return [...this.#consumers.values()].sort(byName);
  }

  get memoryBytes(): number {
    return GROUP_BYTES + stringBytes(this.name.length) + this.#consumerBytes + this.pending.size * PENDING_BYTES;
  }

  consumer(name: string): Consumer | undefined {
    return this.#consumers.get(name);
  }

  /** There is none of that name. */
  addConsumer(name: string, now: number): Consumer {
    const consumer = { name, seenAtMs: now, activeAtMs: NEVER_MS, pending: new PendingEntries() };
    this.#consumers.set(name, consumer);
    this.#count(CONSUMER_BYTES + stringBytes(name.length));
    return consumer;
  }

  /** What was delivered to it is forgotten. */
  deleteConsumer(consumer: Consumer): void {
    for (const { id } of consumer.pending) this.pending.delete(id);
    this.#added(-consumer.pending.size * PENDING_BYTES);
    this.#consumers.delete(consumer.name);
    this.#count(-CONSUMER_BYTES - stringBytes(consumer.name.length));
  }

  /** The entry is nobody's yet. */
  deliver(id: bigint, consumer: Consumer, deliveredAtMs: number, deliveries: bigint): PendingEntry {
    const entry: PendingEntry = { id, consumer, deliveredAtMs, deliveries };
    this.pending.add(entry);
    consumer.pending.add(entry);
    this.#added(PENDING_BYTES);
    return entry;
  }

  /** Gives an entry to a consumer, who may have it already. */
  pass(entry: PendingEntry, consumer: Consumer): void {
    if (entry.consumer === consumer) return;
    entry.consumer.pending.delete(entry.id);
    entry.consumer = consumer;
    consumer.pending.add(entry);
  }

  settle(entry: PendingEntry): void {
    this.pending.delete(entry.id);
    entry.consumer.pending.delete(entry.id);
    this.#added(-PENDING_BYTES);
  }

  toRdb(): RdbStreamGroup {
    const { name, lastId, entriesRead } = this;
    return {
      name,
      lastId,
      entriesRead: BigInt.asUintN(64, entriesRead),
      pending: Array.from(this.pending, ({ id, deliveredAtMs, deliveries }) => ({
        id,
        deliveredAtMs: BigInt(deliveredAtMs),
        deliveries: BigInt.asUintN(64, deliveries),
      })),
      consumers: this.consumers.map((consumer) => ({
        name: consumer.name,
        seenAtMs: BigInt(consumer.seenAtMs),
        activeAtMs: BigInt(consumer.activeAtMs),
        pending: Array.from(consumer.pending, ({ id }) => id),
      })),
    };
  }

  #count(bytes: number): void {
    this.#consumerBytes += bytes;
    this.#added(bytes);
  }
}

export class ConsumerGroups {
  readonly #groups = new Map<string, ConsumerGroup>();
  /** Of all groups with what they hold. */
  memoryBytes = 0;

  static from(rdb: readonly RdbStreamGroup[]): ConsumerGroups {
    const groups = new ConsumerGroups();
    for (const { name, lastId, entriesRead, pending, consumers } of rdb) {
      const group = groups.add(name, lastId, BigInt.asIntN(64, entriesRead));
      const delivered = new Map(pending.map((entry) => [entry.id, entry]));
      for (const each of consumers) {
        const consumer = group.addConsumer(each.name, Number(each.seenAtMs));
        consumer.activeAtMs = Number(each.activeAtMs);
        for (const id of each.pending) {
          const { deliveredAtMs, deliveries } = delivered.get(id)!;
          group.deliver(id, consumer, Number(deliveredAtMs), BigInt.asIntN(64, deliveries));
        }
      }
    }
    return groups;
  }

  get size(): number {
    return this.#groups.size;
  }

  /** By name, as Redis lists them. */
  get all(): ConsumerGroup[] {
    return [...this.#groups.values()].sort(byName);
  }

  get(name: string): ConsumerGroup | undefined {
    return this.#groups.get(name);
  }

  /** There is none of that name. */
  add(name: string, lastId: bigint, entriesRead: bigint): ConsumerGroup {
    const group = new ConsumerGroup(name, lastId, entriesRead, (bytes) => (this.memoryBytes += bytes));
    this.#groups.set(name, group);
    return group;
  }

  delete(name: string): boolean {
    const group = this.#groups.get(name);
    if (group === undefined) return false;
    this.memoryBytes -= group.memoryBytes;
    return this.#groups.delete(name);
  }

  toRdb(): RdbStreamGroup[] {
    return this.all.map((group) => group.toRdb());
  }
}
