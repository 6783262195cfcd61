/**
 * Commands that pop the entries with the lowest or highest scores, and their forms that wait for one. What is replicated is the
 * plain pop that happened, never the form that waits or looks through several keys. [redis t_zset.c genericZpopCommand]
 */

import { Double, NULL_ARRAY, type Reply } from '../../resp/reply.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { SortedSetValue } from '../keyspace/sorted-set.ts';
import type { CommandContext } from '../shard/context.ts';
import { key, late, many, options, word, type Argument } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { countOnce, last, popCount, poppedKeys } from './counts.ts';
import { timeoutSeconds } from './timeout.ts';

type End = 'MIN' | 'MAX';
type Entry = readonly [member: string, score: Double];

const SEVERAL_COST =
  'O(K)+O(M*log(N)) where K is the number of keys, N the size of the sorted set and M the number of members popped.';

const popName = (end: End): string => (end === 'MIN' ? 'ZPOPMIN' : 'ZPOPMAX');

/** Takes `count` entries, or all there are, out of a sorted set that was looked up for change. */
function pop(keyspace: Keyspace, name: string, value: SortedSetValue, end: End, count: number): Entry[] {
  const { size } = value;
  const wanted = Math.min(count, size);
  const entries: Entry[] = [];
  if (wanted === 0) return entries;
  const highest = end === 'MAX';
  value.walk(highest ? size - 1 : 0, wanted, highest, (member, score) => entries.push([member, new Double(score)]));
  value.deleteRange(highest ? size - wanted : 0, highest ? size : wanted);
  keyspace.removeIfEmpty(name, value);
  keyspace.changed(name, wanted);
  return entries;
}

/** The first of the keys that is there; one of another type before it is refused. */
function firstThere(keyspace: Keyspace, keys: readonly string[]): { name: string; value: SortedSetValue } | undefined {
  for (const name of keys) {
    const value = keyspace.editSortedSet(name);
    if (value !== undefined) return { name, value };
  }
  return undefined;
}

/** Pops up to `count` from the first key that is there: `[key, [[member, score] …]]`. */
function popSeveral(context: CommandContext, keys: readonly string[], end: End, count: number): Reply | undefined {
  const { keyspace } = context;
  const found = firstThere(keyspace, keys);
  if (found === undefined) return undefined;
  const entries = pop(keyspace, found.name, found.value, end, count);
  context.replicateAs(popName(end), found.name, String(entries.length));
  return [found.name, entries];
}

const wait = (context: CommandContext, keys: readonly string[], timeoutMs: number): Reply =>
  context.block({ keys, timeoutMs, timeoutReply: NULL_ARRAY, kind: 'zset' });

const where = (): Argument<End> => word('MIN', 'MAX');

const popping = (end: End, summary: string): Command =>
  defineCommand({
    name: popName(end),
    group: 'sorted-set',
    since: '5.0.0',
    summary,
    complexity: 'O(log(N)*M) where N is the size of the sorted set and M the number of members popped.',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'access', 'delete'), count: last(popCount()) },
    run({ keyspace, session }, given): Reply {
      const value = keyspace.editSortedSet(given.key);
      if (value === undefined) return [];
      const entries = pop(keyspace, given.key, value, end, given.count ?? 1);
      return session.protocol === 3 && given.count !== undefined ? entries : entries.flat();
    },
  });

const waitingPop = (end: End, summary: string): Command =>
  defineCommand({
    name: `B${popName(end)}`,
    group: 'sorted-set',
    since: '5.0.0',
    summary,
    complexity: 'O(log(N)) where N is the size of the sorted set.',
    flags: ['write', 'blocking', 'fast'],
    arguments: { key: many(key('RW', 'access', 'delete'), { leave: 1 }), timeout: timeoutSeconds() },
    run(context, { key: keys, timeout }) {
      const { keyspace } = context;
      const found = firstThere(keyspace, keys);
      if (found === undefined) return wait(context, keys, timeout);
      const entries = pop(keyspace, found.name, found.value, end, 1);
      context.replicateAs(popName(end), found.name);
      return [found.name, ...entries.flat()];
    },
  });

export const sortedSetPopCommands: readonly Command[] = [
  popping('MIN', 'Removes the members with the lowest scores from a sorted set and returns them.'),
  popping('MAX', 'Removes the members with the highest scores from a sorted set and returns them.'),
  waitingPop('MIN', 'Pops the member with the lowest score of the first sorted set that has any, or waits for one.'),
  waitingPop('MAX', 'Pops the member with the highest score of the first sorted set that has any, or waits for one.'),

  defineCommand({
    name: 'ZMPOP',
    group: 'sorted-set',
    since: '7.0.0',
    summary: 'Pops members with their scores from the first of several sorted sets that has any.',
    complexity: SEVERAL_COST,
    flags: ['write', 'movablekeys'],
    arguments: { keys: poppedKeys(), where: where(), options: options({ count: countOnce }) },
    run: (context, { keys, where, options: { count = 1 } }) => popSeveral(context, keys, where, count) ?? NULL_ARRAY,
  }),

  defineCommand({
    name: 'BZMPOP',
    group: 'sorted-set',
    since: '7.0.0',
    summary: 'Pops members with their scores from the first of several sorted sets that has any, or waits for one.',
    complexity: SEVERAL_COST,
    flags: ['write', 'blocking', 'movablekeys'],
    // The timeout is the last thing that is looked at.
    arguments: {
      timeout: late(timeoutSeconds()),
      keys: poppedKeys(),
      where: where(),
      options: options({ count: countOnce }),
    },
    run(context, { timeout, keys, where, options: { count = 1 } }) {
      const timeoutMs = timeout();
      return popSeveral(context, keys, where, count) ?? wait(context, keys, timeoutMs);
    },
  }),
];
