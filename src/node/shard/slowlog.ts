/**
 * The slow log: the latest requests that took longer than `slowlog-log-slower-than`, shortened. [redis slowlog.c]
 *
 * Border: the shard says when a request begins and ends; `commands/slowlog.ts` shows what is kept. The clock is read only where an
 * entry may follow: see `timesAll`. Limits: `slowlog-max-len` entries, each of WORDS_MAX words of WORD_BYTES_MAX bytes.
 */

import { addressText, type Clock } from '../../world/world.ts';
import type { Command } from '../commands/command.ts';
import { redacted } from './redaction.ts';
import type { Session } from './session.ts';

const WORDS_MAX = 32;
const WORD_BYTES_MAX = 128;
/** A request that is answered past the grammar (GET, SET) takes microseconds: it is timed only to find those. */
const QUICK_MICROSECONDS_MAX = 1_000;

export interface SlowEntry {
  readonly id: number;
  /** Unix time of its end. */
  readonly atSeconds: number;
  readonly microseconds: number;
  readonly words: readonly string[];
  readonly address: string;
  readonly clientName: string;
}

export class Slowlog {
  /** Requests are timed. */
  enabled = true;
  /** Those as well that cost so little that reading the clock would show. */
  timesAll = false;
  readonly #clock: Clock;
  /** Oldest first. */
  #entries: SlowEntry[] = [];
  #nextId = 0;
  #slowerThan = 0;
  #lengthMax = 0;
  /** What commands have made the shard stand still, by the world's clock not yet passed. */
  #heldMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Microseconds from which on a request is kept, none when negative; entries kept from the next one on. */
  configure(slowerThan: number, lengthMax: number): void {
    this.#slowerThan = slowerThan;
    this.#lengthMax = lengthMax;
    this.enabled = slowerThan >= 0 && lengthMax > 0;
    this.timesAll = this.enabled && slowerThan < QUICK_MICROSECONDS_MAX;
  }

  /** Milliseconds since an arbitrary start, never negative. */
  moment(): number {
    return this.#clock.elapsed() + this.#heldMs;
  }

  /** A command makes the shard stand still, and so takes that long. */
  held(milliseconds: number): void {
    if (milliseconds > 0) this.#heldMs += milliseconds;
  }

  /** Keeps the request if it was slow. */
  ended(session: Session, command: Command, words: readonly string[], milliseconds: number): void {
    if (!this.enabled) return;
    const microseconds = Math.floor(milliseconds * 1000);
    if (microseconds < this.#slowerThan || command.flags.has('skip_slowlog')) return;
    this.#entries.push({
      id: this.#nextId++,
      atSeconds: Math.floor(this.#clock.now() / 1000),
      microseconds,
      words: shortened(redacted(command, words)),
      address: addressText(session.output.remote),
      clientName: session.name,
    });
    const surplus = this.#entries.length - this.#lengthMax;
    if (surplus > 0) this.#entries.splice(0, surplus);
  }

  /** Newest first. */
  latest(count: number): SlowEntry[] {
    return this.#entries.slice(Math.max(0, this.#entries.length - count)).toReversed();
  }

  reset(): void {
    this.#entries = [];
  }
}

/** As Redis shortens them [redis slowlog.c slowlogCreateEntry]. */
function shortened(words: readonly string[]): readonly string[] {
  const kept = (words.length > WORDS_MAX ? words.slice(0, WORDS_MAX - 1) : words).map((word) =>
    word.length > WORD_BYTES_MAX
      ? `${word.slice(0, WORD_BYTES_MAX)}... (${word.length - WORD_BYTES_MAX} more bytes)`
      : word,
  );
  if (words.length > WORDS_MAX) kept.push(`... (${words.length - WORDS_MAX + 1} more arguments)`);
  return kept;
}
