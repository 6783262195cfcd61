/**
 * FAILOVER: a primary stops writing, waits until a replica has everything, follows it and asks it to take over. [redis replication.c updateFailoverStatus]
 *
 * What clients wanted to write meanwhile waits, and is then refused here as on any replica; when nothing comes of it, it is written here.
 * Border: who may ask for it, and in which words, is `commands.ts`; the request to take over goes with the PSYNC of `replica.ts`.
 */

import type { Address, Timer } from '../world/world.ts';
import type { Attachment } from './attachment.ts';
import type { Replication } from './replication.ts';

/** As INFO's master_failover_state names them. */
export type FailoverState = 'no-failover' | 'waiting-for-sync' | 'failover-in-progress';

export class Failover {
  readonly #replication: Replication;
  #state: FailoverState = 'no-failover';
  /** Null: whoever has everything first. */
  #to: Address | null = null;
  #timer: Timer | null = null;

  constructor(replication: Replication) {
    this.#replication = replication;
    replication.primary.onProgress.push(() => this.#lookSoon());
  }

  get state(): FailoverState {
    return this.#state;
  }

  /** `timeoutMs` 0: it waits for ever. `force`: when the time is up it goes on all the same. */
  begin(to: Address | null, timeoutMs: number, force: boolean): void {
    const { shard } = this.#replication;
    this.#state = 'waiting-for-sync';
    this.#to = to;
    shard.pause.lock();
    this.#note('failover-begun', {});
    if (timeoutMs > 0) {
      this.#timer = shard.world.clock.after(timeoutMs, () => {
        if (this.#state !== 'waiting-for-sync') return;
        if (force && to !== null) {
          this.#note('failover-timeout', {});
          this.#handOver(to);
        } else this.abort('no replica had everything in time');
      });
    }
    this.#lookSoon();
  }

  /** The role stays here. */
  abort(detail: string): void {
    if (this.#state === 'no-failover') return;
    const wasHandedOver = this.#state === 'failover-in-progress';
    this.#note('failover-aborted', { detail });
    this.#state = 'no-failover';
    if (wasHandedOver) this.#replication.promote();
    this.#clear();
  }

  /** The other is the primary. */
  ended(): void {
    if (this.#state === 'no-failover') return;
    this.#note('failover-done', {});
    this.#state = 'no-failover';
    this.#clear();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Not inside what led to it: a reply on its way, an acknowledgement that is being counted. */
  #lookSoon(): void {
    if (this.#state === 'waiting-for-sync') this.#replication.shard.world.clock.soon(() => this.#look());
  }

  #look(): void {
    if (this.#state !== 'waiting-for-sync') return;
    const { feed, primary } = this.#replication;
    feed.flush();
    const hasAll = (each: Attachment): boolean => each.stage === 'online' && each.ackOffset === feed.offset;
    const target = this.#to === null ? null : primary.replicaAt(this.#to);
    const wanted = this.#to === null ? [...primary.attachments] : target === null ? [] : [target];
    const found = wanted.find(hasAll);
    if (found !== undefined) this.#handOver({ host: found.host, port: found.facts.listeningPort });
  }

  #handOver(to: Address): void {
    this.close();
    this.#state = 'failover-in-progress';
    this.#to = to;
    this.#replication.follow(to, true);
  }

  #clear(): void {
    this.close();
    this.#to = null;
    this.#replication.shard.pause.unlock();
  }

  #note(name: string, fields: Readonly<Record<string, string>>): void {
    const to = this.#to === null ? 'any replica' : `${this.#to.host}:${this.#to.port}`;
    this.#replication.shard.world.log.event(name, { to, ...fields });
  }
}
