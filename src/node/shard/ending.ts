/**
 * How a shard that is a process of its own comes to an end, at the wish of a client (SHUTDOWN) or of a signal: when its replicas have
 * all that it has, or `shutdown-timeout` is over. Until then nobody writes, and SHUTDOWN ABORT takes the wish back.
 * [redis server.c prepareForShutdown, finishShutdown]
 *
 * Border: the data are saved and the process is ended by its owner, who may find that it cannot be.
 */

import assert from 'node:assert';
import type { Shard } from './shard.ts';

export interface EndWish {
  readonly saving: 'as-configured' | 'save' | 'nosave';
  /** NOW: replicas are not waited for. */
  readonly isNow: boolean;
  /** FORCE: it ends though the data cannot be saved. */
  readonly isForced: boolean;
}

/** `asked`: by a signal, and not begun yet. */
type EndingState = 'none' | 'asked' | 'waiting' | 'finishing';

const MOVES: Readonly<Record<EndingState, readonly EndingState[]>> = {
  none: ['asked', 'waiting', 'finishing'],
  asked: ['none', 'waiting', 'finishing'],
  waiting: ['none', 'finishing'],
  finishing: ['none'],
};

export class Ending {
  readonly #shard: Shard;
  /** Resolves with false when the shard goes on after all. */
  readonly #finish: (wish: EndWish) => Promise<boolean>;
  #state: EndingState = 'none';
  #wish: EndWish | null = null;
  #untilMs = 0;
  #disappoint: (() => void)[] = [];

  constructor(shard: Shard, finish: (wish: EndWish) => Promise<boolean>) {
    this.#shard = shard;
    this.#finish = finish;
  }

  get isUnderWay(): boolean {
    return this.#state !== 'none';
  }

  /** How long it waits yet for its replicas, at most; null: it does not. */
  get remainingMs(): number | null {
    return this.#state === 'waiting' ? Math.max(0, this.#untilMs - this.#shard.now) : null;
  }

  /** A signal: it begins at the next tick, which in tests may be held back. */
  ask(wish: EndWish): void {
    if (this.#state !== 'none') return;
    this.#move('asked');
    this.#wish = wish;
    if (!this.#shard.isCronPaused) this.#prepare(wish);
  }

  /** A client: resolves when the shard goes on after all, else never. One that comes later waits for what is under way. */
  begin(wish: EndWish): Promise<void> {
    const disappointed = new Promise<void>((resolve) => this.#disappoint.push(resolve));
    if (this.#state === 'none' || this.#state === 'asked') this.#prepare(wish);
    return disappointed;
  }

  /** False: there is nothing to take back. */
  abort(): boolean {
    if (this.#state !== 'asked' && this.#state !== 'waiting') return false;
    this.#goOn();
    this.#shard.world.log.event('shutdown-aborted');
    return true;
  }

  tick(): void {
    const { replicas, world } = this.#shard;
    if (this.#state === 'asked') this.#prepare(this.#wish!);
    else if (this.#state === 'waiting' && (replicas.lagging().length === 0 || world.clock.now() >= this.#untilMs)) {
      this.#finishNow(this.#wish!);
    }
  }

  #prepare(wish: EndWish): void {
    const { config, pause, replicas, world } = this.#shard;
    const timeoutMs = config.get('shutdown-timeout') * 1000;
    this.#wish = wish;
    world.log.event('shutdown-wanted');
    pause.lock();
    const lagging = replicas.lagging().length;
    if (wish.isNow || timeoutMs === 0 || lagging === 0) this.#finishNow(wish);
    else {
      this.#move('waiting');
      this.#untilMs = world.clock.now() + timeoutMs;
      replicas.ask();
      world.log.event('waiting-for-replicas', { replicas: lagging });
    }
  }

  #finishNow(wish: EndWish): void {
    this.#move('finishing');
    this.#tellReplicas();
    void this.#finish(wish).then((ends) => {
      if (ends) return;
      this.#shard.world.log.event('shutdown-failed');
      this.#goOn();
    });
  }

  /** What each of them may lack of what was answered. */
  #tellReplicas(): void {
    const { replicas, world } = this.#shard;
    if (replicas.count === 0) return;
    const lagging = replicas.lagging();
    for (const { name, ...fields } of lagging) world.log.event('replica-lags', { replica: name, ...fields });
    world.log.event('replicas-at-end', { inSync: replicas.count - lagging.length, replicas: replicas.count });
  }

  #goOn(): void {
    const wasBegun = this.#state !== 'asked';
    this.#move('none');
    this.#wish = null;
    if (wasBegun) this.#shard.pause.unlock();
    for (const tell of this.#disappoint.splice(0)) tell();
  }

  #move(state: EndingState): void {
    assert(MOVES[this.#state].includes(state), `an end that is ${this.#state} cannot be ${state}`);
    this.#state = state;
  }
}
