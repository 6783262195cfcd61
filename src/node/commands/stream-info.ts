/** XINFO: what a stream, its consumer groups and their consumers are. [redis t_stream.c xinfoCommand] */

import { MapReply, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { ID_END, type StreamValue } from '../keyspace/stream.ts';
import { NEVER_MS, UNKNOWN_READ, type Consumer, type ConsumerGroup } from '../keyspace/stream-groups.ts';
import { lagOf } from '../keyspace/stream-lag.ts';
import type { CommandContext } from '../shard/context.ts';
import { byHand, key, pureToken, text } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { helpCommand } from './help.ts';
import { parseInteger } from './numbers.ts';
import { radixNodes } from '../keyspace/radix-nodes.ts';
import { formatId } from './stream-ids.ts';
import { countDoc, entryReply } from './stream-reading.ts';

/** Entries, and entries pending of each list, that FULL shows; 0 shows all. */
const FULL_COUNT_DEFAULT = 10;

const existing = ({ keyspace }: CommandContext, name: string): StreamValue => {
  const stream = keyspace.readStream(name);
  if (stream === undefined) throw refuse('NO_SUCH_KEY');
  return stream;
};

const readReply = ({ entriesRead }: ConsumerGroup): Reply => (entriesRead === UNKNOWN_READ ? null : entriesRead);

function* upTo<T>(items: Iterable<T>, most: number): Generator<T, void> {
  let left = most;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}

/** Facts by name, in this order. */
const factsReply = (facts: Readonly<Record<string, Reply>>): Reply =>
  new MapReply(Object.entries(facts).flatMap(([name, value]) => [name, value]));

function fullConsumer({ name, seenAtMs, activeAtMs, pending }: Consumer, count: number): Reply {
  return factsReply({
    name,
    'seen-time': seenAtMs,
    'active-time': activeAtMs,
    'pel-count': pending.size,
    pending: Array.from(upTo(pending, count), (each) => [formatId(each.id), each.deliveredAtMs, each.deliveries]),
  });
}

function fullGroup(stream: StreamValue, group: ConsumerGroup, count: number): Reply {
  return factsReply({
    name: group.name,
    'last-delivered-id': formatId(group.lastId),
    'entries-read': readReply(group),
    lag: lagOf(stream, group),
    'pel-count': group.pending.size,
    pending: Array.from(upTo(group.pending, count), (each) => [
      formatId(each.id),
      each.consumer.name,
      each.deliveredAtMs,
      each.deliveries,
    ]),
    consumers: group.consumers.map((consumer) => fullConsumer(consumer, count)),
  });
}

/** `FULL [COUNT count]`; null: not FULL. */
function fullCount(words: readonly string[]): number | null {
  if (words.length === 3) return null;
  const isFull = words[3]!.toUpperCase() === 'FULL' && (words.length === 4 || words.length === 6);
  if (!isFull || (words.length === 6 && words[4]!.toUpperCase() !== 'COUNT')) {
    throw refuse('SUBCOMMAND_SYNTAX', 'xinfo', words[1]!);
  }
  if (words.length === 4) return FULL_COUNT_DEFAULT;
  const count = parseInteger(words[5]!);
  if (count === null) throw refuse('NOT_INTEGER');
  if (count === 0) return Infinity;
  return count < 0 ? FULL_COUNT_DEFAULT : count;
}

function streamInfo(stream: StreamValue, count: number | null): Reply {
  const { nodeIds, groups } = stream;
  const [first] = stream.range(0n, ID_END, 1);
  const [last] = stream.rangeBackwards(0n, ID_END, 1);
  return factsReply({
    length: stream.size,
    'radix-tree-keys': nodeIds.length,
    'radix-tree-nodes': radixNodes(nodeIds),
    'last-generated-id': formatId(stream.lastId),
    'max-deleted-entry-id': formatId(stream.maxDeletedId),
    'entries-added': stream.entriesAdded,
    'recorded-first-entry-id': formatId(first?.id ?? 0n),
    ...(count === null
      ? {
          groups: groups.size,
          'first-entry': first ? entryReply(first) : null,
          'last-entry': last ? entryReply(last) : null,
        }
      : {
          entries: stream.range(0n, ID_END, count).map(entryReply),
          groups: groups.all.map((group) => fullGroup(stream, group, count)),
        }),
  });
}

export const streamInfoCommands: readonly Command[] = [
  defineCommand({
    name: 'XINFO STREAM',
    group: 'stream',
    since: '5.0.0',
    summary: 'Tells what a stream is; with FULL also its entries, groups and consumers.',
    complexity: 'O(N) where N is the number of nodes, and with FULL of what is shown.',
    flags: ['readonly'],
    arity: -3,
    arguments: {
      key: key('RO', 'access'),
      options: byHand(0, {
        name: 'full-block',
        type: 'block',
        optional: true,
        arguments: [pureToken('FULL'), countDoc],
      }),
    },
    run(context, given, words) {
      const stream = existing(context, given.key);
      return streamInfo(stream, fullCount(words));
    },
  }),

  defineCommand({
    name: 'XINFO GROUPS',
    group: 'stream',
    since: '5.0.0',
    summary: 'Lists the consumer groups of a stream.',
    complexity: 'O(N*log(N)) where N is the number of groups.',
    flags: ['readonly'],
    arguments: { key: key('RO', 'access') },
    run(context, given) {
      const stream = existing(context, given.key);
      return stream.groups.all.map((group) =>
        factsReply({
          name: group.name,
          consumers: group.consumerCount,
          pending: group.pending.size,
          'last-delivered-id': formatId(group.lastId),
          'entries-read': readReply(group),
          lag: lagOf(stream, group),
        }),
      );
    },
  }),

  defineCommand({
    name: 'XINFO CONSUMERS',
    group: 'stream',
    since: '5.0.0',
    summary: 'Lists the consumers of a group.',
    complexity: 'O(N*log(N)) where N is the number of consumers.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output'] },
    arguments: { key: key('RO', 'access'), group: text() },
    run(context, given) {
      const group = existing(context, given.key).groups.get(given.group);
      if (group === undefined) throw refuse('NOGROUP_OF_KEY', given.key, given.group);
      return group.consumers.map(({ name, pending, seenAtMs, activeAtMs }) =>
        factsReply({
          name,
          pending: pending.size,
          idle: Math.max(0, context.now - seenAtMs),
          inactive: activeAtMs === NEVER_MS ? NEVER_MS : Math.max(0, context.now - activeAtMs),
        }),
      );
    },
  }),

  helpCommand({
    container: 'XINFO',
    group: 'stream',
    since: '5.0.0',
    categories: ['stream'],
    lines: [
      ['CONSUMERS <key> <groupname>', 'Show consumers of <groupname>.'],
      ['GROUPS <key>', 'Show the stream consumer groups.'],
      ['STREAM <key> [FULL [COUNT <count>]', 'Show information about the stream.'],
    ],
  }),
];
