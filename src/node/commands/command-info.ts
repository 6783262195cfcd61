/**
 * A declaration as COMMAND INFO shows it: ten facts [redis server.c addReplyCommandInfo]. ACL categories follow from flags and
 * group, with those a declaration names; first key, last key and step from the key specifications.
 */

import { MapReply, SetReply, Status, type Reply } from '../../resp/reply.ts';
import type { Command, Flag, Group, KeySpec } from './command.ts';
import type { KeyFlag } from './arguments.ts';

const FLAG_ORDER = [
  'write',
  'readonly',
  'denyoom',
  'admin',
  'pubsub',
  'noscript',
  'blocking',
  'loading',
  'stale',
  'skip_monitor',
  'skip_slowlog',
  'asking',
  'fast',
  'no_auth',
  'no_mandatory_keys',
  'no_async_loading',
  'no_multi',
  'movablekeys',
  'allow_busy',
] as const satisfies readonly Flag[];

const KEY_FLAG_ORDER = [
  'RO',
  'RW',
  'OW',
  'RM',
  'access',
  'update',
  'insert',
  'delete',
  'not_key',
  'incomplete',
  'variable_flags',
] as const satisfies readonly KeyFlag[];

/** In Redis's order. */
export const CATEGORIES: readonly string[] = (
  'keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub ' +
  'admin fast slow blocking dangerous connection transaction scripting'
).split(' ');
export const isCategory = (name: string): boolean => CATEGORIES.includes(name);

/** The category that goes without saying in a group. */
const GROUP_CATEGORIES: Readonly<Record<Group, string | null>> = {
  string: 'string',
  generic: 'keyspace',
  list: 'list',
  hash: 'hash',
  set: 'set',
  'sorted-set': 'sortedset',
  stream: 'stream',
  bitmap: 'bitmap',
  hyperloglog: 'hyperloglog',
  geo: 'geo',
  transactions: 'transaction',
  scripting: 'scripting',
  pubsub: null,
  connection: 'connection',
  server: null,
  cluster: null,
  replication: null,
};

/** Whoever names one of these belongs there and not to its group's own category: SORT to the types it sorts. */
const PLACES: ReadonlySet<string> = new Set(['keyspace', 'set', 'sortedset', 'list', 'connection']);

/** Without the `@`, in Redis's order [redis acl.c setImplicitACLCategories]. */
export function categoriesOf(command: Command): string[] {
  const { flags, group, categories } = command;
  const all = new Set(categories);
  const own = GROUP_CATEGORIES[group];
  const isPlaced = group === 'generic' && categories.some((category) => PLACES.has(category));
  const isContainer = command.subcommands !== null && command.arity === -2;
  if (own !== null && !isPlaced && !isContainer) all.add(own);
  if (flags.has('write')) all.add('write');
  // What a script reads is not known [redis server.c setImplicitACLCategories]
  if (flags.has('readonly') && command.group !== 'scripting') all.add('read');
  if (flags.has('admin')) all.add('admin').add('dangerous');
  if (flags.has('pubsub')) all.add('pubsub');
  if (flags.has('blocking')) all.add('blocking');
  all.add(flags.has('fast') ? 'fast' : 'slow');
  return CATEGORIES.filter((category) => all.has(category));
}

interface KeyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  /** These three do not say where all keys are. */
  readonly isIncomplete: boolean;
}

/** What the older reply fields can say [redis server.c populateCommandLegacyRangeSpec]. */
function keyRangeOf(specs: readonly KeySpec[]): KeyRange {
  const only = specs.length === 1 ? specs[0]! : null;
  if (only !== null && 'index' in only.begin && only.find.kind === 'range') {
    const { index } = only.begin;
    const { last, step } = only.find;
    const isIncomplete = only.flags.includes('incomplete');
    return { first: index, last: last < 0 ? last : index + last, step, isIncomplete };
  }
  let isIncomplete = false;
  let first = Infinity;
  let last = 0;
  for (const { begin, find, flags } of specs) {
    const fits =
      'index' in begin && find.kind === 'range' && find.step === 1 && (last === 0 || last === begin.index - 1);
    if (!fits) {
      isIncomplete = true;
      continue;
    }
    if (flags.includes('incomplete')) isIncomplete = true;
    first = Math.min(first, begin.index);
    // Below zero counts from the end of the request, beyond any place from its beginning
    last = find.last < 0 ? find.last : last < 0 ? last : Math.max(last, begin.index + find.last);
  }
  return first === Infinity ? { first: 0, last: 0, step: 0, isIncomplete } : { first, last, step: 1, isIncomplete };
}

const statuses = (names: readonly string[]): SetReply => new SetReply(names.map((name) => new Status(name)));
export const keyFlags = (flags: readonly KeyFlag[]): SetReply =>
  statuses(KEY_FLAG_ORDER.filter((flag) => flags.includes(flag)));

function tipsOf({ tips }: Command): string[] {
  return [
    ...(tips.other ?? []),
    ...(tips.request === undefined ? [] : [`request_policy:${tips.request}`]),
    ...(tips.response === undefined ? [] : [`response_policy:${tips.response}`]),
  ];
}

/** `{ type, spec }` */
const typed = (type: string, spec: readonly Reply[]): MapReply =>
  new MapReply(['type', type, 'spec', new MapReply(spec)]);

function keySpecReply({ flags, begin, find, notes }: KeySpec): Reply {
  const beginSearch =
    find.kind === 'unknown'
      ? typed('unknown', [])
      : 'index' in begin
        ? typed('index', ['index', begin.index])
        : typed('keyword', ['keyword', begin.keyword, 'startfrom', begin.from]);
  const findKeys =
    find.kind === 'unknown'
      ? typed('unknown', [])
      : find.kind === 'range'
        ? typed('range', ['lastkey', find.last, 'keystep', find.step, 'limit', find.limit])
        : typed('keynum', ['keynumidx', find.keynum, 'firstkey', find.first, 'keystep', find.step]);
  return new MapReply([
    ...(notes === undefined ? [] : ['notes', notes]),
    'flags',
    keyFlags(flags),
    'begin_search',
    beginSearch,
    'find_keys',
    findKeys,
  ]);
}

export function commandInfo(command: Command): Reply {
  const { first, last, step, isIncomplete } = keyRangeOf(command.keySpecs);
  const flags = FLAG_ORDER.filter((flag) => command.flags.has(flag) || (flag === 'movablekeys' && isIncomplete));
  return [
    command.fullName,
    command.arity,
    statuses(flags),
    first,
    last,
    step,
    statuses(categoriesOf(command).map((category) => `@${category}`)),
    new SetReply(tipsOf(command)),
    new SetReply(command.keySpecs.map(keySpecReply)),
    new SetReply([...(command.subcommands?.values() ?? [])].map(commandInfo)),
  ];
}
