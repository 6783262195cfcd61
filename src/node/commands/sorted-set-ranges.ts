/**
 * Commands on a range of a sorted set: ZRANGE in all its forms and older names, ZRANGESTORE, counting and removing.
 * All of them are one interval of ranks; see `sorted-set-bounds.ts`. [redis t_zset.c zrangeGenericCommand]
 */

import { Double, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { SortedSetValue } from '../keyspace/sorted-set.ts';
import type { CommandContext } from '../shard/context.ts';
import {
  double,
  flag,
  integer,
  key,
  option,
  options,
  text,
  tuple,
  unread,
  type Argument,
  type Option,
} from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { byMember, byRank, byScore, type FindInterval } from './sorted-set-bounds.ts';

const RANGE_COST = 'O(log(N)+M) where N is the size of the sorted set and M the number of members concerned.';
const COUNT_COST = 'O(log(N)) where N is the size of the sorted set.';

type Order = 'rank' | 'score' | 'member';

interface Selection {
  readonly first: string;
  readonly last: string;
  readonly by: Order;
  readonly reverse: boolean;
  readonly limit: readonly [offset: number, count: number] | undefined;
  readonly withScores: boolean;
}

/** Consecutive entries: the rank visited first, how many, and in which direction. */
interface Stretch {
  readonly start: number;
  readonly count: number;
  readonly reverse: boolean;
}

/** Reads the bounds; the function finds the entries in a value. */
function select({ first, last, by, reverse, limit, withScores }: Selection): (value: SortedSetValue) => Stretch {
  if (limit !== undefined && limit[1] !== -1 && by === 'rank') {
    throw refuse('ERR', 'syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX');
  }
  if (withScores && by === 'member') {
    throw refuse('ERR', 'syntax error, WITHSCORES not supported in combination with BYLEX');
  }
  const find = by === 'rank' ? byRank(first, last, reverse) : bounds(by, reverse ? [last, first] : [first, last]);
  // A negative offset finds nothing, a negative count means all; by rank there is no limit [redis t_zset.c genericZrangebyscoreCommand]
  const [offset, most] = by === 'rank' ? [0, -1] : (limit ?? [0, -1]);
  return (value) => {
    const { from, to } = find(value);
    const left = offset < 0 ? 0 : Math.max(0, to - from - offset);
    const count = most < 0 ? left : Math.min(left, most);
    return { start: reverse ? to - 1 - offset : from + offset, count, reverse };
  };
}

const bounds = (by: 'score' | 'member', [min, max]: readonly [string, string]): FindInterval =>
  by === 'score' ? byScore(min, max) : byMember(min, max);

function answer(context: CommandContext, name: string, selection: Selection): Reply {
  const locate = select(selection);
  const value = context.keyspace.readSortedSet(name);
  const reply: Reply[] = [];
  if (value === undefined) return reply;
  const { start, count, reverse } = locate(value);
  if (!selection.withScores) value.walk(start, count, reverse, (member) => reply.push(member));
  else if (context.session.protocol === 3) {
    value.walk(start, count, reverse, (member, score) => reply.push([member, new Double(score)]));
  } else value.walk(start, count, reverse, (member, score) => reply.push(member, new Double(score)));
  return reply;
}

/** An option that may be said only once. */
const once = <T>(plain: Option<T>): Option<T> => ({
  ...plain,
  fold(token, value, before, name) {
    if (before !== undefined) throw refuse('SYNTAX');
    return plain.fold(token, value, before, name);
  },
});

const sortBy: Option<Order> = once({
  tokens: { BYSCORE: null, BYLEX: null },
  fold: (token) => (token === 'BYSCORE' ? 'score' : 'member'),
});
const rev = once(flag('REV'));
const limit = option('LIMIT', tuple(['offset', integer()], ['count', integer()]));
const withscores = flag('WITHSCORES');

/** The older names accept every option of these two, to refuse some of them in words of their own; only those that work are shown. */
const olderOptions = (shown: Argument<unknown>) => ({ ...options({ withscores, limit }), doc: shown.doc });

interface Older {
  readonly name: string;
  readonly since: string;
  readonly summary: string;
  readonly by: Order;
  readonly reverse: boolean;
  readonly replacedBy: string;
  readonly bound: Argument<string>;
  readonly shown: Argument<unknown>;
}

function olderRange({ name, since, summary, by, reverse, replacedBy, bound, shown }: Older): Command {
  const declared = {
    name,
    group: 'sorted-set',
    since,
    summary,
    complexity: RANGE_COST,
    flags: ['readonly'],
    deprecated: { since: '6.2.0', replacedBy },
  } as const;
  const where = key('RO', 'access');
  const more = olderOptions(shown);
  if (by === 'rank') {
    return defineCommand({
      ...declared,
      arguments: { key: where, start: bound, stop: bound, options: more },
      run: (context, { key: name, start: first, stop: last, options: { limit, withscores = false } }) =>
        answer(context, name, { first, last, by, reverse, limit, withScores: withscores }),
    });
  }
  // Both forms say the bound at which they begin first.
  return defineCommand({
    ...declared,
    arguments: reverse
      ? { key: where, max: bound, min: bound, options: more }
      : { key: where, min: bound, max: bound, options: more },
    run: (context, { key: name, min, max, options: { limit, withscores = false } }) => {
      const [first, last] = reverse ? [max, min] : [min, max];
      return answer(context, name, { first, last, by, reverse, limit, withScores: withscores });
    },
  });
}

const counting = (
  name: string,
  since: string,
  by: 'score' | 'member',
  bound: Argument<string>,
  summary: string,
): Command =>
  defineCommand({
    name,
    group: 'sorted-set',
    since,
    summary,
    complexity: COUNT_COST,
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access'), min: bound, max: bound },
    run({ keyspace }, given) {
      const find = bounds(by, [given.min, given.max]);
      const value = keyspace.readSortedSet(given.key);
      if (value === undefined) return 0;
      const { from, to } = find(value);
      return to - from;
    },
  });

function removeRange({ keyspace }: CommandContext, name: string, find: FindInterval): number {
  const value = keyspace.editSortedSet(name);
  if (value === undefined) return 0;
  const { from, to } = find(value);
  if (from === to) return 0;
  const removed = value.deleteRange(from, to);
  keyspace.removeIfEmpty(name, value);
  keyspace.changed(name, removed);
  return removed;
}

const removing = (
  name: string,
  since: string,
  by: 'score' | 'member',
  bound: Argument<string>,
  summary: string,
): Command =>
  defineCommand({
    name,
    group: 'sorted-set',
    since,
    summary,
    complexity: RANGE_COST,
    flags: ['write'],
    arguments: { key: key('RW', 'delete'), min: bound, max: bound },
    run: (context, given) => removeRange(context, given.key, bounds(by, [given.min, given.max])),
  });

const scoreText = unread(double());
const rankText = unread(integer());
const shownScores = options({ withscores });
const shownLimit = options({ limit });
const shownBoth = options({ withscores, limit });

export const sortedSetRangeCommands: readonly Command[] = [
  defineCommand({
    name: 'ZRANGE',
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Returns members of a sorted set within a range of ranks, scores or members.',
    complexity: RANGE_COST,
    flags: ['readonly'],
    arguments: {
      key: key('RO', 'access'),
      start: text(),
      stop: text(),
      options: options({ sortby: sortBy, rev, limit, withscores }),
    },
    run(context, { key: name, start: first, stop: last, options: { sortby, rev, limit, withscores } }) {
      const by = sortby ?? 'rank';
      return answer(context, name, { first, last, by, reverse: rev ?? false, limit, withScores: withscores ?? false });
    },
  }),

  defineCommand({
    name: 'ZRANGESTORE',
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Stores a range of a sorted set in a key and returns how many members it has.',
    complexity: RANGE_COST,
    flags: ['write', 'denyoom'],
    arguments: {
      dst: key('OW', 'update'),
      src: key('RO', 'access'),
      min: text(),
      max: text(),
      options: options({ sortby: sortBy, rev, limit }),
    },
    run({ keyspace }, { dst, src, min: first, max: last, options: { sortby, rev, limit } }) {
      const by = sortby ?? 'rank';
      const locate = select({ first, last, by, reverse: rev ?? false, limit, withScores: false });
      const source = keyspace.readSortedSet(src);
      const members: string[] = [];
      const scores: number[] = [];
      if (source !== undefined) {
        const { start, count, reverse } = locate(source);
        source.walk(reverse ? start + 1 - count : start, count, false, (member, score) => {
          members.push(member);
          scores.push(score);
        });
      }
      if (members.length > 0) keyspace.put(dst, SortedSetValue.from(members, scores, keyspace.limits));
      else keyspace.remove(dst);
      return members.length;
    },
  }),

  olderRange({
    name: 'ZREVRANGE',
    since: '1.2.0',
    summary: 'Returns members of a sorted set within a range of ranks counted from the highest score.',
    by: 'rank',
    reverse: true,
    replacedBy: '`ZRANGE` with the `REV` argument',
    bound: rankText,
    shown: shownScores,
  }),
  olderRange({
    name: 'ZRANGEBYSCORE',
    since: '1.0.5',
    summary: 'Returns members of a sorted set within a range of scores.',
    by: 'score',
    reverse: false,
    replacedBy: '`ZRANGE` with the `BYSCORE` argument',
    bound: scoreText,
    shown: shownBoth,
  }),
  olderRange({
    name: 'ZREVRANGEBYSCORE',
    since: '2.2.0',
    summary: 'Returns members of a sorted set within a range of scores, the highest first.',
    by: 'score',
    reverse: true,
    replacedBy: '`ZRANGE` with the `REV` and `BYSCORE` arguments',
    bound: scoreText,
    shown: shownBoth,
  }),
  olderRange({
    name: 'ZRANGEBYLEX',
    since: '2.8.9',
    summary: 'Returns members of a sorted set of equal scores within a range of members.',
    by: 'member',
    reverse: false,
    replacedBy: '`ZRANGE` with the `BYLEX` argument',
    bound: text(),
    shown: shownLimit,
  }),
  olderRange({
    name: 'ZREVRANGEBYLEX',
    since: '2.8.9',
    summary: 'Returns members of a sorted set of equal scores within a range of members, the last first.',
    by: 'member',
    reverse: true,
    replacedBy: '`ZRANGE` with the `REV` and `BYLEX` arguments',
    bound: text(),
    shown: shownLimit,
  }),

  counting(
    'ZCOUNT',
    '2.0.0',
    'score',
    scoreText,
    'Returns how many members of a sorted set have scores within a range.',
  ),
  counting(
    'ZLEXCOUNT',
    '2.8.9',
    'member',
    text(),
    'Returns how many members of a sorted set of equal scores are within a range.',
  ),

  defineCommand({
    name: 'ZREMRANGEBYRANK',
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Removes the members of a sorted set within a range of ranks.',
    complexity: RANGE_COST,
    flags: ['write'],
    arguments: { key: key('RW', 'delete'), start: rankText, stop: rankText },
    run: (context, given) => removeRange(context, given.key, byRank(given.start, given.stop, false)),
  }),
  removing(
    'ZREMRANGEBYSCORE',
    '1.2.0',
    'score',
    scoreText,
    'Removes the members of a sorted set within a range of scores.',
  ),
  removing(
    'ZREMRANGEBYLEX',
    '2.8.9',
    'member',
    text(),
    'Removes the members of a sorted set of equal scores within a range of members.',
  ),
];
