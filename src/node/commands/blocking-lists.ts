/**
 * Commands that move elements between lists or pop from the first list that has any, and their forms that wait for one.
 *
 * A waiting command runs again whenever one of its keys has become a list; what is replicated is the plain pop or move that
 * happened, never the waiting form. [redis t_list.c lmoveGenericCommand, blockingPopGenericCommand]
 */

import { NULL_ARRAY, type Reply } from '../../resp/reply.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { ListValue } from '../keyspace/list.ts';
import type { CommandContext } from '../shard/context.ts';
import { key, late, many, options, word, type Argument } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { countOnce, poppedKeys } from './counts.ts';
import { timeoutSeconds } from './timeout.ts';

export type End = 'LEFT' | 'RIGHT';

const popName = (end: End): string => (end === 'LEFT' ? 'LPOP' : 'RPOP');

/** Pops one element of a list that was looked up for change, with all consequences. */
export function takeOne(keyspace: Keyspace, name: string, list: ListValue, end: End): string {
  const item = (end === 'LEFT' ? list.popHead() : list.popTail())!;
  list.afterShrinking(keyspace.limits);
  if (list.size === 0) keyspace.removeIfEmpty(name, list);
  keyspace.changed(name);
  return item;
}

/** Pops up to `count` (at least 1) elements, in the order in which they leave. */
export function popSeveral(keyspace: Keyspace, name: string, list: ListValue, end: End, count: number): string[] {
  const items: string[] = [];
  for (let left = Math.min(count, list.size); left > 0; left--) {
    items.push((end === 'LEFT' ? list.popHead() : list.popTail())!);
  }
  list.afterShrinking(keyspace.limits);
  keyspace.removeIfEmpty(name, list);
  keyspace.changed(name, items.length);
  return items;
}

interface Move {
  readonly source: string;
  readonly destination: string;
  readonly from: End;
  readonly to: End;
}

/** Undefined when there is no source. */
function move(keyspace: Keyspace, { source, destination, from, to }: Move): string | undefined {
  const list = keyspace.editList(source);
  if (list === undefined) return undefined;
  const target = keyspace.editList(destination);
  const item = (from === 'LEFT' ? list.popHead() : list.popTail())!;
  const receiver = target ?? ListValue.empty();
  receiver.beforeGrowth([item], 0, 0, keyspace.limits);
  if (to === 'LEFT') receiver.pushHead(item);
  else receiver.pushTail(item);
  if (target === undefined) keyspace.put(destination, receiver);
  list.afterShrinking(keyspace.limits);
  keyspace.removeIfEmpty(source, list);
  if (target !== undefined && destination !== source) keyspace.changed(destination);
  // One write of two lists
  if (destination === source) keyspace.changed(source);
  else keyspace.signalled(source);
  return item;
}

interface Waiting {
  readonly keys: readonly string[];
  readonly timeoutMs: number;
}

/** What a command that found nothing answers or does. */
const waitForList = (context: CommandContext, { keys, timeoutMs }: Waiting): Reply =>
  context.block({ keys, timeoutMs, timeoutReply: NULL_ARRAY, kind: 'list' });

function moveOrWait(context: CommandContext, given: Move, timeoutMs: number, replicated: readonly string[]): Reply {
  const moved = move(context.keyspace, given);
  if (moved === undefined) {
    // Where it cannot wait it answers as LMOVE does, and not as when the time is up.
    return context.mayBlock ? waitForList(context, { keys: [given.source], timeoutMs }) : null;
  }
  context.replicateAs(...replicated);
  return moved;
}

/** Pops up to `count` elements from the first key that is there: `[key, [element …]]`. */
function popFromFirst(context: CommandContext, keys: readonly string[], end: End, count: number): Reply | undefined {
  const { keyspace } = context;
  for (const name of keys) {
    const list = keyspace.editList(name);
    if (list === undefined) continue;
    const items = popSeveral(keyspace, name, list, end, count);
    context.replicateAs(popName(end), name, String(items.length));
    return [name, items];
  }
  return undefined;
}

function popOneOrWait(context: CommandContext, end: End, waiting: Waiting): Reply {
  const { keyspace } = context;
  for (const name of waiting.keys) {
    const list = keyspace.editList(name);
    if (list === undefined) continue;
    const item = takeOne(keyspace, name, list, end);
    context.replicateAs(popName(end), name);
    return [name, item];
  }
  return waitForList(context, waiting);
}

const end = (): Argument<End> => word('LEFT', 'RIGHT');

const blockingPop = (name: string, from: End, summary: string): Command =>
  defineCommand({
    name,
    group: 'list',
    since: '2.0.0',
    summary,
    complexity: 'O(N) where N is the number of keys.',
    flags: ['write', 'blocking'],
    arguments: { key: many(key('RW', 'access', 'delete'), { leave: 1 }), timeout: timeoutSeconds() },
    run: (context, given) => popOneOrWait(context, from, { keys: given.key, timeoutMs: given.timeout }),
  });

export const blockingListCommands: readonly Command[] = [
  defineCommand({
    name: 'LMOVE',
    group: 'list',
    since: '6.2.0',
    summary: 'Takes an element from an end of one list, puts it at an end of another and returns it.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom'],
    arguments: {
      source: key('RW', 'access', 'delete'),
      destination: key('RW', 'insert'),
      wherefrom: end(),
      whereto: end(),
    },
    run: ({ keyspace }, { source, destination, wherefrom, whereto }) =>
      move(keyspace, { source, destination, from: wherefrom, to: whereto }) ?? null,
  }),

  defineCommand({
    name: 'RPOPLPUSH',
    group: 'list',
    since: '1.2.0',
    summary: 'Takes the last element of one list, puts it at the head of another and returns it.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom'],
    deprecated: { since: '6.2.0', replacedBy: '`LMOVE` with the `RIGHT` and `LEFT` arguments' },
    arguments: { source: key('RW', 'access', 'delete'), destination: key('RW', 'insert') },
    run: ({ keyspace }, { source, destination }) =>
      move(keyspace, { source, destination, from: 'RIGHT', to: 'LEFT' }) ?? null,
  }),

  defineCommand({
    name: 'LMPOP',
    group: 'list',
    since: '7.0.0',
    summary: 'Removes and returns elements from the first of several lists that has any.',
    complexity: 'O(N+M) where N is the number of keys and M the number of elements returned.',
    flags: ['write', 'movablekeys'],
    arguments: { keys: poppedKeys(), where: end(), options: options({ count: countOnce }) },
    run: (context, { keys, where, options: { count = 1 } }) => popFromFirst(context, keys, where, count) ?? NULL_ARRAY,
  }),

  blockingPop(
    'BLPOP',
    'LEFT',
    'Removes and returns the first element of the first list that has any, or waits for one.',
  ),
  blockingPop(
    'BRPOP',
    'RIGHT',
    'Removes and returns the last element of the first list that has any, or waits for one.',
  ),

  defineCommand({
    name: 'BLMOVE',
    group: 'list',
    since: '6.2.0',
    summary: 'Moves an element from an end of one list to an end of another and returns it, or waits for one.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom', 'blocking'],
    arguments: {
      source: key('RW', 'access', 'delete'),
      destination: key('RW', 'insert'),
      wherefrom: end(),
      whereto: end(),
      timeout: timeoutSeconds(),
    },
    run(context, { source, destination, wherefrom, whereto, timeout }) {
      const given = { source, destination, from: wherefrom, to: whereto };
      return moveOrWait(context, given, timeout, ['LMOVE', ...context.words.slice(1, 5)]); // in the letters that were given
    },
  }),

  defineCommand({
    name: 'BRPOPLPUSH',
    group: 'list',
    since: '2.2.0',
    summary: 'Moves the last element of one list to the head of another and returns it, or waits for one.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom', 'blocking'],
    deprecated: { since: '6.2.0', replacedBy: '`BLMOVE` with the `RIGHT` and `LEFT` arguments' },
    arguments: {
      source: key('RW', 'access', 'delete'),
      destination: key('RW', 'insert'),
      timeout: timeoutSeconds(),
    },
    run(context, { source, destination, timeout }) {
      const given: Move = { source, destination, from: 'RIGHT', to: 'LEFT' };
      return moveOrWait(context, given, timeout, ['RPOPLPUSH', source, destination]);
    },
  }),

  defineCommand({
    name: 'BLMPOP',
    group: 'list',
    since: '7.0.0',
    summary: 'Removes and returns elements from the first of several lists that has any, or waits for one.',
    complexity: 'O(N+M) where N is the number of keys and M the number of elements returned.',
    flags: ['write', 'blocking', 'movablekeys'],
    arguments: {
      timeout: late(timeoutSeconds()),
      keys: poppedKeys(),
      where: end(),
      options: options({ count: countOnce }),
    },
    run(context, { timeout, keys, where, options: { count = 1 } }) {
      const timeoutMs = timeout();
      return popFromFirst(context, keys, where, count) ?? waitForList(context, { keys, timeoutMs });
    },
  }),
];
