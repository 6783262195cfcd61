/**
 * Fields of hashes that expire: given a time, asked for it, read and written with one (HGETEX, HSETEX), read and removed (HGETDEL).
 *
 * Replicated is what came of it, in absolute times: HSET, HPEXPIREAT, HPERSIST, one HDEL for each field that is gone. Border: whether a
 * field whose time has come is seen, and that it goes, the keyspace knows; to be given a time it is still there. [redis t_hash.c]
 */

import { type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { HashValue } from '../keyspace/hash.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { CommandContext } from '../shard/context.ts';
import { byHand, key, pureToken, text, type Argument, type ArgumentDoc } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { parseInteger } from './numbers.ts';

/** Beyond it a time is refused. [redis t_hash.c HFE_MAX_ABS_TIME_MSEC] */
const TIME_MS_MAX = 2 ** 46 - 1;
const SECOND_MS = 1000;

const [NO_FIELD, NO_TIME, NOT_MET, SET, DELETED] = [-2, -1, 0, 1, 2] as const;

/** How a time is said: in which unit, and from now on or since 1970. */
interface TimeForm {
  readonly unitMs: 1 | 1000;
  readonly isRelative: boolean;
}

const EX: TimeForm = { unitMs: SECOND_MS, isRelative: true };
const PX: TimeForm = { unitMs: 1, isRelative: true };
const EXAT: TimeForm = { unitMs: SECOND_MS, isRelative: false };
const PXAT: TimeForm = { unitMs: 1, isRelative: false };
const FORMS: Readonly<Record<string, TimeForm>> = { EX, PX, EXAT, PXAT };

function timeOf({ command, now }: CommandContext, word: string, { unitMs, isRelative }: TimeForm): number {
  const value = parseInteger(word);
  if (value === null) throw refuse('NOT_INTEGER');
  if (value < 0) throw refuse('ERR', 'invalid expire time, must be >= 0');
  const atMs = value * unitMs + (isRelative ? now : 0);
  if (atMs > TIME_MS_MAX) throw refuse('INVALID_EXPIRE', command.name);
  return atMs;
}

/** `FIELDS number field …` at that place. */
function fieldsAt(words: readonly string[], at: number, badNumber: string): readonly string[] {
  if (words[at]?.toUpperCase() !== 'FIELDS') {
    throw refuse('ERR', 'Mandatory argument FIELDS is missing or not at the right position');
  }
  const count = parseInteger(words[at + 1] ?? '');
  if (count === null || count < 1) throw refuse('ERR', badNumber);
  if (count !== words.length - at - 2) {
    throw refuse('ERR', 'The `numfields` parameter must match the number of arguments');
  }
  return words.slice(at + 2);
}

const listed = (fields: readonly string[]): string[] => ['FIELDS', String(fields.length), ...fields];

const BAD_NUMBER = 'Number of fields must be a positive integer';

/** What was done to a hash, gathered so that it is told and replicated once. */
class Outcome {
  readonly #context: CommandContext;
  readonly #key: string;
  readonly set: string[] = [];
  readonly deleted: string[] = [];
  readonly persisted: string[] = [];

  constructor(context: CommandContext, name: string, hash: HashValue) {
    this.#context = context;
    this.#key = name;
    hash.prepareExpiry();
  }

  /** Where a time in the past deletes at once, it does. */
  expire(hash: HashValue, field: string, atMs: number): typeof SET | typeof DELETED {
    const { keyspace, now } = this.#context;
    if (atMs <= now && keyspace.expiryPolicyDeletes) {
      hash.delete(field);
      this.deleted.push(field);
      return DELETED;
    }
    hash.setExpiry(field, atMs);
    this.set.push(field);
    return SET;
  }

  persist(hash: HashValue, field: string): boolean {
    if (!hash.persist(field)) return false;
    this.persisted.push(field);
    return true;
  }

  /** Words of HPEXPIREAT for those that were set; fields that were deleted or persisted are replicated without. */
  replicate(...timeWords: readonly string[]): void {
    const { set, deleted, persisted } = this;
    const name = this.#key;
    for (const field of deleted) this.#context.replicateAs('HDEL', name, field);
    if (set.length > 0) this.#context.replicateAs('HPEXPIREAT', name, ...timeWords, ...listed(set));
    if (persisted.length > 0) this.#context.replicateAs('HPERSIST', name, ...listed(persisted));
  }

  end(hash: HashValue): void {
    const { keyspace, shard } = this.#context;
    const name = this.#key;
    const { set, deleted, persisted } = this;
    if (set.length + deleted.length + persisted.length === 0) return;
    shard.stats.expiredFields += deleted.length;
    keyspace.fieldExpiryChanged(name, hash);
    keyspace.removeIfEmpty(name, hash);
    keyspace.changed(name);
    const event = deleted.length > 0 ? 'hdel' : set.length > 0 ? 'hexpire' : 'hpersist';
    shard.notifications.told(keyspace, name, 'h', event);
  }
}

type Condition = 'NX' | 'XX' | 'GT' | 'LT';
const CONDITIONS: readonly string[] = ['NX', 'XX', 'GT', 'LT'];

function isMet(condition: Condition | null, before: number | undefined, atMs: number): boolean {
  if (condition === null) return true;
  if (before === undefined) return condition === 'NX' || condition === 'LT';
  if (condition === 'NX') return false;
  return condition === 'XX' || (condition === 'GT' ? atMs > before : atMs < before);
}

function expire(context: CommandContext, words: readonly string[], form: TimeForm): Reply {
  const hash = context.keyspace.editHash(words[1]!);
  const atMs = timeOf(context, words[2]!, form);
  const word = words[3]!.toUpperCase();
  const condition = CONDITIONS.includes(word) ? (word as Condition) : null;
  const fields = fieldsAt(words, condition === null ? 3 : 4, 'Parameter `numFields` should be greater than 0');
  context.replicateNothing();
  if (hash === undefined) return fields.map(() => NO_FIELD);
  const outcome = new Outcome(context, words[1]!, hash);
  const replies = fields.map((field) => {
    if (!hash.has(field)) return NO_FIELD;
    return isMet(condition, hash.expiryOf(field), atMs) ? outcome.expire(hash, field, atMs) : NOT_MET;
  });
  outcome.replicate(String(atMs), ...(condition === null ? [] : [word]));
  outcome.end(hash);
  return replies;
}

function persist(context: CommandContext, words: readonly string[]): Reply {
  const hash = context.keyspace.editHash(words[1]!);
  const fields = fieldsAt(words, 2, BAD_NUMBER);
  context.replicateNothing();
  if (hash === undefined) return fields.map(() => NO_FIELD);
  if (hash.expiring === 0) return fields.map((field) => (hash.has(field) ? NO_TIME : NO_FIELD));
  const outcome = new Outcome(context, words[1]!, hash);
  const goneBeforeMs = context.keyspace.fieldsGoneBeforeMs;
  const replies = fields.map((field) => {
    if (!hash.has(field) || hash.isExpired(field, goneBeforeMs)) return NO_FIELD;
    return outcome.persist(hash, field) ? SET : NO_TIME;
  });
  outcome.replicate();
  outcome.end(hash);
  return replies;
}

function tell({ keyspace, now }: CommandContext, words: readonly string[], { unitMs, isRelative }: TimeForm): Reply {
  const hash = keyspace.readHash(words[1]!);
  return fieldsAt(words, 2, BAD_NUMBER).map((field) => {
    if (hash?.has(field) !== true || hash.isExpired(field, keyspace.fieldsGoneBeforeMs)) return NO_FIELD;
    const atMs = hash.expiryOf(field);
    if (atMs === undefined) return NO_TIME;
    return Math.floor((atMs + unitMs - 1 - (isRelative ? now : 0)) / unitMs);
  });
}

/** `[EX seconds | PX milliseconds | EXAT time | PXAT time | PERSIST] FIELDS …` */
function getAndExpire(context: CommandContext, words: readonly string[]): Reply {
  const { keyspace } = context;
  const name = words[1]!;
  const hash = keyspace.editHash(name);
  const word = words[2]!.toUpperCase();
  const form = Object.hasOwn(FORMS, word) ? FORMS[word]! : null;
  const atMs = form === null ? 0 : timeOf(context, words[3]!, form);
  const persists = word === 'PERSIST';
  const fields = fieldsAt(words, form !== null ? 4 : persists ? 3 : 2, BAD_NUMBER);
  context.replicateNothing();
  if (hash === undefined) return fields.map(() => null);
  keyspace.expireFields(name, hash, fields);
  if (form === null && !persists) return fields.map((field) => keyspace.fieldOf(name, hash, field) ?? null);
  const outcome = new Outcome(context, name, hash);
  const replies = fields.map((field) => {
    const value = keyspace.fieldOf(name, hash, field);
    if (value === undefined) return null;
    if (persists) outcome.persist(hash, field);
    else outcome.expire(hash, field, atMs);
    return value;
  });
  outcome.replicate(String(atMs));
  outcome.end(hash);
  return replies;
}

interface SetWords {
  readonly condition: 'FNX' | 'FXX' | null;
  readonly keepsExpiry: boolean;
  readonly atMs: number | null;
  readonly pairs: readonly string[];
}

function setWords(context: CommandContext, words: readonly string[]): SetWords {
  let condition: SetWords['condition'] = null;
  let keepsExpiry = false;
  let atMs: number | null = null;
  for (let at = 2; at < words.length; at++) {
    const word = words[at]!.toUpperCase();
    if (word === 'FIELDS') {
      if (at >= words.length - 3) throw refuse('ARITY', 'hsetex');
      const count = parseInteger(words[at + 1]!);
      if (count === null || count < 1 || count > 2 ** 31 - 1) throw refuse('ERR', 'invalid number of fields');
      const pairs = words.slice(at + 2);
      if (pairs.length % 2 !== 0 || pairs.length / 2 !== count) throw refuse('ARITY', 'hsetex');
      return { condition, keepsExpiry, atMs, pairs };
    }
    if (word === 'FNX' || word === 'FXX') {
      if (condition !== null) throw refuse('ERR', 'Only one of FXX or FNX arguments can be specified');
      condition = word;
    } else if (word === 'KEEPTTL' || Object.hasOwn(FORMS, word)) {
      if (keepsExpiry || atMs !== null) {
        throw refuse('ERR', 'Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified');
      }
      if (word === 'KEEPTTL') keepsExpiry = true;
      else if (at + 1 >= words.length) throw refuse('ERR', 'missing expire time');
      else atMs = timeOf(context, words[++at]!, FORMS[word]!);
    } else throw refuse('ERR', `unknown argument: ${words[at]!.split('\0', 1)[0]}`);
  }
  throw refuse('ARITY', 'hsetex');
}

function setAndExpire(context: CommandContext, words: readonly string[]): Reply {
  const { condition, keepsExpiry, atMs, pairs } = setWords(context, words);
  const { keyspace, shard } = context;
  const name = words[1]!;
  const existing = keyspace.editHash(name);
  const fields = pairs.filter((_, at) => at % 2 === 0);
  context.replicateNothing();
  const isThere = (field: string): boolean =>
    existing !== undefined && keyspace.fieldOf(name, existing, field) !== undefined;
  if (condition === 'FXX' && !fields.every(isThere)) return 0;
  if (condition === 'FNX' && fields.some(isThere)) return 0;
  const hash = lasting(existing);
  if (fields.length > keyspace.limits.hashEntries) hash.makeLarge();
  const kept = keepsExpiry ? fields.map((field) => [field, hash.expiryOf(field)] as const) : [];
  const outcome = atMs === null ? null : new Outcome(context, name, hash);
  fields.forEach((field, i) => {
    hash.set(field, pairs[2 * i + 1]!, keyspace.limits, keepsExpiry);
    outcome?.expire(hash, field, atMs!); // one after the other: those that go at once do not make the hash a large one
  });
  store(keyspace, name, hash, existing);
  shard.notifications.told(keyspace, name, 'h', 'hset');
  outcome?.end(hash);
  if (outcome !== null && outcome.deleted.length > 0) {
    outcome.replicate();
    return 1;
  }
  // In words that 7.4 knows: a replica of that version would lose the write
  context.replicateAs('HSET', name, ...pairs);
  outcome?.replicate(String(atMs));
  for (const [field, at] of kept) {
    if (at !== undefined) context.replicateAs('HPEXPIREAT', name, String(at), ...listed([field]));
  }
  return 1;
}

/** Stores what a command made of the hash that was there, or a new one. */
export function store(keyspace: Keyspace, name: string, hash: HashValue, existing: HashValue | undefined): void {
  if (hash !== existing) keyspace.put(name, hash);
  else {
    keyspace.fieldExpiryChanged(name, hash);
    keyspace.changed(name);
  }
}

/** The hash that a field was looked up in, or a new one: that field may have been its last, and expired. */
export const lasting = (existing: HashValue | undefined): HashValue =>
  existing === undefined || existing.size === 0 ? HashValue.empty() : existing;

/** What HSET takes away where the request is repeated. */
export function keptTime(hash: HashValue, field: string): { readonly field: string; readonly at: number }[] {
  const at = hash.expiryOf(field);
  return at === undefined ? [] : [{ field, at }];
}

function getAndDelete(context: CommandContext, words: readonly string[]): Reply {
  const { keyspace } = context;
  const name = words[1]!;
  const hash = keyspace.editHash(name);
  const fields = fieldsAt(words, 2, BAD_NUMBER);
  context.replicateNothing();
  if (hash === undefined) return fields.map(() => null);
  keyspace.expireFields(name, hash, fields);
  const deleted: string[] = [];
  const replies = fields.map((field) => {
    const value = keyspace.fieldOf(name, hash, field);
    if (value === undefined) return null;
    hash.delete(field);
    deleted.push(field);
    return value;
  });
  if (deleted.length === 0) return replies;
  context.replicateAs('HDEL', name, ...deleted);
  keyspace.fieldExpiryChanged(name, hash);
  keyspace.removeIfEmpty(name, hash);
  keyspace.changed(name);
  return replies;
}

const fieldsDoc: ArgumentDoc = {
  name: 'fields',
  type: 'block',
  token: 'FIELDS',
  arguments: [
    { name: 'numfields', type: 'integer' },
    { name: 'field', type: 'string', multiple: true },
  ],
};
const oneOf = (name: string, ...parts: readonly ArgumentDoc[]): ArgumentDoc => ({
  name,
  type: 'oneof',
  optional: true,
  arguments: parts,
});
const conditionDoc = oneOf('condition', ...CONDITIONS.map((word) => pureToken(word)));
const expirationDoc = (last: string): ArgumentDoc =>
  oneOf(
    'expiration',
    { name: 'seconds', type: 'integer', token: 'EX' },
    { name: 'milliseconds', type: 'integer', token: 'PX' },
    { name: 'unix-time-seconds', type: 'unix-time', token: 'EXAT' },
    { name: 'unix-time-milliseconds', type: 'unix-time', token: 'PXAT' },
    pureToken(last),
  );
const when = (name: string, type: 'integer' | 'unix-time'): Argument<string> => ({ ...text(), doc: { name, type } });

const COMPLEXITY = 'O(N) where N is the number of fields given.';
const WRITES: readonly Flag[] = ['write', 'fast'];
const shared = { group: 'hash', since: '7.4.0', complexity: COMPLEXITY } as const;

const expiring = (name: string, form: TimeForm, time: Argument<string>, summary: string): Command =>
  defineCommand({
    ...shared,
    name,
    summary,
    flags: WRITES,
    arguments: { key: key('RW', 'update'), time, rest: byHand(3, conditionDoc, fieldsDoc) },
    run: (context, _given, words) => expire(context, words, form),
  });

const telling = (name: string, form: TimeForm, summary: string): Command =>
  defineCommand({
    ...shared,
    name,
    summary,
    flags: ['readonly', 'fast'],
    ...(form.isRelative ? { tips: { other: ['nondeterministic_output'] } } : {}),
    arguments: { key: key('RO', 'access'), rest: byHand(3, fieldsDoc) },
    run: (context, _given, words) => tell(context, words, form),
  });

export const hashExpiryCommands: readonly Command[] = [
  expiring('HEXPIRE', EX, when('seconds', 'integer'), 'Lets fields of a hash expire after so many seconds.'),
  expiring('HPEXPIRE', PX, when('milliseconds', 'integer'), 'Lets fields of a hash expire after so many milliseconds.'),
  expiring('HEXPIREAT', EXAT, when('unix-time-seconds', 'unix-time'), 'Lets fields of a hash expire at a Unix time.'),
  expiring(
    'HPEXPIREAT',
    PXAT,
    when('unix-time-milliseconds', 'unix-time'),
    'Lets fields of a hash expire at a Unix time in milliseconds.',
  ),
  telling('HTTL', EX, 'Tells in how many seconds fields of a hash expire.'),
  telling('HPTTL', PX, 'Tells in how many milliseconds fields of a hash expire.'),
  telling('HEXPIRETIME', EXAT, 'Tells when fields of a hash expire, in Unix seconds.'),
  telling('HPEXPIRETIME', PXAT, 'Tells when fields of a hash expire, in Unix milliseconds.'),

  defineCommand({
    ...shared,
    name: 'HPERSIST',
    summary: 'Keeps fields of a hash from expiring.',
    flags: WRITES,
    arguments: { key: key('RW', 'update'), rest: byHand(3, fieldsDoc) },
    run: (context, _given, words) => persist(context, words),
  }),

  defineCommand({
    ...shared,
    since: '8.0.0',
    name: 'HGETEX',
    summary: 'Returns values of fields of a hash, and sets when these expire.',
    flags: WRITES,
    arguments: { key: key('RW', 'access', 'update'), rest: byHand(3, expirationDoc('PERSIST'), fieldsDoc) },
    run: (context, _given, words) => getAndExpire(context, words),
  }),

  defineCommand({
    ...shared,
    since: '8.0.0',
    name: 'HSETEX',
    summary: 'Sets fields of a hash and when these expire, all of them or none.',
    flags: ['write', 'denyoom', 'fast'],
    arguments: {
      key: key('RW', 'update'),
      rest: byHand(4, oneOf('condition', pureToken('FNX'), pureToken('FXX')), expirationDoc('KEEPTTL'), {
        name: 'fields',
        type: 'block',
        token: 'FIELDS',
        arguments: [
          { name: 'numfields', type: 'integer' },
          {
            name: 'data',
            type: 'block',
            multiple: true,
            arguments: [
              { name: 'field', type: 'string' },
              { name: 'value', type: 'string' },
            ],
          },
        ],
      }),
    },
    run: (context, _given, words) => setAndExpire(context, words),
  }),

  defineCommand({
    ...shared,
    since: '8.0.0',
    name: 'HGETDEL',
    summary: 'Returns values of fields of a hash and removes these.',
    flags: WRITES,
    arguments: { key: key('RW', 'access', 'delete'), rest: byHand(3, fieldsDoc) },
    run: (context, _given, words) => getAndDelete(context, words),
  }),
];
