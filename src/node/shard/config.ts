/**
 * The values of a shard's parameters, read by CONFIG GET and SET and by whoever obeys one. Border: which there are is
 * `config-parameters.ts`.
 */

import type { EncodingLimits } from '../keyspace/encoding-limits.ts';
import { quoted } from '../../resp/quoted.ts';
import { parseInteger } from '../commands/numbers.ts';
import {
  INT64_MAX,
  parameterNames,
  parameterOf,
  PARAMETERS,
  type Parameter,
  type ParameterName,
} from './config-parameters.ts';
import { parseBytes, shortBytes } from './memory-size.ts';
import { canonicalSavePoints, savePoints } from '../persistence/save-points.ts';
import { notificationLetters, shownLetters } from './notification-classes.ts';
import { changeOutputLimits, outputLimitLines } from './output-limits.ts';

const INT64_MAX_TEXT = '9223372036854775807';

type ValueOf<N extends ParameterName> = (typeof PARAMETERS)[N]['value'];

/**
 * `listening`: those of the changes that only `follow` makes true; when it cannot, `restore` takes back everything.
 * `detail` is null when no parameter has that name.
 */
export type ConfigOutcome =
  | { readonly ok: true; readonly listening: readonly ParameterName[]; readonly restore: () => void }
  | { readonly ok: false; readonly name: string; readonly detail: string | null };

type ParseOutcome =
  | { readonly ok: true; readonly value: string | number | boolean }
  | { readonly ok: false; readonly detail: string };

export type FollowOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly name: ParameterName; readonly detail: string };

export interface DirectiveLine {
  /** What follows the name. */
  readonly text: string;
  /** It differs from what a server without it would have. */
  readonly isForced: boolean;
}

export class Config {
  readonly #values = new Map<ParameterName, string | number | boolean>();
  readonly #listeners: ((name: ParameterName) => void)[] = [];

  /** Listens as the parameters of that kind say now, or as before; null: nobody does. */
  follow: ((names: readonly ParameterName[]) => Promise<FollowOutcome>) | null = null;

  constructor(initial: Readonly<Record<string, string>> = {}) {
    for (const [name, parameter] of Object.entries(PARAMETERS) as [ParameterName, Parameter][]) {
      this.#values.set(name, parameter.value);
    }
    for (const [name, given] of Object.entries(initial)) {
      const known = parameterOf(name);
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

  /** A fact that somebody else decides, shown here. */
  note<N extends 'port' | 'replicaof'>(name: N, value: ValueOf<N>): void {
    this.#values.set(name, value);
  }

  /** All or nothing; `mayProtected`: those too that name files. [redis config.c configSetCommand] */
  set(pairs: readonly (readonly [name: string, value: string])[], mayProtected = false): ConfigOutcome {
    const known = new Map<string, { readonly name: ParameterName; readonly given: string; readonly raw: string }>();
    for (const [given, raw] of pairs) {
      const name = parameterOf(given);
      if (name === undefined) return { ok: false, name: given, detail: null };
      const parameter: Parameter = PARAMETERS[name];
      if (parameter.isProtected && !mayProtected)
        return { ok: false, name: given, detail: "can't set protected config" };
      const isFixed = parameter.atStart === 'fixed' || (parameter.listening === 'place' && this.follow === null);
      // `dir` may be said again
      if (isFixed && !(parameter.isProtected && raw === this.#values.get(name))) {
        return { ok: false, name: given, detail: "can't set immutable config" };
      }
      if (known.has(given.toLowerCase())) return { ok: false, name: given, detail: 'duplicate parameter' };
      known.set(given.toLowerCase(), { name, given, raw });
    }
    const changes = new Map<ParameterName, string | number | boolean>();
    for (const { name, given, raw } of known.values()) {
      const parsed = parseValue(PARAMETERS[name], raw, this.#values.get(name)!);
      if (!parsed.ok) return { ok: false, name: given, detail: parsed.detail };
      changes.set(name, parsed.value);
    }
    const before = [...changes.keys()].map((name) => [name, this.#values.get(name)!] as const);
    this.#change(changes);
    const listening = this.follow === null ? [] : [...changes.keys()].filter(isOfListening);
    return { ok: true, listening, restore: () => this.#change(new Map(before)) };
  }

  #change(changes: ReadonlyMap<ParameterName, string | number | boolean>): void {
    for (const [name, value] of changes) this.#values.set(name, value);
    for (const name of changes.keys()) for (const listener of this.#listeners) listener(name);
  }

  /** The value as CONFIG GET prints it; undefined when no parameter has that name (in any case). */
  text(given: string): string | undefined {
    const name = parameterOf(given);
    if (name === undefined) return undefined;
    const value = this.#values.get(name)!;
    if (PARAMETERS[name].kind === 'octal') return value.toString(8);
    if (PARAMETERS[name].kind === 'events') return shownLetters(notificationLetters(String(value))!);
    if (PARAMETERS[name].kind === 'bytes' && Number(value) < 0) return `${-Number(value)}%`;
    return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
  }

  /** The words of lines of a redis.conf that say what its value is: none, one, or several that add up. Always in its main name. */
  directiveLines(name: ParameterName): readonly DirectiveLine[] {
    const parameter: Parameter = PARAMETERS[name];
    const text = this.text(name)!;
    const isForced = this.#values.get(name) !== parameter.value;
    switch (parameter.kind) {
      case 'save-points': {
        // Always said: without a line other points would be the default
        const points = savePoints(text)!;
        if (points.length === 0) return [{ text: '""', isForced: true }];
        return points.map((point) => ({ text: canonicalSavePoints([point]), isForced: true }));
      }
      case 'output-limits':
        return outputLimitLines(text);
      case 'bytes':
        return [{ text: shortBytes(Number(text)), isForced }];
      case 'file-name':
      case 'text':
        if (text === '' && !parameter.keepsEmpty) return [];
        // These two are not said where they are as if nobody had said them [redis config.c rewriteConfigBindOption]
        if ((name === 'bind' || name === 'replicaof') && !isForced) return [];
        return [{ text: parameter.isList ? text : quoted(text), isForced: isForced || name === 'dir' }];
      case 'events':
        return [{ text: quoted(text), isForced }];
      default:
        return [{ text: text === '' ? '""' : text, isForced }];
    }
  }

  /** Every name that is not hidden (aliases too) with its value as CONFIG GET prints it. */
  *entries(): IterableIterator<[name: string, text: string]> {
    for (const given of parameterNames()) yield [given, this.text(given)!];
  }
}

/** A parameter is binary; a path that it names is text. */
export const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

export const isOfListening = (name: ParameterName): boolean => (PARAMETERS[name] as Parameter).listening !== undefined;

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
    case 'flags':
      return parseFlags(parameter.words!, raw);
    case 'file-name': // of `dbfilename` alone
      return /[/\\]/.test(raw)
        ? { ok: false, detail: "dbfilename can't be a path, just a filename" }
        : { ok: true, value: raw };
    case 'save-points': {
      const points = savePoints(raw);
      return points === null
        ? { ok: false, detail: 'Invalid save parameters' }
        : { ok: true, value: canonicalSavePoints(points) };
    }
    case 'percentiles': {
      const numbers = raw
        .split(/\s+/)
        .filter((word) => word !== '')
        .map(Number);
      if (numbers.some(Number.isNaN))
        return { ok: false, detail: 'Invalid latency-tracking-info-percentiles parameters' };
      return numbers.every((number) => number >= 0 && number <= 100)
        ? { ok: true, value: numbers.join(' ') }
        : { ok: false, detail: 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]' };
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
      const { percentMax } = parameter;
      const percent = percentMax === undefined ? null : /^(\d+)%$/.exec(raw);
      if (percent !== null) {
        if (Number(percent[1]) <= percentMax!) return { ok: true, value: -Number(percent[1]) };
        return { ok: false, detail: `percentage argument must be less or equal to ${percentMax}` };
      }
      const value = parseBytes(raw);
      if (value === null && percentMax !== undefined)
        return { ok: false, detail: 'argument must be a memory or percent value' };
      return value === null ? { ok: false, detail: 'argument must be a memory value' } : bounded(parameter, value);
    }
    case 'octal':
      return /^[0-7]{1,10}$/.test(raw)
        ? bounded(parameter, Number.parseInt(raw, 8))
        : { ok: false, detail: "argument couldn't be parsed into an integer" };
    case 'integer':
      break;
  }
  const value = parseInteger(raw);
  if (value === null) return { ok: false, detail: "argument couldn't be parsed into an integer" };
  return bounded(parameter, value);
}

/** In the order of the table. [redis config.c configEnumGetValue, isValidShutdownOnSigFlags] */
function parseFlags([none, ...words]: readonly string[], raw: string): ParseOutcome {
  const given = new Set(
    raw
      .toLowerCase()
      .split(' ')
      .filter((word) => word !== ''),
  );
  if (given.size === 0 || [...given].some((word) => word !== none && !words.includes(word))) {
    return { ok: false, detail: `argument(s) must be one of the following: ${[none, ...words].join(', ')}` };
  }
  if (given.has('save') && given.has('nosave')) {
    return { ok: false, detail: "shutdown options SAVE and NOSAVE can't be used simultaneously" };
  }
  return { ok: true, value: words.filter((word) => given.has(word)).join(' ') || none! };
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
