/**
 * XGROUP, which makes, sets and removes consumer groups and their consumers, and XSETID, which sets what a stream remembers beside its
 * entries. Border: reading is `group-reads.ts`, acknowledging and claiming `group-claims.ts`. [redis t_stream.c xgroupCommand, xsetidCommand]
 */

import { OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { StreamValue } from '../keyspace/stream.ts';
import { UNKNOWN_READ, type ConsumerGroup } from '../keyspace/stream-groups.ts';
import type { CommandContext } from '../shard/context.ts';
import { byHand, key, pureToken, text, type Argument, type ArgumentDoc } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { claimCommands } from './group-claims.ts';
import { readGroupCommand } from './group-reads.ts';
import { consumerFor, wroteToldly } from './group-writes.ts';
import { helpCommand } from './help.ts';
import { parseInt64 } from './numbers.ts';
import { rangeStart, streamId } from './stream-ids.ts';
import { streamInfoCommands } from './stream-info.ts';

/** With all its options CREATE has so many words. */
const CREATE_WORDS_MAX = 8;

interface GroupOptions {
  readonly makesStream: boolean;
  readonly entriesRead: bigint;
}

function groupOptions(words: readonly string[], isCreate: boolean): GroupOptions {
  let makesStream = false;
  let entriesRead = UNKNOWN_READ;
  for (let at = 5; at < words.length; at++) {
    const word = words[at]!.toUpperCase();
    if (isCreate && word === 'MKSTREAM') makesStream = true;
    else if (word === 'ENTRIESREAD' && at + 1 < words.length) {
      const given = parseInt64(words[++at]!);
      if (given === null) throw refuse('NOT_INTEGER');
      if (given < 0n && given !== UNKNOWN_READ) throw refuse('ENTRIESREAD');
      entriesRead = given;
    } else throw refuse('SUBCOMMAND_SYNTAX', 'xgroup', words[1]!);
  }
  return { makesStream, entriesRead };
}

function existing({ keyspace }: CommandContext, name: string): StreamValue {
  const stream = keyspace.editStream(name);
  if (stream === undefined) throw refuse('XGROUP_NO_KEY');
  return stream;
}

function existingGroup(context: CommandContext, name: string, groupName: string) {
  const stream = existing(context, name);
  const group = stream.groups.get(groupName);
  if (group === undefined) throw refuse('NOGROUP_OF_KEY', name, groupName);
  return { key: name, stream, group };
}

function create(context: CommandContext, words: readonly string[]): Reply {
  const [, , name, groupName, id] = words as [string, string, string, string, string];
  const { makesStream, entriesRead } = groupOptions(words, true);
  const { keyspace } = context;
  const found = makesStream ? keyspace.editStream(name) : existing(context, name);
  if (words.length > CREATE_WORDS_MAX) throw refuse('SUBCOMMAND_SYNTAX', 'xgroup', words[1]!);
  const lastId = id === '$' ? (found?.lastId ?? 0n) : streamId(id);
  const stream = found ?? new StreamValue();
  if (found === undefined) keyspace.put(name, stream);
  if (stream.groups.get(groupName) !== undefined) throw refuse('BUSYGROUP');
  stream.groups.add(groupName, lastId, entriesRead);
  wroteToldly(context, name);
  return OK;
}

function setId(context: CommandContext, words: readonly string[]): Reply {
  const [, , name, groupName, id] = words as [string, string, string, string, string];
  const { entriesRead } = groupOptions(words, false);
  const { stream, group } = existingGroup(context, name, groupName);
  if (words.length !== 5 && words.length !== 7) throw refuse('SUBCOMMAND_SYNTAX', 'xgroup', words[1]!);
  // `-` and `+` are ids here, `(` is none
  const isBound = id === '-' || id === '+';
  group.lastId = id === '$' ? stream.lastId : isBound ? rangeStart(id) : streamId(id);
  group.entriesRead = entriesRead;
  wroteToldly(context, name);
  return OK;
}

function destroy(context: CommandContext, name: string, groupName: string): Reply {
  if (!existing(context, name).groups.delete(groupName)) return 0;
  wroteToldly(context, name);
  context.shard.blocking.changed(context.keyspace, name); // who reads for it learns that it is gone
  return 1;
}

function deleteConsumer(context: CommandContext, name: string, group: ConsumerGroup, consumerName: string): Reply {
  const consumer = group.consumer(consumerName);
  if (consumer === undefined) return 0;
  group.deleteConsumer(consumer);
  wroteToldly(context, name);
  return consumer.pending.size;
}

interface SetIdWords {
  readonly lastId: bigint;
  readonly entriesAdded: bigint | null;
  readonly maxDeletedId: bigint;
}

function setIdWords(words: readonly string[]): SetIdWords {
  const lastId = streamId(words[2]!);
  let entriesAdded: bigint | null = null;
  let maxDeletedId = 0n;
  for (let at = 3; at < words.length; at += 2) {
    const word = words[at]!.toUpperCase();
    const value = words[at + 1];
    if (word === 'ENTRIESADDED' && value !== undefined) {
      entriesAdded = parseInt64(value);
      if (entriesAdded === null) throw refuse('NOT_INTEGER');
      if (entriesAdded < 0n) throw refuse('XSETID_ADDED');
    } else if (word === 'MAXDELETEDID' && value !== undefined) {
      maxDeletedId = streamId(value);
      if (lastId < maxDeletedId) throw refuse('XSETID_GIVEN_DELETED');
    } else throw refuse('SYNTAX');
  }
  return { lastId, entriesAdded, maxDeletedId };
}

function setStreamId(context: CommandContext, words: readonly string[]): Reply {
  const { lastId, entriesAdded, maxDeletedId } = setIdWords(words);
  const stream = context.keyspace.editStream(words[1]!);
  if (stream === undefined) throw refuse('NO_SUCH_KEY');
  if (lastId < stream.maxDeletedId) throw refuse('XSETID_DELETED');
  if (stream.size > 0) {
    if (lastId < stream.topId!) throw refuse('XSETID_TOP');
    if (entriesAdded !== null && BigInt(stream.size) > entriesAdded) throw refuse('XSETID_LENGTH');
  }
  stream.lastId = lastId;
  if (entriesAdded !== null) stream.entriesAdded = entriesAdded;
  if (maxDeletedId !== 0n) stream.maxDeletedId = maxDeletedId;
  wroteToldly(context, words[1]!);
  return OK;
}

/** `id | $` */
const idOrLast = (): Argument<string> => ({
  ...text(),
  doc: { type: 'oneof', arguments: [{ name: 'id', type: 'string' }, pureToken('$', 'new-id')] },
});
const entriesReadDoc: ArgumentDoc = { name: 'entries-read', type: 'integer', token: 'ENTRIESREAD', optional: true };

const xgroup = (
  name: string,
  about: { readonly since?: string; readonly summary: string; readonly complexity?: string; readonly grows?: boolean },
) => ({
  name: `XGROUP ${name}`,
  group: 'stream' as const,
  since: about.since ?? '5.0.0',
  summary: about.summary,
  complexity: about.complexity ?? 'O(1)',
  flags: (about.grows === true ? ['write', 'denyoom'] : ['write']) as readonly Flag[],
});

export const streamGroupCommands: readonly Command[] = [
  defineCommand({
    ...xgroup('CREATE', { summary: 'Makes a consumer group.', grows: true }),
    arity: -5,
    arguments: {
      key: key('RW', 'insert'),
      group: text(),
      idSelector: idOrLast(),
      options: byHand(0, { ...pureToken('MKSTREAM'), optional: true }, entriesReadDoc),
    },
    run: (context, _given, words) => create(context, words),
  }),

  defineCommand({
    ...xgroup('SETID', { summary: 'Sets the id after which a group reads.' }),
    arity: -5,
    arguments: {
      key: key('RW', 'update'),
      group: text(),
      idSelector: idOrLast(),
      options: byHand(0, entriesReadDoc),
    },
    run: (context, _given, words) => setId(context, words),
  }),

  defineCommand({
    ...xgroup('DESTROY', {
      summary: 'Removes a consumer group.',
      complexity: 'O(N) where N is the number of entries not acknowledged.',
    }),
    arguments: { key: key('RW', 'delete'), group: text() },
    run: (context, given) => destroy(context, given.key, given.group),
  }),

  defineCommand({
    ...xgroup('CREATECONSUMER', { since: '6.2.0', summary: 'Makes a consumer of a group.', grows: true }),
    arguments: { key: key('RW', 'insert'), group: text(), consumer: text() },
    run(context, given) {
      const open = existingGroup(context, given.key, given.group);
      if (open.group.consumer(given.consumer) !== undefined) return 0;
      consumerFor(context, open, given.consumer);
      return 1;
    },
  }),

  defineCommand({
    ...xgroup('DELCONSUMER', {
      summary: 'Removes a consumer and returns how many entries it had not acknowledged.',
      complexity: 'O(N) where N is the number of entries the consumer has not acknowledged.',
    }),
    arguments: { key: key('RW', 'delete'), group: text(), consumer: text() },
    run: (context, given) =>
      deleteConsumer(context, given.key, existingGroup(context, given.key, given.group).group, given.consumer),
  }),

  helpCommand({
    container: 'XGROUP',
    group: 'stream',
    since: '5.0.0',
    categories: ['stream'],
    lines: [
      [
        'CREATE <key> <groupname> <id|$> [option]',
        'Create a new consumer group. Options are:',
        '* MKSTREAM',
        '  Create the empty stream if it does not exist.',
        '* ENTRIESREAD entries_read',
        "  Set the group's entries_read counter (internal use).",
      ],
      ['CREATECONSUMER <key> <groupname> <consumer>', 'Create a new consumer in the specified group.'],
      ['DELCONSUMER <key> <groupname> <consumer>', 'Remove the specified consumer.'],
      ['DESTROY <key> <groupname>', 'Remove the specified group.'],
      [
        'SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]',
        'Set the current group ID and entries_read counter.',
      ],
    ],
  }),

  defineCommand({
    name: 'XSETID',
    group: 'stream',
    since: '5.0.0',
    summary: 'Sets the last id of a stream, and what it remembers of its entries; for replication.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom', 'fast'],
    arity: -3,
    arguments: {
      key: key('RW', 'update'),
      lastId: text(),
      options: byHand(
        0,
        { name: 'entries-added', type: 'integer', token: 'ENTRIESADDED', optional: true },
        { name: 'max-deleted-id', type: 'string', token: 'MAXDELETEDID', optional: true },
      ),
    },
    run: (context, _given, words) => setStreamId(context, words),
  }),

  readGroupCommand,
  ...claimCommands,
  ...streamInfoCommands,
];
