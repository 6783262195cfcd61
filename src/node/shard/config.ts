/**
 * The parameters of a shard: one table, read by CONFIG GET and SET and by whoever obeys a parameter.
 *
 * Every parameter listed here has an effect; one that only other servers have is not listed, and CONFIG GET does not find it.
 */

import type { EncodingLimits } from '../keyspace/encoding-limits.ts';
import { parseInteger } from '../commands/numbers.ts';

type Kind = 'text' | 'integer' | 'bytes' | 'boolean';

interface Parameter {
  readonly kind: Kind;
  readonly value: string | number | boolean;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Set at start only. */
  readonly fixed?: boolean;
  /** Another name for the same parameter. */
  readonly alias?: string;
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
const bytes = (value: number, more: Partial<Parameter> = {}): ParameterOf<number> => ({ kind: 'bytes', min: 0, ...more, value });
const boolean = (value: boolean): ParameterOf<boolean> => ({ kind: 'boolean', value });

const MAX_INT = 2 ** 31 - 1;

export const PARAMETERS = {
  requirepass: text(''),
  masterauth: text(''),
  masteruser: text(''),
  databases: integer(16, 1, MAX_INT, { fixed: true }),
  port: integer(6379, 0, 65535, { fixed: true }),
  maxclients: integer(10_000, 1, MAX_INT),
  timeout: integer(0, 0, MAX_INT),
  'proto-max-bulk-len': bytes(512 * 1024 * 1024, { min: 1024 * 1024 }),
  'hash-max-listpack-entries': integer(512, 0, MAX_INT, { alias: 'hash-max-ziplist-entries' }),
  'hash-max-listpack-value': bytes(64, { alias: 'hash-max-ziplist-value' }),
  'list-max-listpack-size': integer(-2, -5, MAX_INT, { alias: 'list-max-ziplist-size' }),
  'set-max-intset-entries': integer(512, 0, MAX_INT),
  'set-max-listpack-entries': integer(128, 0, MAX_INT),
  'set-max-listpack-value': bytes(64),
  'zset-max-listpack-entries': integer(128, 0, MAX_INT, { alias: 'zset-max-ziplist-entries' }),
  'zset-max-listpack-value': bytes(64, { alias: 'zset-max-ziplist-value' }),
  'repl-backlog-size': bytes(1024 * 1024, { min: 16 * 1024 }),
  'repl-timeout': integer(60, 1, MAX_INT),
  'repl-ping-replica-period': integer(10, 1, MAX_INT, { alias: 'repl-ping-slave-period' }),
  'repl-diskless-sync': boolean(true),
  'replica-read-only': boolean(true),
  'replica-serve-stale-data': boolean(true),
  'client-output-buffer-limit': text('normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60'),
  'notify-keyspace-events': text(''),
  hz: integer(10, 1, 500),
} as const satisfies Readonly<Record<string, Parameter>>;

export type ParameterName = keyof typeof PARAMETERS;

type ValueOf<N extends ParameterName> = (typeof PARAMETERS)[N]['value'];

export type ConfigOutcome = { readonly ok: true } | { readonly ok: false; readonly name: string; readonly detail: string };

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
      const value = known === undefined ? undefined : parseValue(PARAMETERS[known], given);
      if (known === undefined || value === undefined) throw new Error(`unknown or invalid parameter: ${name} ${given}`);
      this.#values.set(known, value);
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
    const changes = new Map<ParameterName, string | number | boolean>();
    for (const [given, raw] of pairs) {
      const name = byAnyName.get(given.toLowerCase());
      if (name === undefined) return { ok: false, name: given, detail: 'unknown' };
      const parameter: Parameter = PARAMETERS[name];
      if (parameter.fixed) return { ok: false, name: given, detail: "can't set immutable config" };
      if (changes.has(name)) return { ok: false, name: given, detail: 'duplicate parameter' };
      const value = parseValue(parameter, raw);
      if (value === undefined) return { ok: false, name: given, detail: describe(parameter) };
      changes.set(name, value);
    }
    for (const [name, value] of changes) this.#values.set(name, value);
    for (const name of changes.keys()) for (const listener of this.#listeners) listener(name);
    return { ok: true };
  }

  /** Every name (aliases too) with its value as CONFIG GET prints it. */
  *entries(): IterableIterator<[string, string]> {
    for (const [given, name] of byAnyName) {
      const value = this.#values.get(name)!;
      yield [given, typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)];
    }
  }
}

/** The encoding thresholds as plain numbers: they are read for every change of an aggregate. */
export const encodingLimits = (config: Config): EncodingLimits => ({
  hashEntries: config.get('hash-max-listpack-entries'),
  hashValueBytes: config.get('hash-max-listpack-value'),
  listNodeSize: config.get('list-max-listpack-size'),
  intsetEntries: config.get('set-max-intset-entries'),
  setEntries: config.get('set-max-listpack-entries'),
  setValueBytes: config.get('set-max-listpack-value'),
  sortedSetEntries: config.get('zset-max-listpack-entries'),
  sortedSetValueBytes: config.get('zset-max-listpack-value'),
});

function describe(parameter: Parameter): string {
  switch (parameter.kind) {
    case 'boolean':
      return "argument must be 'yes' or 'no'";
    case 'bytes':
      return 'argument must be a memory value';
    case 'integer':
      return parameter.min === undefined
        ? "argument couldn't be parsed into an integer"
        : `argument must be between ${parameter.min} and ${parameter.max} inclusive`;
    case 'text':
      return `argument must be one of the following: ${parameter.choices?.join(', ')}`;
  }
}

function parseValue(parameter: Parameter, raw: string): string | number | boolean | undefined {
  switch (parameter.kind) {
    case 'text':
      return parameter.choices === undefined || parameter.choices.includes(raw) ? raw : undefined;
    case 'boolean':
      return /^yes$/i.test(raw) ? true : /^no$/i.test(raw) ? false : undefined;
    case 'integer':
    case 'bytes': {
      const value = parameter.kind === 'bytes' ? parseBytes(raw) : parseInteger(raw);
      if (value === null) return undefined;
      return value < (parameter.min ?? -Infinity) || value > (parameter.max ?? Infinity) ? undefined : value;
    }
  }
}

/** `100`, `1kb`, `1k`, `64mb` … [redis util.c memtoull]. */
export function parseBytes(raw: string): number | null {
  const parts = /^(\d+)(b|k|kb|m|mb|g|gb)?$/i.exec(raw);
  if (parts === null) return null;
  const units: Readonly<Record<string, number>> = { b: 1, k: 1e3, kb: 1024, m: 1e6, mb: 1024 ** 2, g: 1e9, gb: 1024 ** 3 };
  return Number(parts[1]) * units[(parts[2] ?? 'b').toLowerCase()]!;
}
