/**
 * What a shard counts of each command and of each kind of error: INFO's commandstats, errorstats and latencystats read it.
 * [redis server.c call, afterCommand; latency.c]
 *
 * Plain GET and SET, answered past the grammar, are timed every `QUICK_EVERY`th time, and that time counts for the others: reading
 * the clock would cost more than it tells. Border: the shard says when a command begins and ends. Limits: ERROR_CODES_MAX.
 */

import { Failure, type Reply } from '../../resp/reply.ts';
import type { Command } from '../commands/command.ts';
import { Histogram } from './histogram.ts';

/** A power of two. */
const QUICK_EVERY = 32;
/** Beyond so many the errors are made of data: none is told apart any more until CONFIG RESETSTAT. [redis 7.4 server.c ERROR_STATS_NUMBER] */
const ERROR_CODES_MAX = 128;
/** Stands in their place then. */
const TOO_MANY_CODES = 'ERRORSTATS_DISABLED';

export class CommandStat {
  calls = 0;
  microseconds = 0;
  /** Refused before they ran. */
  rejected = 0;
  /** Answered with an error. */
  failed = 0;
  /** Null until something was timed while `latency-tracking` was on. */
  latency: Histogram | null = null;

  get isEmpty(): boolean {
    return this.calls === 0 && this.rejected === 0 && this.failed === 0;
  }

  /** In place: the command that wants it is counted itself, when it has run. */
  reset(): void {
    this.calls = 0;
    this.microseconds = 0;
    this.rejected = 0;
    this.failed = 0;
    this.latency = null;
  }
}

export class CommandStats {
  /** `latency-tracking`. */
  tracksLatency = true;
  /** Errors replied, of all kinds. */
  errors = 0;
  readonly #stats = new Map<Command, CommandStat>();
  /** Told the codes there were when they became too many. */
  onTooManyErrors: (codes: readonly string[]) => void = () => undefined;
  readonly #errors = new Map<string, number>();
  #last: Command | null = null;
  #lastStat = new CommandStat();

  of(command: Command): CommandStat {
    if (command === this.#last) return this.#lastStat;
    let stat = this.#stats.get(command);
    if (stat === undefined) this.#stats.set(command, (stat = new CommandStat()));
    this.#last = command;
    this.#lastStat = stat;
    return stat;
  }

  /** True when a call that is answered past the grammar is to be timed. */
  isTimed(stat: CommandStat): boolean {
    return (stat.calls & (QUICK_EVERY - 1)) === 0 || (stat.latency === null && this.tracksLatency);
  }

  ended(stat: CommandStat, milliseconds: number, isQuick: boolean): void {
    const times = isQuick ? QUICK_EVERY : 1;
    stat.microseconds += milliseconds * 1000 * times;
    if (this.tracksLatency) (stat.latency ??= new Histogram()).add(milliseconds * 1e6, times);
  }

  /** Whatever it was answered; an error that something inside it was told since `errorsBefore` is counted there. */
  answered(stat: CommandStat, reply: Reply, errorsBefore = this.errors): void {
    stat.calls++;
    if (!(reply instanceof Failure)) return;
    stat.failed++;
    if (this.errors === errorsBefore) this.error(reply.text);
  }

  /** Refused before it ran; `message` begins with the error's code. */
  rejected(command: Command, message: string): void {
    this.of(command).rejected++;
    this.error(message);
  }

  /** `message` begins with the error's code. */
  error(message: string): void {
    this.errors++;
    if (this.#errors.has(TOO_MANY_CODES)) return;
    const space = message.indexOf(' ');
    const code = space < 0 ? message : message.slice(0, space);
    const count = this.#errors.get(code);
    if (count !== undefined || this.#errors.size < ERROR_CODES_MAX) this.#errors.set(code, (count ?? 0) + 1);
    else {
      this.onTooManyErrors([...this.#errors.keys()]);
      this.#errors.clear();
      this.#errors.set(TOO_MANY_CODES, 1);
    }
  }

  reset(): void {
    this.errors = 0;
    this.#errors.clear();
    for (const stat of this.#stats.values()) stat.reset();
  }

  /** Of commands that were called or refused. */
  get commands(): readonly (readonly [Command, CommandStat])[] {
    return [...this.#stats].filter(([, stat]) => !stat.isEmpty);
  }

  get errorCounts(): ReadonlyMap<string, number> {
    return this.#errors;
  }
}
