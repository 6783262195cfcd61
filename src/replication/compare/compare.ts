/**
 * Whether two servers hold the same data, asked from both ends: every key of the source is compared with the destination's, then
 * every key of the destination is looked for in the source. Values, their types, and expiry times.
 *
 * Both may be in use. A key that differs is looked at again in rounds with pauses between them, so that writes on their way arrive;
 * one that is different and at rest has diverged, one that still changes is undecided. Memory does not grow with the number of keys.
 * Limits: SUSPECTS_MAX keys under suspicion at a time; the search ends at DIFFERENCES_MAX; NAMED_MAX of them are named.
 */

import type { Milliseconds, World } from '../../world/world.ts';
import { ConnectionLost, openClient, ReplyError, type ClientOptions, type RequestClient } from '../request-client.ts';
import type { SourceUrl } from '../replica-of/source-url.ts';
import { Side, type Look, type LookKind } from './side.ts';
import { shownText } from './value-text.ts';

const SUSPECTS_MAX = 10_000;
const DIFFERENCES_MAX = 10_000;
export const NAMED_MAX = 1_000;
/** Keys looked at in one request. */
const LOOK_KEYS_MAX = 500;
const ROUND_PAUSES_MS: readonly Milliseconds[] = [50, 350, 1_000];
/** Expiry times as far apart as this are the same: servers before 7.0 tell only what is left. */
export const EXPIRY_TOLERANCE_MS = 1_000;

export interface CompareSide {
  readonly url: SourceUrl;
  readonly options?: ClientOptions;
}

export interface CompareOptions {
  readonly world: World;
  readonly from: CompareSide;
  readonly to: CompareSide;
  /** Called now and then with keys done and keys there are, of both sides together. */
  readonly progress?: (done: number, total: number) => void;
}

export type Reason = 'missing' | 'extra' | 'value' | 'expiry';

export interface Difference {
  readonly database: number;
  /** Readable: what is not printable is escaped. */
  readonly key: string;
  readonly reason: Reason;
  /** What is there, in words. */
  readonly from: string;
  readonly to: string;
}

export interface CompareReport {
  readonly verdict: 'equal' | 'diverged' | 'undecided';
  /** Why nothing could be decided; empty otherwise. */
  readonly detail: string;
  /** As the servers count them; null: not reached. */
  readonly keys: { readonly from: number | null; readonly to: number | null };
  readonly compared: number;
  readonly counts: Readonly<Record<Reason, number>>;
  /** Keys that were different and changed at every look. */
  readonly changing: number;
  /** Keys that were different byte by byte, in a form that cannot be decoded. */
  readonly unreadable: number;
  /** The first of them. */
  readonly differences: readonly Difference[];
  /** More than DIFFERENCES_MAX were found, and the rest was not looked at. */
  readonly endedEarly: boolean;
  readonly elapsedMs: number;
}

export async function compareServers(options: CompareOptions): Promise<CompareReport> {
  const { world, from, to } = options;
  const startedAt = world.clock.elapsed();
  const clients: RequestClient[] = [];
  const comparison = new Comparison(world, options.progress ?? (() => undefined));
  let detail = '';
  try {
    const opened: Side[] = [];
    for (const [name, { url, options }] of [
      ['source', from],
      ['destination', to],
    ] as const) {
      const outcome = await openClient(world, url, options);
      if (!outcome.ok)
        throw new Unreached(`the ${name} ${url.host}:${url.port} is not to be had: ${outcome.why}: ${outcome.detail}`);
      clients.push(outcome.client);
      opened.push(await told(name, url, Side.open(name, outcome.client, world.clock)));
    }
    await comparison.run(opened[0]!, opened[1]!);
  } catch (error) {
    if (!(error instanceof ConnectionLost || error instanceof ReplyError || error instanceof Unreached)) throw error;
    detail = error.message;
  } finally {
    for (const client of clients) client.close();
  }
  return comparison.report(detail, world.clock.elapsed() - startedAt);
}

class Unreached extends Error {}

async function told<T>(name: string, url: SourceUrl, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ConnectionLost || error instanceof ReplyError)) throw error;
    throw new Unreached(`the ${name} ${url.host}:${url.port}: ${error.message}`, { cause: error });
  }
}

interface Pair {
  readonly from: Look;
  readonly to: Look;
}

class Comparison {
  readonly #world: World;
  readonly #progress: (done: number, total: number) => void;
  readonly #suspects = new Set<string>();
  readonly #differences: Difference[] = [];
  readonly #counts: Record<Reason, number> = { missing: 0, extra: 0, value: 0, expiry: 0 };
  #from: Side | null = null;
  #to: Side | null = null;
  #database = 0;
  #scanned = 0;
  #compared = 0;
  #changing = 0;
  #unreadable = 0;
  #endedEarly = false;

  constructor(world: World, progress: (done: number, total: number) => void) {
    this.#world = world;
    this.#progress = progress;
  }

  async run(from: Side, to: Side): Promise<void> {
    this.#from = from;
    this.#to = to;
    if (!(from.hasDigest && to.hasDigest) && !(from.hasDump && to.hasDump)) {
      throw new Unreached('values cannot be compared: both servers must allow DEBUG DIGEST-VALUE, or both DUMP');
    }
    const databases = [...new Set([...from.keysByDatabase.keys(), ...to.keysByDatabase.keys()])].sort((a, b) => a - b);
    for (const database of databases) {
      this.#database = database;
      // A database that a server does not have holds nothing there: SELECT is asked only where there is something to compare with.
      await Promise.all([from.select(database), to.select(database)]);
      await this.#forwards(from, to);
      if (!this.#endedEarly) await this.#backwards(from, to);
      await this.#settle();
      if (this.#endedEarly) return;
    }
  }

  report(detail: string, elapsedMs: Milliseconds): CompareReport {
    const found = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    const verdict =
      found > 0 ? 'diverged' : detail !== '' || this.#changing + this.#unreadable > 0 ? 'undecided' : 'equal';
    const reasons = [
      ...(detail === '' ? [] : [detail]),
      ...(this.#changing === 0 ? [] : [`${this.#changing} keys are different and still changing`]),
      ...(this.#unreadable === 0
        ? []
        : [`${this.#unreadable} keys hold values that cannot be decoded here and differ in their bytes`]),
    ];
    return {
      verdict,
      detail: reasons.join('; '),
      keys: { from: this.#from?.keys ?? null, to: this.#to?.keys ?? null },
      compared: this.#compared,
      counts: this.#counts,
      changing: this.#changing,
      unreadable: this.#unreadable,
      differences: this.#differences,
      endedEarly: this.#endedEarly,
      elapsedMs: Math.round(elapsedMs),
    };
  }

  async #forwards(from: Side, to: Side): Promise<void> {
    for await (const keys of from.scan()) {
      for (const [index, pair] of (await this.#look(keys, this.#firstMethod)).entries()) {
        if (difference(pair) !== null) this.#suspects.add(keys[index]!);
      }
      this.#compared += keys.length;
      if (await this.#enough(keys.length, from, to)) return;
    }
  }

  async #backwards(from: Side, to: Side): Promise<void> {
    for await (const keys of to.scan()) {
      for (const key of await from.missing(keys)) this.#suspects.add(key);
      if (await this.#enough(keys.length, from, to)) return;
    }
  }

  async #enough(done: number, from: Side, to: Side): Promise<boolean> {
    this.#scanned += done;
    this.#progress(this.#scanned, from.keys + to.keys);
    if (this.#suspects.size >= SUSPECTS_MAX) await this.#settle();
    return this.#endedEarly;
  }

  get #firstMethod(): LookKind {
    return this.#from!.hasDigest && this.#to!.hasDigest ? 'digest' : 'dump';
  }

  /** What is under suspicion is looked at again until it is equal or the rounds are over. */
  async #settle(): Promise<void> {
    let suspects: readonly string[] = [...this.#suspects];
    this.#suspects.clear();
    let before = new Map<string, Pair>();
    for (const pauseMs of ROUND_PAUSES_MS) {
      if (suspects.length === 0) return;
      await this.#pause(pauseMs);
      const now = await this.#lookAgain(suspects);
      suspects = [...now.keys()];
      if (pauseMs === ROUND_PAUSES_MS.at(-1)) this.#judge(now, before);
      before = now;
    }
  }

  /** Those that still differ. Digests of some versions differ for equal values; DUMP decides where both have it. */
  async #lookAgain(keys: readonly string[]): Promise<Map<string, Pair>> {
    const differing = new Map<string, Pair>();
    const keep = (looked: readonly string[], pairs: readonly Pair[]): void => {
      for (const [index, pair] of pairs.entries()) if (difference(pair) !== null) differing.set(looked[index]!, pair);
    };
    const canDump = this.#from!.hasDump && this.#to!.hasDump;
    for (let at = 0; at < keys.length; at += LOOK_KEYS_MAX) {
      const some = keys.slice(at, at + LOOK_KEYS_MAX);
      if (this.#firstMethod === 'digest') {
        const pairs = await this.#look(some, 'digest');
        const left = some.filter((_, index) => difference(pairs[index]!) !== null);
        const leftPairs = pairs.filter((pair) => difference(pair) !== null);
        if (!canDump) keep(left, leftPairs);
        else if (left.length > 0) {
          const dumped = await this.#look(left, 'dump');
          // Bytes that cannot be decoded say less than digests.
          keep(
            left,
            dumped.map((pair, index) => (difference(pair) === 'unreadable' ? leftPairs[index]! : pair)),
          );
        }
      } else keep(some, await this.#look(some, 'dump'));
    }
    return differing;
  }

  #judge(now: ReadonlyMap<string, Pair>, before: ReadonlyMap<string, Pair>): void {
    for (const [key, pair] of now) {
      const reason = difference(pair);
      const earlier = before.get(key);
      if (reason === null) continue;
      if (earlier === undefined || !sameLook(pair.from, earlier.from) || !sameLook(pair.to, earlier.to))
        this.#changing++;
      else if (reason === 'unreadable') this.#unreadable++;
      else this.#found(key, reason, pair);
    }
  }

  #found(key: string, reason: Reason, { from, to }: Pair): void {
    this.#counts[reason]++;
    if (this.#differences.length < NAMED_MAX) {
      const shown = (look: Look): string => (reason === 'expiry' ? expiryWords(look) : look.words);
      this.#differences.push({
        database: this.#database,
        key: shownText(key),
        reason,
        from: shown(from),
        to: shown(to),
      });
    }
    if (Object.values(this.#counts).reduce((sum, count) => sum + count, 0) >= DIFFERENCES_MAX) this.#endedEarly = true;
  }

  async #look(keys: readonly string[], how: LookKind): Promise<readonly Pair[]> {
    const [from, to] = await Promise.all([this.#from!.look(keys, how), this.#to!.look(keys, how)]);
    return from.map((each, index) => ({ from: each, to: to[index]! }));
  }

  #pause(ms: Milliseconds): Promise<void> {
    return new Promise((resolve) => void this.#world.clock.after(ms, resolve));
  }
}

/** Null: none. */
function difference({ from, to }: Pair): Reason | 'unreadable' | null {
  if (from.value === null || to.value === null) {
    if (from.value === to.value) return null;
    return from.value === null ? 'extra' : 'missing';
  }
  const onlyOneExpires = (from.expireAtMs === null) !== (to.expireAtMs === null);
  // A digest counts whether a key expires, so then it cannot say that the values differ as well.
  if (onlyOneExpires && (from.kind === 'digest' || from.value === to.value)) return 'expiry';
  if (from.value !== to.value) return from.isExact && to.isExact ? 'value' : 'unreadable';
  return Math.abs((from.expireAtMs ?? 0) - (to.expireAtMs ?? 0)) > EXPIRY_TOLERANCE_MS ? 'expiry' : null;
}

const sameLook = (one: Look, other: Look): boolean =>
  one.value === other.value && Math.abs((one.expireAtMs ?? 0) - (other.expireAtMs ?? 0)) <= EXPIRY_TOLERANCE_MS;

const expiryWords = ({ expireAtMs }: Look): string =>
  expireAtMs === null ? 'never expires' : `expires ${new Date(expireAtMs).toISOString()}`;
