/**
 * One of the two servers that are compared: which databases it has, its keys by SCAN, and looks at values and expiry times.
 *
 * A value is looked at by DEBUG DIGEST-VALUE, which any two servers compute alike; where DEBUG is refused (endpoints of a cluster,
 * Redis 7 unless told otherwise), by DUMP. Border: verdicts are `compare.ts`. Limits: SCAN_COUNT, DUMP_*.
 */

import { Failure } from '../../resp/reply.ts';
import type { ReaderReply } from '../../resp/reply-reader.ts';
import type { Clock } from '../../world/world.ts';
import { CHECKPOINT_KEY } from '../replica-of/checkpoint.ts';
import { ReplyError, type RequestClient } from '../request-client.ts';
import { factsOfDump } from './value-text.ts';

const SCAN_COUNT = '500';
/** Values fetched whole at a time: few while they are large. */
const DUMP_KEYS_MIN = 8;
const DUMP_KEYS_MAX = 512;
const DUMP_BYTES_AIM = 1024 * 1024;
const NO_DIGEST = '0'.repeat(40);
const NEVER = -1;
const MISSING = -2;

/** `digest` also counts whether the key expires. */
export type LookKind = 'digest' | 'dump';

/** What a key was at one moment. */
export interface Look {
  /** Null: there is no such key. */
  readonly value: string | null;
  readonly kind: LookKind;
  /** A different `value` is a different value. */
  readonly isExact: boolean;
  readonly words: string;
  /** Unix time; null: never. */
  readonly expireAtMs: number | null;
}

export class Side {
  /** `source` or `destination`, for messages. */
  readonly name: string;
  /** Of keys per logical database, as the server counts them, without our own. */
  readonly keysByDatabase: ReadonlyMap<number, number>;
  readonly hasDigest: boolean;
  readonly hasDump: boolean;
  readonly #client: RequestClient;
  readonly #clock: Clock;
  readonly #hasExpireTime: boolean;
  readonly #hasOneDatabase: boolean;
  #selected = 0;
  #dumpKeys = DUMP_KEYS_MIN;

  private constructor(name: string, client: RequestClient, clock: Clock, facts: SideFacts) {
    this.name = name;
    this.#client = client;
    this.#clock = clock;
    this.keysByDatabase = facts.keysByDatabase;
    this.hasDigest = facts.hasDigest;
    this.hasDump = facts.hasDump;
    this.#hasExpireTime = facts.hasExpireTime;
    this.#hasOneDatabase = facts.hasOneDatabase;
  }

  static async open(name: string, client: RequestClient, clock: Clock): Promise<Side> {
    const info = await client.call('INFO', 'keyspace');
    const [topology, checkpoint, digest, dump, expireTime] = await client.pipeline([
      ['ANTIPODE', 'TOPOLOGY'],
      ['EXISTS', CHECKPOINT_KEY],
      ['DEBUG', 'DIGEST-VALUE', CHECKPOINT_KEY],
      ['DUMP', CHECKPOINT_KEY],
      ['PEXPIRETIME', CHECKPOINT_KEY],
    ]);
    const keysByDatabase = new Map<number, number>();
    for (const [, database, keys] of textOf(info).matchAll(/^db(\d+):keys=(\d+)/gm)) {
      keysByDatabase.set(Number(database), Number(keys) - (database === '0' && checkpoint === 1 ? 1 : 0));
    }
    const facts = {
      keysByDatabase,
      hasDigest: Array.isArray(digest) && typeof digest[0] === 'string',
      hasDump: !(dump instanceof Failure),
      hasExpireTime: !(expireTime instanceof Failure),
      hasOneDatabase: !(topology instanceof Failure),
    };
    return new Side(name, client, clock, facts);
  }

  get keys(): number {
    return [...this.keysByDatabase.values()].reduce((sum, keys) => sum + keys, 0);
  }

  async select(database: number): Promise<void> {
    if (database === this.#selected) return;
    this.#selected = database;
    if (this.#isAbsent) return;
    await this.#client.call('SELECT', String(database));
  }

  /** Keys in portions; a key may come twice, as SCAN has it. Our own checkpoint is left out. */
  async *scan(): AsyncGenerator<readonly string[]> {
    if (this.#isAbsent) return;
    const step = (cursor: string) => this.#client.call('SCAN', cursor, 'COUNT', SCAN_COUNT);
    let next = step('0');
    for (;;) {
      const reply = await next;
      if (!Array.isArray(reply) || !Array.isArray(reply[1]))
        throw new ReplyError('SCAN was not answered as Redis answers it');
      const cursor = textOf(reply[0]);
      const isLast = cursor === '0';
      if (!isLast) {
        next = step(cursor);
        next.catch(() => undefined); // heard when it is awaited; the consumer may end first
      }
      const keys = (reply[1] as string[]).filter((key) => key !== CHECKPOINT_KEY || this.#selected !== 0);
      if (keys.length > 0) yield keys;
      if (isLast) return;
    }
  }

  /** Those of the keys that are not there. */
  async missing(keys: readonly string[]): Promise<readonly string[]> {
    if (this.#isAbsent) return keys;
    if ((await this.#client.call('EXISTS', ...keys)) === keys.length) return [];
    const found = await this.#client.pipeline(keys.map((key) => ['EXISTS', key]));
    return keys.filter((_, index) => value(found[index]!) === 0);
  }

  async look(keys: readonly string[], kind: LookKind): Promise<readonly Look[]> {
    if (this.#isAbsent) return keys.map(() => NOTHING);
    const expiries = this.#expiries(keys);
    expiries.catch(() => undefined); // the values below fail for the same reason
    const values = kind === 'digest' ? await this.#digests(keys) : await this.#dumps(keys);
    const times = await expiries;
    return values.map((each, index) => ({ ...each, kind, expireAtMs: each.value === null ? null : times[index]! }));
  }

  /** An endpoint of a cluster takes SELECT of any database and stays where it is. [RS compatibility: SELECT] */
  get #isAbsent(): boolean {
    return this.#hasOneDatabase && this.#selected !== 0;
  }

  async #digests(keys: readonly string[]): Promise<readonly Seen[]> {
    const reply = await this.#client.call('DEBUG', 'DIGEST-VALUE', ...keys);
    return (reply as string[]).map((digest) => ({
      value: digest === NO_DIGEST ? null : digest,
      isExact: true,
      words: digest === NO_DIGEST ? 'none' : `digest ${digest}`,
    }));
  }

  async #dumps(keys: readonly string[]): Promise<readonly Seen[]> {
    const looks: Seen[] = [];
    for (let at = 0; at < keys.length;) {
      const some = keys.slice(at, at + this.#dumpKeys);
      at += some.length;
      let bytes = 0;
      for (const reply of await this.#client.pipeline(some.map((key) => ['DUMP', key]))) {
        const payload = value(reply);
        if (typeof payload === 'string') {
          bytes += payload.length;
          const { fingerprint, isExact, words } = factsOfDump(payload);
          looks.push({ value: fingerprint, isExact, words });
        } else looks.push({ value: null, isExact: true, words: 'none' });
      }
      const wanted = bytes > DUMP_BYTES_AIM ? this.#dumpKeys / 2 : this.#dumpKeys * 2;
      this.#dumpKeys = Math.max(DUMP_KEYS_MIN, Math.min(DUMP_KEYS_MAX, Math.floor(wanted)));
    }
    return looks;
  }

  async #expiries(keys: readonly string[]): Promise<readonly (number | null)[]> {
    const command = this.#hasExpireTime ? 'PEXPIRETIME' : 'PTTL';
    const replies = await this.#client.pipeline(keys.map((key) => [command, key]));
    const now = this.#clock.now();
    return replies.map((reply) => {
      const time = Number(value(reply));
      if (time === NEVER || time === MISSING) return null;
      return this.#hasExpireTime ? time : now + time;
    });
  }
}

type Seen = Pick<Look, 'value' | 'isExact' | 'words'>;

const NOTHING: Look = { value: null, kind: 'digest', isExact: true, words: 'none', expireAtMs: null };

interface SideFacts {
  readonly keysByDatabase: ReadonlyMap<number, number>;
  readonly hasDigest: boolean;
  readonly hasDump: boolean;
  readonly hasExpireTime: boolean;
  readonly hasOneDatabase: boolean;
}

const textOf = (reply: ReaderReply | undefined): string => (typeof reply === 'string' ? reply : '');

function value(reply: ReaderReply): ReaderReply {
  if (reply instanceof Failure) throw new ReplyError(reply.text);
  return reply;
}
