/**
 * The parameters of a shard: one table, read by CONFIG GET and SET and by whoever obeys a parameter.
 *
 * Every parameter listed here has an effect; one that only other servers have is not listed, and CONFIG GET does not find it.
 */

import type { EncodingLimits } from '../keyspace/encoding-limits.ts';
import { parseInteger } from '../commands/numbers.ts';
import { EVICTION_POLICIES } from './eviction-policy.ts';
import { parseBytes } from './memory-size.ts';
import { canonicalSavePoints, savePoints } from '../persistence/save-points.ts';
import { notificationLetters, shownLetters } from './notification-classes.ts';
import { changeOutputLimits, DEFAULT_OUTPUT_LIMITS } from './output-limits.ts';

type Kind = 'text' | 'save-points' | 'integer' | 'bytes' | 'boolean' | 'word' | 'output-limits' | 'events';

interface Parameter {
  readonly kind: Kind;
  readonly value: string | number | boolean;
  readonly min?: number;
  readonly max?: number;
  /** Accepted beyond these bounds too; the nearest bound is taken. */
  readonly clampedTo?: readonly [min: number, max: number];
  /** Set at start only. */
  readonly fixed?: boolean;
  /** Another name for the same parameter. */
  readonly alias?: string;
  /** Of the kind `word`: those that are accepted. */
  readonly words?: readonly string[];
}

type ParameterOf<V extends Parameter['value']> = Omit<Parameter, 'value'> & { readonly value: V };

const text = (value: string, more: Partial<Parameter> = {}): ParameterOf<string> => ({ kind: 'text', ...more, value });
const integer = (value: number, min: number, max: number, more: Partial<Parameter> = {}): ParameterOf<number> => ({
  kind: 'integer',
  min,
  max,
  ...more,
  value,
});
const bytes = (value: number, more: Partial<Parameter> = {}): ParameterOf<number> => ({
  kind: 'bytes',
  min: 0,
  ...more,
  value,
});
const word = <W extends string>(value: W, words: readonly W[]): ParameterOf<W> => ({ kind: 'word', words, value });
const boolean = (value: boolean): ParameterOf<boolean> => ({ kind: 'boolean', value });

/** More looks at chance keys for one eviction would only take time. Redis has no bound. */
const SAMPLES_MAX = 1024;
const MAX_INT = 2 ** 31 - 1;
/** Taken from the machine at once: more than there is would end the process. Redis has no bound. */
const BACKLOG_BYTES_MAX = 1024 * 1024 * 1024;
const INT64_MAX = 2 ** 63;
const INT64_MAX_TEXT = '9223372036854775807';

/** Kept in memory: more would only fill it. Redis has no bound. */
const SLOWLOG_LENGTH_MAX = 65_536;

const PARAMETERS = {
  requirepass: text(''),
  'acl-pubsub-default': word('resetchannels', ['resetchannels', 'allchannels']),
  aclfile: text('', { fixed: true }),
  'acllog-max-len': integer(128, 0, MAX_INT),
  masterauth: text(''),
  masteruser: text(''),
  databases: integer(16, 1, MAX_INT, { fixed: true }),
  port: integer(6379, 0, 65535, { fixed: true }),
  maxclients: integer(10_000, 1, 2 ** 32 - 1),
  timeout: integer(0, 0, MAX_INT),
  maxmemory: bytes(0),
  'maxmemory-policy': word('noeviction', EVICTION_POLICIES),
  'maxmemory-samples': integer(5, 1, MAX_INT, { clampedTo: [1, SAMPLES_MAX] }),
  'maxmemory-eviction-tenacity': integer(10, 0, 100),
  'lfu-log-factor': integer(10, 0, MAX_INT),
  'lfu-decay-time': integer(1, 0, MAX_INT),
  // Memory is always given back later, by the collector: of two of them the word that replicas are sent is left to say, the
  // others are known because administrators set them, and what they ask for is always so
  'lazyfree-lazy-eviction': boolean(false),
  'lazyfree-lazy-expire': boolean(false),
  'lazyfree-lazy-server-del': boolean(false),
  'lazyfree-lazy-user-del': boolean(false),
  'lazyfree-lazy-user-flush': boolean(false),
  'replica-ignore-maxmemory': { ...boolean(true), alias: 'slave-ignore-maxmemory' },
  'proto-max-bulk-len': bytes(512 * 1024 * 1024, { min: 1024 * 1024 }),
  'hash-max-listpack-entries': integer(512, 0, MAX_INT, { alias: 'hash-max-ziplist-entries' }),
  'hash-max-listpack-value': bytes(64, { alias: 'hash-max-ziplist-value' }),
  'list-max-listpack-size': integer(-2, -MAX_INT - 1, MAX_INT, { alias: 'list-max-ziplist-size' }),
  'set-max-intset-entries': integer(512, 0, MAX_INT),
  'set-max-listpack-entries': integer(128, 0, MAX_INT),
  'set-max-listpack-value': bytes(64),
  'zset-max-listpack-entries': integer(128, 0, MAX_INT, { alias: 'zset-max-ziplist-entries' }),
  'zset-max-listpack-value': bytes(64, { alias: 'zset-max-ziplist-value' }),
  'hll-sparse-max-bytes': bytes(3000),
  'notify-keyspace-events': { ...text(''), kind: 'events' },
  'stream-node-max-bytes': bytes(4096),
  'stream-node-max-entries': integer(100, 0, MAX_INT),
  'repl-backlog-size': bytes(1024 * 1024, { min: 16 * 1024, max: BACKLOG_BYTES_MAX }),
  'repl-timeout': integer(60, 1, MAX_INT),
  'repl-ping-replica-period': integer(10, 1, MAX_INT, { alias: 'repl-ping-slave-period' }),
  'repl-diskless-sync': boolean(true),
  'replica-read-only': boolean(true),
  'replica-serve-stale-data': boolean(true),
  'client-output-buffer-limit': { kind: 'output-limits', value: DEFAULT_OUTPUT_LIMITS },
  dir: text('', { fixed: true }),
  dbfilename: text('dump.rdb', { fixed: true }),
  save: { kind: 'save-points', value: '' },
  'stop-writes-on-bgsave-error': boolean(true),
  appendonly: boolean(false),
  appendfilename: text('appendonly.aof', { fixed: true }),
  appenddirname: text('appendonlydir', { fixed: true }),
  appendfsync: word('everysec', ['always', 'everysec', 'no']),
  'auto-aof-rewrite-percentage': integer(100, 0, MAX_INT),
  'auto-aof-rewrite-min-size': bytes(64 * 1024 * 1024),
  'slowlog-log-slower-than': integer(10_000, -1, INT64_MAX),
  'slowlog-max-len': integer(128, 0, INT64_MAX, { clampedTo: [0, SLOWLOG_LENGTH_MAX] }),
  hz: integer(10, 0, MAX_INT, { clampedTo: [1, 500] }),
} as const satisfies Readonly<Record<string, Parameter>>;

export type ParameterName = keyof typeof PARAMETERS;

type ValueOf<N extends ParameterName> = (typeof PARAMETERS)[N]['value'];

/** `detail` is null when no parameter has that name. */
export type ConfigOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly name: string; readonly detail: string | null };

type ParseOutcome =
  | { readonly ok: true; readonly value: string | number | boolean }
  | { readonly ok: false; readonly detail: string };

const byAnyName = new Map<string, ParameterName>();
for (const [name, parameter] of Object.entries(PARAMETERS) as [ParameterName, Parameter][]) {
  byAnyName.set(name, name);
  if (parameter.alias !== undefined) byAnyName.set(parameter.alias, name);
}

export class Config {
  readonly #values = new Map<ParameterName, string | number | boolean>();
  readonly #listeners: ((name: ParameterName) => void)[] = [];

  constructor(initial: Readonly<Record<string, string>> = {}) {
    for (const [name, parameter] of Object.entries(PARAMETERS) as [ParameterName, Parameter][]) {
      this.#values.set(name, parameter.value);
    }
    for (const [name, given] of Object.entries(initial)) {
      const known = byAnyName.get(name);
      if (known === undefined) throw new Error(`unknown parameter '${name}'`);
      const parsed = parseValue(PARAMETERS[known], given, this.#values.get(known)!);
      if (!parsed.ok) throw new Error(`parameter '${name}' cannot be '${given}': ${parsed.detail}`);
      this.#values.set(known, parsed.value);
    }
  }

  get<N extends ParameterName>(name: N): ValueOf<N> {
    return this.#values.get(name) as ValueOf<N>;
  }

  /** Called after a change, with the parameter's main name. */
  onChange(listener: (name: ParameterName) => void): void {
    this.#listeners.push(listener);
  }

  /** All or nothing [redis config.c configSetCommand]. */
  set(pairs: readonly (readonly [name: string, value: string])[]): ConfigOutcome {
    const known = new Map<string, { readonly name: ParameterName; readonly given: string; readonly raw: string }>();
    for (const [given, raw] of pairs) {
      const name = byAnyName.get(given.toLowerCase());
      if (name === undefined) return { ok: false, name: given, detail: null };
      const parameter: Parameter = PARAMETERS[name];
      if (parameter.fixed) return { ok: false, name: given, detail: "can't set immutable config" };
      if (known.has(given.toLowerCase())) return { ok: false, name: given, detail: 'duplicate parameter' };
      known.set(given.toLowerCase(), { name, given, raw });
    }
    const changes = new Map<ParameterName, string | number | boolean>();
    for (const { name, given, raw } of known.values()) {
      const parsed = parseValue(PARAMETERS[name], raw, this.#values.get(name)!);
      if (!parsed.ok) return { ok: false, name: given, detail: parsed.detail };
      changes.set(name, parsed.value);
    }
    for (const [name, value] of changes) this.#values.set(name, value);
    for (const name of changes.keys()) for (const listener of this.#listeners) listener(name);
    return { ok: true };
  }

  /** The value as CONFIG GET prints it; undefined when no parameter has that name (in any case). */
  text(given: string): string | undefined {
    const name = byAnyName.get(given.toLowerCase());
    if (name === undefined) return undefined;
    const value = this.#values.get(name)!;
    if (PARAMETERS[name].kind === 'events') return shownLetters(notificationLetters(String(value))!);
    return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
  }

  /** Every name (aliases too) with its value as CONFIG GET prints it. */
  *entries(): IterableIterator<[name: string, text: string]> {
    for (const given of byAnyName.keys()) yield [given, this.text(given)!];
  }
}

/** The encoding thresholds as plain numbers: they are read for every change of an aggregate. */
export const encodingLimits = (config: Config): EncodingLimits => ({
  hashEntries: config.get('hash-max-listpack-entries'),
  hashValueBytes: config.get('hash-max-listpack-value'),
  // Below -5 there is no larger size class [redis quicklist.c quicklistNodeNegFillLimit]
  listNodeSize: Math.max(-5, config.get('list-max-listpack-size')),
  intsetEntries: config.get('set-max-intset-entries'),
  setEntries: config.get('set-max-listpack-entries'),
  setValueBytes: config.get('set-max-listpack-value'),
  sortedSetEntries: config.get('zset-max-listpack-entries'),
  sortedSetValueBytes: config.get('zset-max-listpack-value'),
  streamNodeBytes: config.get('stream-node-max-bytes'),
  streamNodeEntries: config.get('stream-node-max-entries'),
});

function parseValue(parameter: Parameter, raw: string, before: string | number | boolean): ParseOutcome {
  switch (parameter.kind) {
    case 'text':
      return { ok: true, value: raw };
    case 'boolean':
      if (/^(yes|no)$/i.test(raw)) return { ok: true, value: raw.toLowerCase() === 'yes' };
      return { ok: false, detail: "argument must be 'yes' or 'no'" };
    case 'word': {
      const { words = [] } = parameter;
      const value = raw.toLowerCase();
      if (words.includes(value)) return { ok: true, value };
      return { ok: false, detail: `argument(s) must be one of the following: ${words.join(', ')}` };
    }
    case 'save-points': {
      const points = savePoints(raw);
      return points === null
        ? { ok: false, detail: 'Invalid save parameters' }
        : { ok: true, value: canonicalSavePoints(points) };
    }
    case 'events':
      // Kept as it was said: beside A a letter may be on that CONFIG GET does not show
      return notificationLetters(raw) === null
        ? { ok: false, detail: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." }
        : { ok: true, value: raw };
    case 'output-limits': {
      const changed = changeOutputLimits(raw, String(before));
      return changed.ok ? { ok: true, value: changed.canonical } : changed;
    }
    case 'bytes': {
      const value = parseBytes(raw);
      return value === null ? { ok: false, detail: 'argument must be a memory value' } : bounded(parameter, value);
    }
    case 'integer':
      break;
  }
  const value = parseInteger(raw);
  if (value === null) return { ok: false, detail: "argument couldn't be parsed into an integer" };
  return bounded(parameter, value);
}

function bounded(parameter: Parameter, value: number): ParseOutcome {
  const { min = 0, max = INT64_MAX } = parameter;
  const [least, most] = parameter.clampedTo ?? [min, max];
  if (value >= min && value <= max) return { ok: true, value: Math.min(most, Math.max(least, value)) };
  return {
    ok: false,
    detail: `argument must be between ${min} and ${max === INT64_MAX ? INT64_MAX_TEXT : max} inclusive`,
  };
}
