/**
 * SORT: the elements of a list, set or sorted set in another order, by themselves or by other keys, and what other keys hold
 * for them. [redis sort.c]
 *
 * Where Redis leaves the order of equal elements to chance, here they are in byte order, and what was stored is replicated as a
 * list. Text is compared by bytes, as in Redis with the C locale.
 */

import type { Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { ListValue } from '../keyspace/list.ts';
import type { Value } from '../keyspace/value.ts';
import type { CommandContext } from '../shard/context.ts';
import {
  choice,
  flag,
  foundBy,
  integer,
  key,
  named,
  option,
  options,
  pattern,
  repeated,
  tuple,
  type Argument,
  type Parsed,
} from './arguments.ts';
import { defineCommand, type Command, type KeySpec } from './command.ts';
import { parseDouble } from './numbers.ts';

const readOptions = {
  by: option('BY', named('by-pattern', foundBy(1, pattern()))),
  limit: option('LIMIT', named('limit', tuple(['offset', integer()], ['count', integer()]))),
  get: repeated('GET', named('get-pattern', foundBy(1, pattern()))),
  order: orderOption(),
  sorting: flag('ALPHA'),
} as const;

/** ASC and DESC may both come: the last counts. */
function orderOption() {
  const either = choice({ ASC: null, DESC: null });
  return { ...either, fold: (token: string): 'ASC' | 'DESC' => token as 'ASC' | 'DESC' };
}

const readArguments = { key: key('RO', 'access'), options: options(readOptions) } as const;
const storeArguments = {
  key: key('RO', 'access'),
  options: options({
    ...readOptions,
    store: option('STORE', named('destination', foundBy(2, withoutKeys(key('OW', 'update'))))),
  }),
} as const;

/** Its place is not fixed: `keyPositions` finds it. */
function withoutKeys(argument: Argument<string>): Argument<string> {
  const { keys: _, ...rest } = argument;
  return rest;
}

const READ = { read: true, write: false } as const;

/** So many elements in one RPUSH. */
const REPLICATED_ITEMS_MAX = 1024;

type Wish = Parsed<typeof storeArguments>['options'];

interface Weighed {
  readonly element: string;
  readonly weight: number | string | undefined;
}

/** Elements in their own order, where they have one. */
function elementsOf(value: Value | undefined): { elements: readonly string[]; ordered: boolean } {
  if (value === undefined) return { elements: [], ordered: true };
  if (typeof value === 'string' || value.kind === 'raw' || value.kind === 'hash' || value.kind === 'stream')
    throw refuse('WRONGTYPE');
  if (value.kind === 'list') return { elements: Array.from(value), ordered: true };
  if (value.kind === 'set') return { elements: value.members(), ordered: false };
  return { elements: value.entries().members, ordered: true };
}

/** What a pattern stands for with an element in place of its star: a string key, or with `->` a field of a hash. */
function lookUp(keyspace: Keyspace, pattern: string, element: string): string | undefined {
  if (pattern === '#') return element;
  const star = pattern.indexOf('*');
  if (star < 0) return undefined;
  const arrow = pattern.indexOf('->', star + 1);
  const hasField = arrow >= 0 && arrow + 2 < pattern.length;
  const end = hasField ? arrow : pattern.length;
  const key = pattern.slice(0, star) + element + pattern.slice(star + 1, end);
  const value = keyspace.read(key);
  if (value === undefined) return undefined;
  if (typeof value === 'string') return hasField ? undefined : value;
  if (value.kind === 'raw') return hasField ? undefined : value.toString();
  return hasField && value.kind === 'hash' ? keyspace.fieldOf(key, value, pattern.slice(arrow + 2)) : undefined;
}

/** As strtod reads a C string: spaces first, up to a zero byte; nothing at all is 0. */
function numberOf(text: string): number {
  const nul = text.indexOf('\0');
  const cut = nul < 0 ? text : text.slice(0, nul);
  if (cut === '') return 0;
  const value = parseDouble(cut.replace(/^[ \t\n\v\f\r]+/, ''));
  if (value === null) throw refuse('SORT_NOT_DOUBLE');
  return value;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An element for which the other key does not exist comes first. */
function compareWeights(a: Weighed['weight'], b: Weighed['weight']): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b || 0;
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  return compareText(String(a), String(b));
}

function weigh(keyspace: Keyspace, elements: readonly string[], by: string | undefined, alpha: boolean): Weighed[] {
  const all = elements.map((element) => ({
    element,
    text: by === undefined ? element : lookUp(keyspace, by, element),
  }));
  if (alpha) return all.map(({ element, text }) => ({ element, weight: text }));
  return all.map(({ element, text }) => ({ element, weight: text === undefined ? 0 : numberOf(text) }));
}

function inOrder(
  { keyspace, session }: CommandContext,
  found: ReturnType<typeof elementsOf>,
  wish: Wish,
): readonly string[] {
  const descending = wish.order === 'DESC';
  const constant = wish.by !== undefined && !wish.by.includes('*');
  // A set has no order of its own, so what is stored, and what a script is told, must be sorted even so
  const forced = constant && !found.ordered && (wish.store !== undefined || session.inScript);
  if (constant && !forced) return descending && found.ordered ? found.elements.toReversed() : found.elements;
  const weighed = weigh(keyspace, found.elements, forced ? undefined : wish.by, forced || wish.sorting === true);
  weighed.sort((a, b) => {
    const order = compareWeights(a.weight, b.weight) || compareText(a.element, b.element);
    return descending ? -order : order;
  });
  return weighed.map(({ element }) => element);
}

/** The part that LIMIT keeps: a negative offset is 0, a negative count is all. */
function limited(elements: readonly string[], limit: readonly [number, number] | undefined): readonly string[] {
  if (limit === undefined) return elements;
  const start = Math.max(0, limit[0]);
  return elements.slice(start, limit[1] < 0 ? undefined : start + limit[1]);
}

/** Patterns reach keys that no permission can name beforehand [redis sort.c sortCommandGeneric]. */
function reachesBy(words: readonly string[]): string | null {
  for (let at = 2; at < words.length; at++) {
    const option = words[at]!.toUpperCase();
    if (option === 'GET') return 'GET';
    if (option === 'BY' && words[at + 1]?.includes('*') === true) return 'BY';
    if (option === 'BY' || option === 'STORE') at++;
    else if (option === 'LIMIT') at += 2;
  }
  return null;
}

function checkPatterns({ session, command, words }: CommandContext): void {
  const which = reachesBy(words);
  if (which === null || session.kind === 'primary' || session.user.allowsOnEveryKey(command, words, READ)) return;
  throw refuse('ERR', `${which} option of SORT denied due to insufficient ACL permissions.`);
}

function sortedElements(context: CommandContext, key: string, wish: Wish): (string | null)[] {
  checkPatterns(context);
  const { keyspace } = context;
  const found = elementsOf(keyspace.read(key));
  const kept = limited(inOrder(context, found, wish), wish.limit);
  const { get } = wish;
  if (get === undefined) return kept.slice();
  return kept.flatMap((element) => get.map((each) => lookUp(keyspace, each, element) ?? null));
}

/** Texts of other keys that are equal, or missing, have no second criterion in Redis: a replica of it would sort otherwise. */
const leavesOrderToChance = ({ by, sorting }: Wish): boolean => sorting === true && by?.includes('*') === true;

/** What was stored, in place of how it came about. */
function replicateList(context: CommandContext, key: string, items: readonly string[]): void {
  context.replicateAs('DEL', key);
  for (let at = 0; at < items.length; at += REPLICATED_ITEMS_MAX) {
    context.replicateAs('RPUSH', key, ...items.slice(at, at + REPLICATED_ITEMS_MAX));
  }
}

/** Positions of the key and of every STORE's destination; the last one counts [redis db.c sortGetKeys]. */
function keyPositions(words: readonly string[]): number[] {
  let store = -1;
  for (let i = 2; i < words.length; i++) {
    const token = words[i]!.toUpperCase();
    if (token === 'LIMIT') i += 2;
    else if (token === 'BY' || token === 'GET') i += 1;
    else if (token === 'STORE' && i + 1 < words.length) store = ++i;
  }
  return store < 0 ? [1] : [1, store];
}

const sourceSpec: KeySpec = {
  flags: ['RO', 'access'],
  begin: { index: 1 },
  find: { kind: 'range', last: 0, step: 1, limit: 0 },
};
const patternSpec: KeySpec = { flags: ['RO', 'access'], begin: { index: 0 }, find: { kind: 'unknown' } };
const storeSpec: KeySpec = { flags: ['OW', 'update'], begin: { index: 0 }, find: { kind: 'unknown' } };
const shared = {
  group: 'generic',
  complexity: 'O(N+M*log(M)) for N elements of which M are returned',
  categories: ['set', 'sortedset', 'list', 'dangerous'],
} as const;

export const sortCommands: readonly Command[] = [
  defineCommand({
    ...shared,
    name: 'SORT',
    since: '1.0.0',
    summary: 'Returns or stores the elements of a list, set or sorted set in order.',
    flags: ['write', 'denyoom', 'movablekeys'],
    keySpecs: [sourceSpec, patternSpec, storeSpec],
    keyPositions,
    reachesBy,
    arguments: storeArguments,
    run(context, { key, options: wish }): Reply {
      const { keyspace } = context;
      const result = sortedElements(context, key, wish);
      if (wish.store === undefined) return result;
      if (result.length === 0) {
        keyspace.remove(wish.store);
        return 0;
      }
      const stored = result.map((each) => each ?? '');
      keyspace.put(wish.store, ListValue.from(stored, keyspace.limits));
      keyspace.recount(stored.length - 1);
      if (leavesOrderToChance(wish)) replicateList(context, wish.store, stored);
      return result.length;
    },
  }),

  defineCommand({
    ...shared,
    name: 'SORT_RO',
    since: '7.0.0',
    summary: 'Returns the elements of a list, set or sorted set in order.',
    flags: ['readonly', 'movablekeys'],
    keySpecs: [sourceSpec, patternSpec],
    keyPositions: () => [1],
    reachesBy,
    arguments: readArguments,
    run: (context, { key, options: wish }) => sortedElements(context, key, wish),
  }),
];
