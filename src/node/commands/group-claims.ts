/**
 * What consumers have not acknowledged: XACK, XPENDING, and who takes it over, XCLAIM and XAUTOCLAIM. Entries that were deleted meanwhile
 * are dropped by whoever claims them; replicated is each entry's new owner. [redis t_stream.c xclaimCommand, xautoclaimCommand]
 */

import { NULL_ARRAY, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { Consumer, ConsumerGroup } from '../keyspace/stream-groups.ts';
import type { PendingEntry } from '../keyspace/pending-entries.ts';
import type { CommandContext } from '../shard/context.ts';
import { byHand, key, many, pureToken, text, type ArgumentDoc } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import {
  consumerFor,
  openGroup,
  openStream,
  replicateOwner,
  replicatePlace,
  wrote,
  type OpenGroup,
} from './group-writes.ts';
import { parseInt64, parseInteger } from './numbers.ts';
import { formatId, idOrNull, rangeEnd, rangeStart, streamId } from './stream-ids.ts';
import { countDoc, entryReply } from './stream-reading.ts';

const CLAIM_COUNT_DEFAULT = 100;
/** How many entries are looked at for each that may be claimed. */
const CLAIM_ATTEMPTS = 10;
/** What leaves room for the ids in memory [redis t_stream.c xautoclaimCommand]. */
const CLAIM_COUNT_MAX = Number((2n ** 63n - 1n) / 16n);

function integerOr(word: string, message: string): number {
  const value = parseInteger(word);
  if (value === null) throw refuse('ERR', message);
  return value;
}

const idleMs = (context: CommandContext, { deliveredAtMs }: PendingEntry): number => context.now - deliveredAtMs;

function summary({ pending, consumers }: ConsumerGroup): Reply {
  if (pending.size === 0) return [0, null, null, NULL_ARRAY];
  const having = consumers.filter((consumer) => consumer.pending.size > 0);
  return [
    pending.size,
    formatId(pending.first!.id),
    formatId(pending.last!.id),
    having.map((consumer) => [consumer.name, String(consumer.pending.size)]),
  ];
}

interface PendingFilter {
  readonly minIdleMs: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly count: number;
  readonly consumer: string | undefined;
}

/** `[IDLE ms] start end count [consumer]`; null when there are no such words. */
function pendingFilter(words: readonly string[]): PendingFilter | null {
  if (words.length === 3) return null;
  if (words.length < 6 || words.length > 9) throw refuse('SYNTAX');
  let at = 3;
  let minIdleMs: number | null = 0;
  if (words[3]!.toUpperCase() === 'IDLE') {
    minIdleMs = parseInteger(words[4]!);
    if (minIdleMs === null) throw refuse('NOT_INTEGER');
    if (words.length < 8) throw refuse('SYNTAX');
    at = 5;
  }
  const count = parseInteger(words[at + 2]!);
  if (count === null) throw refuse('NOT_INTEGER');
  return { minIdleMs, count, start: rangeStart(words[at]!), end: rangeEnd(words[at + 1]!), consumer: words[at + 3] };
}

function pending(context: CommandContext, words: readonly string[]): Reply {
  const filter = pendingFilter(words);
  const group = context.keyspace.readStream(words[1]!)?.groups.get(words[2]!);
  if (group === undefined) throw refuse('NOGROUP', words[1]!, words[2]!);
  if (filter === null) return summary(group);
  const { minIdleMs, start, end, count, consumer } = filter;
  const list = consumer === undefined ? group.pending : group.consumer(consumer)?.pending;
  const found: Reply[] = [];
  for (const entry of list?.from(start) ?? []) {
    if (entry.id > end || found.length >= count) break;
    const idle = idleMs(context, entry);
    if (minIdleMs !== 0 && idle < minIdleMs) continue;
    found.push([formatId(entry.id), entry.consumer.name, Math.max(0, idle), entry.deliveries]);
  }
  return found;
}

/** The entry is no longer in the stream: nobody has to acknowledge it. */
function drop(context: CommandContext, open: OpenGroup, entry: PendingEntry): void {
  wrote(context);
  replicateOwner(context, open, entry);
  open.group.settle(entry);
}

interface Taking {
  readonly consumer: Consumer;
  readonly deliveredAtMs: number;
  /** Null: one more than before, unless only the id is asked for. */
  readonly deliveries: bigint | null;
  readonly onlyId: boolean;
}

function take(context: CommandContext, open: OpenGroup, entry: PendingEntry, taking: Taking): Reply {
  const { consumer, deliveredAtMs, deliveries, onlyId } = taking;
  entry.deliveredAtMs = deliveredAtMs;
  if (deliveries !== null) entry.deliveries = deliveries;
  else if (!onlyId) entry.deliveries = BigInt.asIntN(64, entry.deliveries + 1n);
  open.group.pass(entry, consumer);
  consumer.activeAtMs = context.now;
  wrote(context);
  replicateOwner(context, open, entry);
  return onlyId ? formatId(entry.id) : entryReply(open.stream.get(entry.id)!);
}

interface ClaimOptions {
  deliveredAtMs: number;
  deliveries: bigint | null;
  isForced: boolean;
  onlyId: boolean;
  lastId: bigint;
}

function claimOptions(words: readonly string[], now: number): ClaimOptions {
  const found: ClaimOptions = { deliveredAtMs: -1, deliveries: null, isForced: false, onlyId: false, lastId: 0n };
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!.toUpperCase();
    const next = words[at + 1];
    if (word === 'FORCE') found.isForced = true;
    else if (word === 'JUSTID') found.onlyId = true;
    else {
      if (next === undefined) throw refuse('XCLAIM_OPTION', words[at]!);
      at++;
      if (word === 'IDLE') found.deliveredAtMs = now - integerOr(next, 'Invalid IDLE option argument for XCLAIM');
      else if (word === 'TIME') found.deliveredAtMs = integerOr(next, 'Invalid TIME option argument for XCLAIM');
      else if (word === 'RETRYCOUNT') {
        const count = parseInt64(next);
        if (count === null) throw refuse('ERR', 'Invalid RETRYCOUNT option argument for XCLAIM');
        found.deliveries = count < 0n ? null : count;
      } else if (word === 'LASTID') found.lastId = streamId(next);
      else throw refuse('XCLAIM_OPTION', words[at - 1]!);
    }
  }
  // A time that cannot be is now: clients reckon by clocks of their own
  if (found.deliveredAtMs < 0 || found.deliveredAtMs > now) found.deliveredAtMs = now;
  return found;
}

function claim(context: CommandContext, words: readonly string[]): Reply {
  const [, key, groupName, consumerName, minIdle] = words as [string, string, string, string, string];
  const open = openGroup(context, key, groupName);
  if (open === undefined) throw refuse('NOGROUP', key, groupName);
  const minIdleMs = integerOr(minIdle, 'Invalid min-idle-time argument for XCLAIM');
  let end = 5;
  while (end < words.length && idOrNull(words[end]!) !== null) end++;
  const options = claimOptions(words.slice(end), context.now);
  const { stream, group } = open;
  let movesPlace = options.lastId > group.lastId;
  if (movesPlace) group.lastId = options.lastId;
  context.replicateNothing();
  const consumer = consumerFor(context, open, consumerName);
  const found: Reply[] = [];
  for (const id of words.slice(5, end).map((word) => streamId(word))) {
    let entry = group.pending.get(id);
    if (stream.get(id) === undefined) {
      if (entry !== undefined) drop(context, open, entry);
      movesPlace &&= entry === undefined;
      continue;
    }
    if (entry === undefined) {
      if (!options.isForced) continue;
      entry = group.deliver(id, consumer, context.now, 1n);
    } else if (minIdleMs > 0 && idleMs(context, entry) < minIdleMs) continue;
    found.push(take(context, open, entry, { ...options, consumer }));
    movesPlace = false; // told with the entry
  }
  if (movesPlace) {
    wrote(context);
    replicatePlace(context, open);
  }
  return found;
}

interface AutoClaim {
  readonly minIdleMs: number;
  readonly start: bigint;
  count: number;
  onlyId: boolean;
}

function autoClaimWords(words: readonly string[]): AutoClaim {
  const minIdleMs = integerOr(words[4]!, 'Invalid min-idle-time argument for XAUTOCLAIM');
  const found: AutoClaim = { minIdleMs, start: rangeStart(words[5]!), count: CLAIM_COUNT_DEFAULT, onlyId: false };
  for (let at = 6; at < words.length; at++) {
    const word = words[at]!.toUpperCase();
    if (word === 'JUSTID') found.onlyId = true;
    else if (word === 'COUNT' && at + 1 < words.length) {
      found.count = integerOr(words[++at]!, 'COUNT must be > 0');
      if (found.count < 1 || found.count > CLAIM_COUNT_MAX) throw refuse('ERR', 'COUNT must be > 0');
    } else throw refuse('SYNTAX');
  }
  return found;
}

function autoClaim(context: CommandContext, words: readonly string[]): Reply {
  const { minIdleMs, start, count, onlyId } = autoClaimWords(words);
  const open = openGroup(context, words[1]!, words[2]!);
  if (open === undefined) throw refuse('NOGROUP', words[1]!, words[2]!);
  context.replicateNothing();
  const consumer = consumerFor(context, open, words[3]!);
  const taking = { consumer, deliveredAtMs: context.now, deliveries: null, onlyId };
  const { pending: list } = open.group;
  const [found, deleted]: [Reply[], string[]] = [[], []];
  let next = list.atOrAfter(start);
  for (let left = count * CLAIM_ATTEMPTS; left > 0 && next !== undefined; left--) {
    if (found.length + deleted.length >= count) break;
    const entry = next;
    if (open.stream.get(entry.id) === undefined) {
      drop(context, open, entry);
      deleted.push(formatId(entry.id));
    } else if (minIdleMs <= 0 || idleMs(context, entry) >= minIdleMs) found.push(take(context, open, entry, taking));
    next = list.atOrAfter(entry.id + 1n);
  }
  return [formatId(next?.id ?? 0n), found, deleted];
}

function acknowledge(context: CommandContext, [, key, groupName, ...words]: readonly string[]): Reply {
  const group = openStream(context, key!)?.groups.get(groupName!);
  if (group === undefined) return 0;
  let count = 0;
  for (const id of words.map((word) => streamId(word))) {
    const entry = group.pending.get(id);
    if (entry === undefined) continue;
    group.settle(entry);
    count++;
  }
  if (count > 0) wrote(context);
  return count;
}

const optionDoc = (name: string, type: ArgumentDoc['type'], token: string): ArgumentDoc => ({
  name,
  type,
  token,
  optional: true,
});

export const claimCommands: readonly Command[] = [
  defineCommand({
    name: 'XACK',
    group: 'stream',
    since: '5.0.0',
    summary: 'Acknowledges entries that were delivered to a group and returns how many there were.',
    complexity: 'O(log(N)) for each id, where N is the number of entries not acknowledged.',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'update'), group: text(), id: many(text()) },
    run: (context, _given, words) => acknowledge(context, words),
  }),

  defineCommand({
    name: 'XPENDING',
    group: 'stream',
    since: '5.0.0',
    summary: 'Tells which entries of a group have not been acknowledged.',
    complexity:
      'O(log(N)+M) where M is the number of entries looked at; without a range O(C), the number of consumers.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output'] },
    arguments: {
      key: key('RO', 'access'),
      group: text(),
      filters: byHand(0, {
        name: 'filters',
        type: 'block',
        optional: true,
        arguments: [
          optionDoc('min-idle-time', 'integer', 'IDLE'),
          { name: 'start', type: 'string' },
          { name: 'end', type: 'string' },
          { name: 'count', type: 'integer' },
          { name: 'consumer', type: 'string', optional: true },
        ],
      }),
    },
    run: (context, _given, words) => pending(context, words),
  }),

  defineCommand({
    name: 'XCLAIM',
    group: 'stream',
    since: '5.0.0',
    summary: 'Makes a consumer the owner of entries that were delivered to another.',
    complexity: 'O(log(N)) for each id, where N is the number of entries not acknowledged.',
    flags: ['write', 'fast'],
    tips: { other: ['nondeterministic_output'] },
    arity: -6,
    arguments: {
      key: key('RW', 'update'),
      group: text(),
      consumer: text(),
      minIdleTime: text(),
      claim: byHand(
        1,
        { name: 'id', type: 'string', multiple: true },
        optionDoc('ms', 'integer', 'IDLE'),
        optionDoc('unix-time-milliseconds', 'unix-time', 'TIME'),
        optionDoc('count', 'integer', 'RETRYCOUNT'),
        { ...pureToken('FORCE'), optional: true },
        { ...pureToken('JUSTID'), optional: true },
        optionDoc('lastid', 'string', 'LASTID'),
      ),
    },
    run: (context, _given, words) => claim(context, words),
  }),

  defineCommand({
    name: 'XAUTOCLAIM',
    group: 'stream',
    since: '6.2.0',
    summary: 'Makes a consumer the owner of entries that have waited too long, beginning at an id.',
    complexity: 'O(log(N)) for each entry looked at; at most ten times COUNT.',
    flags: ['write', 'fast'],
    tips: { other: ['nondeterministic_output'] },
    arity: -6,
    arguments: {
      key: key('RW', 'delete'),
      group: text(),
      consumer: text(),
      minIdleTime: text(),
      start: text(),
      options: byHand(0, countDoc, { ...pureToken('JUSTID'), optional: true }),
    },
    run: (context, _given, words) => autoClaim(context, words),
  }),
];
