/**
 * Commands for the expiry of keys. Whatever form a time is given in, it is replicated as PEXPIREAT, and one that is already
 * over as the deletion it causes. [redis expire.c]
 */

import { refuse } from '../../resp/refusals.ts';
import type { CommandContext } from '../shard/context.ts';
import { integer, key, named, pureToken, rest, unixTime, unread, type Argument } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { expireToUnixMs } from './expiry-times.ts';

const SECOND = 1000;
/** Times are rounded to whole seconds, not cut. */
const HALF_SECOND = 500;

interface Conditions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

/** In Redis these are flags that may come together, not a choice as the documentation has it; read before the time is. */
const conditions: Argument<Conditions> = {
  ...rest({ type: 'oneof' }),
  doc: {
    type: 'oneof',
    optional: true,
    arguments: ['NX', 'XX', 'GT', 'LT'].map((token) => pureToken(token)),
  },
  parse(reader) {
    const found: Conditions = { nx: false, xx: false, gt: false, lt: false };
    while (reader.left > 0) {
      const given = reader.take();
      const name = given.toLowerCase();
      if (!Object.hasOwn(found, name)) throw refuse('EXPIRE_OPTION', given);
      found[name as keyof Conditions] = true;
    }
    if (found.nx && (found.xx || found.gt || found.lt)) throw refuse('EXPIRE_NX_OTHERS');
    if (found.gt && found.lt) throw refuse('EXPIRE_GT_LT');
    return found;
  },
};

/** No expiry counts as the end of time. */
function allows({ nx, xx, gt, lt }: Conditions, at: number, current: number | undefined): boolean {
  if (nx && current !== undefined) return false;
  if (xx && current === undefined) return false;
  if (gt && (current === undefined || at <= current)) return false;
  return !(lt && current !== undefined && at >= current);
}

interface ExpireWish {
  readonly name: string;
  readonly since: string;
  readonly summary: string;
  readonly unit: 'seconds' | 'milliseconds';
  readonly from: 'now' | '1970';
}

function expireCommand({ name, since, summary, unit, from }: ExpireWish): Command {
  const time = from === 'now' ? named(unit, integer()) : named(`unix-time-${unit}`, unixTime());
  return defineCommand({
    name,
    group: 'generic',
    since,
    summary,
    complexity: 'O(1)',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'update'), time: unread(time), condition: conditions },
    run(context, given) {
      const { keyspace, now } = context;
      const at = expireToUnixMs(given.time, unit, from === 'now' ? now : 0, name);
      const value = keyspace.edit(given.key);
      if (value === undefined) return 0;
      if (!allows(given.condition, at, keyspace.expireAt(given.key))) return 0;
      if (at <= now && keyspace.expiryPolicyDeletes) {
        keyspace.remove(given.key);
        context.replicateDeletion(given.key, value, 'lazyfree-lazy-expire');
      } else {
        keyspace.setExpiry(given.key, at);
        context.replicateAs('PEXPIREAT', given.key, String(at));
      }
      return 1;
    },
  });
}

interface AskWish {
  readonly name: string;
  readonly since: string;
  readonly summary: string;
  /** How the answer follows from the point in time. */
  readonly answer: (expireAt: number, context: CommandContext) => number;
  readonly changesByItself: boolean;
}

/** -2: no such key; -1: it does not expire. */
function askCommand({ name, since, summary, answer, changesByItself }: AskWish): Command {
  return defineCommand({
    name,
    group: 'generic',
    since,
    summary,
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    ...(changesByItself && { tips: { other: ['nondeterministic_output'] } }),
    arguments: { key: key('RO', 'access') },
    run(context, given) {
      const { keyspace } = context;
      if (keyspace.probe(given.key) === undefined) return -2;
      const expireAt = keyspace.expireAt(given.key);
      return expireAt === undefined ? -1 : answer(expireAt, context);
    },
  });
}

const toSeconds = (milliseconds: number): number => Math.floor((milliseconds + HALF_SECOND) / SECOND);
const remaining = (expireAt: number, { now }: CommandContext): number => Math.max(0, expireAt - now);

export const expiryCommands: readonly Command[] = [
  expireCommand({
    name: 'EXPIRE',
    since: '1.0.0',
    summary: 'Sets how many seconds a key still lives.',
    unit: 'seconds',
    from: 'now',
  }),
  expireCommand({
    name: 'PEXPIRE',
    since: '2.6.0',
    summary: 'Sets how many milliseconds a key still lives.',
    unit: 'milliseconds',
    from: 'now',
  }),
  expireCommand({
    name: 'EXPIREAT',
    since: '1.2.0',
    summary: 'Sets the Unix time in seconds at which a key expires.',
    unit: 'seconds',
    from: '1970',
  }),
  expireCommand({
    name: 'PEXPIREAT',
    since: '2.6.0',
    summary: 'Sets the Unix time in milliseconds at which a key expires.',
    unit: 'milliseconds',
    from: '1970',
  }),

  askCommand({
    name: 'TTL',
    since: '1.0.0',
    summary: 'Returns how many seconds a key still lives.',
    answer: (expireAt, context) => toSeconds(remaining(expireAt, context)),
    changesByItself: true,
  }),
  askCommand({
    name: 'PTTL',
    since: '2.6.0',
    summary: 'Returns how many milliseconds a key still lives.',
    answer: remaining,
    changesByItself: true,
  }),
  askCommand({
    name: 'EXPIRETIME',
    since: '7.0.0',
    summary: 'Returns the Unix time in seconds at which a key expires.',
    answer: toSeconds,
    changesByItself: false,
  }),
  askCommand({
    name: 'PEXPIRETIME',
    since: '7.0.0',
    summary: 'Returns the Unix time in milliseconds at which a key expires.',
    answer: (expireAt) => expireAt,
    changesByItself: false,
  }),

  defineCommand({
    name: 'PERSIST',
    group: 'generic',
    since: '2.2.0',
    summary: 'Takes the expiry of a key away.',
    complexity: 'O(1)',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'update') },
    run: ({ keyspace }, given) => (keyspace.edit(given.key) !== undefined && keyspace.persist(given.key) ? 1 : 0),
  }),
];
