/** Commands that look at or change one list. Moves between lists, pops from several and waiting are in `blocking-lists.ts`. [redis t_list.c] */

import { NULL_ARRAY, OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { ListValue } from '../keyspace/list.ts';
import type { CommandContext } from '../shard/context.ts';
import { integer, key, late, many, option, optional, options, text, word, type Argument } from './arguments.ts';
import { blockingListCommands, popSeveral, takeOne, type End } from './blocking-lists.ts';
import { defineCommand, type Command } from './command.ts';
import { pickCount, popCount } from './counts.ts';
import { parseInteger } from './numbers.ts';

const RANK_ZERO =
  "RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";

/** A count from 0 up; whatever else is given gets the same refusal. */
const notNegative = (name: string): Argument<number> => ({
  ...integer(),
  parse(reader) {
    const value = parseInteger(reader.take());
    if (value === null || value < 0) throw refuse('ERR', `${name} can't be negative`);
    return value;
  },
});

const rank = (): Argument<number> => ({
  ...integer(),
  parse(reader) {
    const value = Number(pickCount().parse(reader));
    if (value === 0) throw refuse('ERR', RANK_ZERO);
    return value;
  },
});

function push(context: CommandContext, words: readonly string[], end: End, onlyExisting: boolean): Reply {
  const { keyspace } = context;
  const name = words[1]!;
  const existing = keyspace.editList(name);
  if (existing === undefined && onlyExisting) return 0;
  const list = existing ?? ListValue.empty();
  list.beforeGrowth(words, 2, words.length - 1, keyspace.limits);
  if (end === 'LEFT') for (let i = 2; i < words.length; i++) list.pushHead(words[i]!);
  else for (let i = 2; i < words.length; i++) list.pushTail(words[i]!);
  if (existing !== undefined) keyspace.changed(name, words.length - 2);
  else {
    keyspace.put(name, list);
    keyspace.recount(words.length - 3);
  }
  return list.size;
}

const pushCommand = (name: string, end: End, onlyExisting: boolean, summary: string): Command =>
  defineCommand({
    name,
    group: 'list',
    since: onlyExisting ? '2.2.0' : '1.0.0',
    summary,
    complexity: 'O(1) for each element added, so O(N) to add N elements.',
    flags: ['write', 'denyoom', 'fast'],
    arguments: { key: key('RW', 'insert'), element: many(text()) },
    quick: (context, words) => push(context, words, end, onlyExisting),
    run: (context, _given, words) => push(context, words, end, onlyExisting),
  });

const popCommand = (name: string, end: End, summary: string): Command =>
  defineCommand({
    name,
    group: 'list',
    since: '1.0.0',
    summary,
    complexity: 'O(N) where N is the number of elements returned.',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'access', 'delete'), count: optional(popCount()) },
    quick(context, words) {
      if (words.length > 3) throw refuse('ARITY', name);
      if (words.length === 3) return undefined;
      const list = context.keyspace.editList(words[1]!);
      return list === undefined ? undefined : takeOne(context.keyspace, words[1]!, list, end);
    },
    run({ keyspace }, given) {
      const list = keyspace.editList(given.key);
      if (list === undefined) return given.count === undefined ? null : NULL_ARRAY;
      if (given.count === undefined) return takeOne(keyspace, given.key, list, end);
      return given.count === 0 ? [] : popSeveral(keyspace, given.key, list, end, given.count);
    },
  });

/** A range of LRANGE or LTRIM as indexes that exist; null when there are none. */
function clampRange(start: number, stop: number, size: number): { start: number; stop: number } | null {
  const first = start < 0 ? Math.max(start + size, 0) : start;
  const last = Math.min(stop < 0 ? stop + size : stop, size - 1);
  return first > last ? null : { start: first, stop: last };
}

export const listCommands: readonly Command[] = [
  pushCommand('LPUSH', 'LEFT', false, 'Puts elements at the head of a list, which is made when it is missing.'),
  pushCommand('RPUSH', 'RIGHT', false, 'Puts elements at the tail of a list, which is made when it is missing.'),
  pushCommand('LPUSHX', 'LEFT', true, 'Puts elements at the head of a list that exists.'),
  pushCommand('RPUSHX', 'RIGHT', true, 'Puts elements at the tail of a list that exists.'),
  popCommand('LPOP', 'LEFT', 'Removes and returns elements from the head of a list.'),
  popCommand('RPOP', 'RIGHT', 'Removes and returns elements from the tail of a list.'),

  defineCommand({
    name: 'LLEN',
    group: 'list',
    since: '1.0.0',
    summary: 'Returns the number of elements of a list.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO') },
    run: ({ keyspace }, given) => keyspace.readList(given.key)?.size ?? 0,
  }),

  defineCommand({
    name: 'LINDEX',
    group: 'list',
    since: '1.0.0',
    summary: 'Returns the element at an index of a list.',
    complexity: 'O(N) where N is the distance to the nearer end; O(1) at the ends.',
    flags: ['readonly'],
    arguments: { key: key('RO', 'access'), index: late(integer()) },
    run({ keyspace }, given) {
      const list = keyspace.readList(given.key);
      if (list === undefined) return null;
      const index = given.index();
      return list.at(index < 0 ? index + list.size : index) ?? null;
    },
  }),

  defineCommand({
    name: 'LSET',
    group: 'list',
    since: '1.0.0',
    summary: 'Replaces the element at an index of a list.',
    complexity: 'O(N) where N is the length of the list; O(1) at the ends.',
    flags: ['write', 'denyoom'],
    arguments: { key: key('RW', 'update'), index: late(integer()), element: text() },
    run({ keyspace }, given, words) {
      const list = keyspace.editList(given.key);
      if (list === undefined) throw refuse('NO_SUCH_KEY');
      const index = given.index();
      const at = index < 0 ? index + list.size : index;
      if (at < 0 || at >= list.size) throw refuse('INDEX_OUT_OF_RANGE');
      list.beforeGrowth(words, 3, 3, keyspace.limits);
      list.setAt(at, given.element);
      list.afterShrinking(keyspace.limits);
      keyspace.changed(given.key);
      return OK;
    },
  }),

  defineCommand({
    name: 'LINSERT',
    group: 'list',
    since: '2.2.0',
    summary: 'Inserts an element before or after another one in a list.',
    complexity: 'O(N) where N is the number of elements before the pivot.',
    flags: ['write', 'denyoom'],
    arguments: { key: key('RW', 'insert'), where: word('BEFORE', 'AFTER'), pivot: text(), element: text() },
    run({ keyspace }, given, words) {
      const list = keyspace.editList(given.key);
      if (list === undefined) return 0;
      list.beforeGrowth(words, 4, 4, keyspace.limits);
      const at = list.indexOf(given.pivot);
      if (at < 0) return -1;
      list.insert(given.where === 'BEFORE' ? at : at + 1, given.element);
      keyspace.changed(given.key);
      return list.size;
    },
  }),

  defineCommand({
    name: 'LRANGE',
    group: 'list',
    since: '1.0.0',
    summary: 'Returns a range of elements of a list.',
    complexity:
      'O(S+N) where S is the distance of the start from the nearer end and N the number of elements returned.',
    flags: ['readonly'],
    arguments: { key: key('RO', 'access'), start: integer(), stop: integer() },
    run({ keyspace }, given) {
      const list = keyspace.readList(given.key);
      const range = list && clampRange(given.start, given.stop, list.size);
      return range ? list.slice(range.start, range.stop) : [];
    },
  }),

  defineCommand({
    name: 'LTRIM',
    group: 'list',
    since: '1.0.0',
    summary: 'Keeps a range of elements of a list and removes the others.',
    complexity: 'O(N) where N is the number of elements removed.',
    flags: ['write'],
    arguments: { key: key('RW', 'delete'), start: integer(), stop: integer() },
    run({ keyspace }, given) {
      const list = keyspace.editList(given.key);
      if (list === undefined) return OK;
      const before = list.size;
      const range = clampRange(given.start, given.stop, before) ?? { start: 0, stop: -1 };
      list.trim(range.start, range.stop);
      list.afterShrinking(keyspace.limits);
      if (list.size === before) keyspace.signalled(given.key);
      else {
        keyspace.removeIfEmpty(given.key, list);
        keyspace.changed(given.key, before - list.size);
      }
      return OK;
    },
  }),

  defineCommand({
    name: 'LREM',
    group: 'list',
    since: '1.0.0',
    summary: 'Removes elements that equal a value from a list.',
    complexity: 'O(N) where N is the length of the list.',
    flags: ['write'],
    arguments: { key: key('RW', 'delete'), count: pickCount(), element: text() },
    run({ keyspace }, given) {
      const list = keyspace.editList(given.key);
      if (list === undefined) return 0;
      const removed = list.removeEqual(given.element, Number(given.count));
      if (removed === 0) return 0;
      list.afterShrinking(keyspace.limits);
      keyspace.removeIfEmpty(given.key, list);
      keyspace.changed(given.key);
      return removed;
    },
  }),

  defineCommand({
    name: 'LPOS',
    group: 'list',
    since: '6.0.6',
    summary: 'Returns the indexes of elements that equal a value.',
    complexity: 'O(N) where N is the number of elements compared, at most MAXLEN.',
    flags: ['readonly'],
    arguments: {
      key: key('RO', 'access'),
      element: text(),
      options: options({
        rank: option('RANK', rank()),
        'num-matches': option('COUNT', notNegative('COUNT')),
        len: option('MAXLEN', notNegative('MAXLEN')),
      }),
    },
    run({ keyspace }, { key: name, element, options: { rank: first = 1, 'num-matches': most, len = 0 } }) {
      const list = keyspace.readList(name);
      if (list === undefined) return most === undefined ? null : [];
      const found = positions(list, element, { rank: first, most: most ?? 1, comparisons: len });
      return most === undefined ? (found[0] ?? null) : found;
    },
  }),

  ...blockingListCommands,
];

interface Search {
  /** The first match to return, counted from 1; negative: from the tail. */
  readonly rank: number;
  /** 0: all. */
  readonly most: number;
  /** 0: as many as there are elements. */
  readonly comparisons: number;
}

function positions(list: ListValue, element: string, { rank, most, comparisons }: Search): number[] {
  const backwards = rank < 0;
  const skipped = Math.abs(rank) - 1;
  const found: number[] = [];
  let matches = 0;
  let compared = 0;
  for (const each of backwards ? list.reversed() : list) {
    if (comparisons !== 0 && compared === comparisons) break;
    if (each === element && matches++ >= skipped) {
      found.push(backwards ? list.size - 1 - compared : compared);
      if (found.length === most) break;
    }
    compared++;
  }
  return found;
}
