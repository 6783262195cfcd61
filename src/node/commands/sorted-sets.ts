/**
 * Commands on members and scores of one sorted set. [redis t_zset.c] Ranges, pops and computing from several are in files of
 * their own; `sortedSetCommands` is all of them.
 */

import { Double, NULL_ARRAY, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { SortedSetValue } from '../keyspace/sorted-set.ts';
import type { CommandContext } from '../shard/context.ts';
import { double, flag, key, many, options, rest, text, type Argument, type Option } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { pickCount } from './counts.ts';
import { parseDouble } from './numbers.ts';
import { placesFor } from './sample.ts';
import { sortedSetAlgebraCommands } from './sorted-set-algebra.ts';
import { sortedSetPopCommands } from './sorted-set-pops.ts';
import { sortedSetRangeCommands } from './sorted-set-ranges.ts';

interface Conditions {
  readonly nx: boolean;
  readonly xx: boolean;
  readonly gt: boolean;
  readonly lt: boolean;
}

const NO_CONDITIONS: Conditions = { nx: false, xx: false, gt: false, lt: false };

function makeValue(members: readonly string[], keyspace: CommandContext['keyspace']): SortedSetValue {
  return SortedSetValue.sized(members[0]!, members.length, keyspace.limits);
}

/** May a member that has the score `before` (undefined: is not there) get the score `after`? [redis t_zset.c zsetAdd] */
function allowed({ nx, xx, gt, lt }: Conditions, before: number | undefined, after: number): boolean {
  if (before === undefined) return !xx;
  return !nx && !(gt && after <= before) && !(lt && after >= before);
}

/** ZADD INCR and ZINCRBY: returns the new score, null when a condition forbade it. */
function increase(context: CommandContext, name: string, member: string, by: number, conditions: Conditions): Reply {
  const { keyspace } = context;
  const found = keyspace.editSortedSet(name);
  const before = found?.score(member);
  // A condition on existence is looked at before the sum is made.
  if (before === undefined ? conditions.xx : conditions.nx) return null;
  const after = before === undefined ? by : before + by;
  if (Number.isNaN(after)) throw refuse('SCORE_NAN');
  if (!allowed(conditions, before, after)) return null;
  if (after !== before) {
    const value = found ?? makeValue([member], keyspace);
    value.set(member, after, keyspace.limits);
    if (found === undefined) keyspace.put(name, value);
    else keyspace.changed(name);
  }
  return new Double(after);
}

/** Redis reads ZINCRBY as ZADD with INCR, so that an increment which names an option leaves half a pair behind it. */
const zincrbyIncrement: Argument<number> = {
  ...double(),
  doc: { type: 'integer' },
  parse(reader) {
    if (/^(nx|xx|ch|incr|gt|lt)$/i.test(reader.words[reader.at] ?? '')) throw refuse('SYNTAX');
    return double().parse(reader);
  },
};

interface Addition {
  readonly members: readonly string[];
  readonly scores: readonly number[];
  readonly conditions: Conditions;
  /** Count members whose score changed too. */
  readonly countChanged: boolean;
}

/** ZADD without INCR; returns what it answers. */
export function addMembers(
  context: CommandContext,
  name: string,
  { members, scores, conditions, countChanged }: Addition,
): number {
  const { keyspace } = context;
  const { limits } = keyspace;
  const found = keyspace.editSortedSet(name);
  if (found === undefined && conditions.xx) return 0;
  const value = found ?? makeValue(members, keyspace);
  found?.prepare(members.length, limits);
  let added = 0;
  let moved = 0;
  for (let i = 0; i < members.length; i++) {
    const member = members[i]!;
    const score = scores[i]!;
    if (conditions !== NO_CONDITIONS && !allowed(conditions, value.score(member), score)) continue;
    const before = value.set(member, score, limits);
    if (before === undefined) added++;
    else if (before !== score) moved++;
  }
  if (found === undefined) {
    keyspace.put(name, value);
    keyspace.recount(added + moved - 1);
  } else if (added + moved > 0) keyspace.changed(name, added + moved);
  return countChanged ? added + moved : added;
}

/** Tokens of which several may be said: which of them go together is refused in words of its own. */
const tokens = <const T extends string>(...names: readonly T[]): Option<ReadonlySet<T>> => ({
  tokens: Object.fromEntries(names.map((name) => [name, null])),
  fold: (token, _value, before) => new Set(before).add(token as T),
});

function conditionsOf(
  presence: ReadonlySet<string> | undefined,
  comparison: ReadonlySet<string> | undefined,
): Conditions {
  if (presence === undefined && comparison === undefined) return NO_CONDITIONS;
  const nx = presence?.has('NX') ?? false;
  const xx = presence?.has('XX') ?? false;
  const gt = comparison?.has('GT') ?? false;
  const lt = comparison?.has('LT') ?? false;
  if (nx && xx) throw refuse('XX_NX');
  if ((gt && nx) || (lt && nx) || (gt && lt)) throw refuse('GT_LT_NX');
  return { nx, xx, gt, lt };
}

/** `score member [score member …]`, read by hand: that the words are even in number is noticed before any score is read. */
const scoredMembers = rest(
  {
    type: 'block',
    arguments: [
      { name: 'score', type: 'double' },
      { name: 'member', type: 'string' },
    ],
  },
  2,
);

/** `WITHSCORE` behind the member; more words than that are a wrong number of them. [redis t_zset.c zrankGenericCommand] */
const withScore: Argument<boolean> = {
  doc: { type: 'pure-token', token: 'WITHSCORE', optional: true },
  wordsMin: 0,
  wordsMax: 1,
  parse(reader) {
    if (reader.left === 0) return false;
    if (reader.left > 1) throw refuse('ARITY', reader.words[0]!);
    if (reader.take().toUpperCase() !== 'WITHSCORE') throw refuse('SYNTAX');
    return true;
  },
};

/** With scores every pick is two replies, and their number must still be one. */
const SCORED_PICKS_MAX = (2n ** 63n - 1n) / 2n;

/** `count [WITHSCORES]`. */
const picking: Argument<{ readonly count: number; readonly withScores: boolean } | undefined> = {
  doc: {
    name: 'options',
    type: 'block',
    optional: true,
    arguments: [
      { name: 'count', type: 'integer' },
      { name: 'withscores', type: 'pure-token', token: 'WITHSCORES', optional: true },
    ],
  },
  wordsMin: 0,
  wordsMax: 2,
  parse(reader) {
    if (reader.left === 0) return undefined;
    const count = pickCount().parse(reader);
    if (reader.left === 0) return { count: Number(count), withScores: false };
    if (reader.left > 1 || reader.take().toUpperCase() !== 'WITHSCORES') throw refuse('SYNTAX');
    if (count < -SCORED_PICKS_MAX || count > SCORED_PICKS_MAX) throw refuse('OUT_OF_RANGE');
    return { count: Number(count), withScores: true };
  },
};

const ranking = (name: string, fromHighest: boolean, summary: string): Command =>
  defineCommand({
    name,
    group: 'sorted-set',
    since: '2.0.0',
    summary,
    complexity: 'O(log(N)) where N is the size of the sorted set.',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access'), member: text(), withscore: withScore },
    run({ keyspace }, { key: name, member, withscore }): Reply {
      const value = keyspace.readSortedSet(name);
      const below = value?.rank(member);
      if (value === undefined || below === undefined) return withscore ? NULL_ARRAY : null;
      const rank = fromHighest ? value.size - 1 - below : below;
      return withscore ? [rank, new Double(value.score(member)!)] : rank;
    },
  });

const basicCommands: readonly Command[] = [
  defineCommand({
    name: 'ZADD',
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Adds members with scores to a sorted set, or changes the scores of those that are there.',
    complexity: 'O(log(N)) for each member, where N is the size of the sorted set.',
    flags: ['write', 'denyoom', 'fast'],
    arguments: {
      key: key('RW', 'update'),
      options: options(
        {
          condition: tokens('NX', 'XX'),
          comparison: tokens('GT', 'LT'),
          change: flag('CH'),
          increment: flag('INCR'),
        },
        { leading: true },
      ),
      data: scoredMembers,
    },
    run(context, { key: name, options: { condition, comparison, change, increment }, data }) {
      if (data.length % 2 !== 0 || data.length === 0) throw refuse('SYNTAX');
      const conditions = conditionsOf(condition, comparison);
      if (increment && data.length > 2) throw refuse('ERR', 'INCR option supports a single increment-element pair');
      const members: string[] = [];
      const scores: number[] = [];
      for (let i = 0; i < data.length; i += 2) {
        const score = parseDouble(data[i]!);
        if (score === null) throw refuse('NOT_FLOAT');
        scores.push(score);
        members.push(data[i + 1]!);
      }
      if (increment) return increase(context, name, members[0]!, scores[0]!, conditions);
      return addMembers(context, name, { members, scores, conditions, countChanged: change ?? false });
    },
  }),

  defineCommand({
    name: 'ZINCRBY',
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Adds to the score of a member of a sorted set, which begins at 0, and returns the new score.',
    complexity: 'O(log(N)) where N is the size of the sorted set.',
    flags: ['write', 'denyoom', 'fast'],
    arguments: {
      key: key('RW', 'access', 'update'),
      increment: zincrbyIncrement,
      member: text(),
    },
    run: (context, { key: name, increment, member }) => increase(context, name, member, increment, NO_CONDITIONS),
  }),

  defineCommand({
    name: 'ZREM',
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Removes members from a sorted set and returns how many were there.',
    complexity: 'O(M*log(N)) where N is the size of the sorted set and M the number of members to remove.',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'delete'), member: many(text()) },
    run({ keyspace }, { key: name, member: members }) {
      const value = keyspace.editSortedSet(name);
      if (value === undefined) return 0;
      let removed = 0;
      for (const member of members) if (value.delete(member)) removed++;
      if (removed === 0) return 0;
      keyspace.removeIfEmpty(name, value);
      keyspace.changed(name, removed);
      return removed;
    },
  }),

  defineCommand({
    name: 'ZCARD',
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Returns the number of members of a sorted set.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO') },
    run: ({ keyspace }, given) => keyspace.readSortedSet(given.key)?.size ?? 0,
  }),

  defineCommand({
    name: 'ZSCORE',
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Returns the score of a member of a sorted set.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access'), member: text() },
    run: ({ keyspace }, given) => scoreReply(keyspace.readSortedSet(given.key)?.score(given.member)),
  }),

  defineCommand({
    name: 'ZMSCORE',
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Returns the scores of several members of a sorted set.',
    complexity: 'O(N) where N is the number of members asked for.',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access'), member: many(text()) },
    run({ keyspace }, given) {
      const value = keyspace.readSortedSet(given.key);
      return given.member.map((member) => scoreReply(value?.score(member)));
    },
  }),

  ranking('ZRANK', false, 'Returns how many members of a sorted set come before a member.'),
  ranking('ZREVRANK', true, 'Returns how many members of a sorted set come behind a member.'),

  defineCommand({
    name: 'ZRANDMEMBER',
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Returns members of a sorted set by chance.',
    complexity: 'O(N) where N is the number of members returned.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output'] },
    arguments: { key: key('RO', 'access'), options: picking },
    run(context, { key: name, options }): Reply {
      const { keyspace, shard, session } = context;
      const value = keyspace.readSortedSet(name);
      if (options === undefined) {
        return value === undefined ? null : value.entryAt(shard.random.integer(0, value.size - 1))[0];
      }
      if (value === undefined) return [];
      const entries = placesFor(context, value.size, options.count).map((place) => value.entryAt(place));
      if (!options.withScores) return entries.map(([member]) => member);
      const pairs = entries.map(([member, score]) => [member, new Double(score)]);
      return session.protocol === 3 ? pairs : pairs.flat();
    },
  }),
];

const scoreReply = (score: number | undefined): Reply => (score === undefined ? null : new Double(score));

export const sortedSetCommands: readonly Command[] = [
  ...basicCommands,
  ...sortedSetRangeCommands,
  ...sortedSetPopCommands,
  ...sortedSetAlgebraCommands,
];
