/**
 * XREADGROUP: new entries for a consumer, or those it has not acknowledged. Replicated is what it led to: who has which entry, and how
 * far the group has read. A waiting one also ends when its group or its key is gone, with the refusal of that. [redis t_stream.c xreadCommand]
 */

import { NULL_ARRAY, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { ID_END } from '../keyspace/stream.ts';
import { readOn } from '../keyspace/stream-lag.ts';
import type { Consumer } from '../keyspace/stream-groups.ts';
import type { CommandContext } from '../shard/context.ts';
import { byHand, pureToken } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { consumerFor, openStream, replicateOwner, replicatePlace, wrote, type OpenGroup } from './group-writes.ts';
import { formatId, streamId } from './stream-ids.ts';
import { blockDoc, countDoc, entryReply, readReply, readRequest, streamsDoc } from './stream-reading.ts';

/** `after` is null for `>`: what no consumer of the group has been given. */
interface Source extends OpenGroup {
  readonly after: bigint | null;
}

function sourceOf(context: CommandContext, key: string, groupName: string, id: string): Source {
  const stream = openStream(context, key);
  const group = stream?.groups.get(groupName);
  if (stream === undefined || group === undefined) throw refuse('NOGROUP_READ', key, groupName);
  if (id === '$' || id === '+') throw refuse('STREAM_GROUP_ID', id);
  return { key, stream, group, after: id === '>' ? null : streamId(id) };
}

/** New entries become the consumer's, unless they count as acknowledged at once. */
function deliver(context: CommandContext, source: Source, consumer: Consumer, count: number, noAck: boolean): Reply[] {
  const { stream, group } = source;
  const entries = stream.range(group.lastId + 1n, ID_END, count);
  for (const { id } of entries) {
    readOn(stream, group, id);
    if (noAck) continue;
    const pending = group.pending.get(id);
    if (pending === undefined) replicateOwner(context, source, group.deliver(id, consumer, context.now, 1n));
    else {
      // Somebody has it already: the group was set back
      group.pass(pending, consumer);
      pending.deliveredAtMs = context.now;
      pending.deliveries = 1n;
      replicateOwner(context, source, pending);
    }
    consumer.activeAtMs = context.now;
  }
  if (entries.length > 0) {
    replicatePlace(context, source);
    wrote(context); // one change, however many entries [redis t_stream.c xreadCommand]
  }
  return entries.map(entryReply);
}

/** Delivered once more; of what was deleted meanwhile only the id is left. */
function history(
  context: CommandContext,
  { stream }: Source,
  consumer: Consumer,
  after: bigint,
  count: number,
): Reply[] {
  const found: Reply[] = [];
  for (const pending of consumer.pending.from(after + 1n)) {
    if (found.length >= count) break;
    const entry = stream.get(pending.id);
    if (entry === undefined) found.push([formatId(pending.id), NULL_ARRAY]);
    else {
      pending.deliveredAtMs = context.now;
      pending.deliveries = BigInt.asIntN(64, pending.deliveries + 1n);
      found.push(entryReply(entry));
    }
  }
  return found;
}

function readGroup(context: CommandContext, words: readonly string[]): Reply {
  const { count, timeoutMs, keysAt, keyCount, group: given, noAck } = readRequest(words, true);
  const keys = words.slice(keysAt, keysAt + keyCount);
  const sources = keys.map((key, i) => sourceOf(context, key, given!.name, words[keysAt + keyCount + i]!));
  context.replicateNothing();
  const found: Reply[] = [];
  for (const source of sources) {
    const { key, stream, group, after } = source;
    const isNew = group.consumer(given!.consumer) === undefined;
    const consumer = consumerFor(context, source, given!.consumer);
    if (isNew && noAck) context.replicateAs('XGROUP', 'CREATECONSUMER', key, group.name, consumer.name);
    if (after !== null) found.push(key, history(context, source, consumer, after, count));
    else if ((stream.topId ?? 0n) > group.lastId) {
      found.push(key, deliver(context, source, consumer, count, noAck));
    }
  }
  if (found.length > 0) return readReply(context, found);
  if (timeoutMs === null) return NULL_ARRAY;
  return context.block({ keys, timeoutMs, timeoutReply: NULL_ARRAY, kind: 'stream', endsWhenGone: true });
}

export const readGroupCommand: Command = defineCommand({
  name: 'XREADGROUP',
  group: 'stream',
  since: '5.0.0',
  summary: 'Gives a consumer of a group new entries, or waits for some, or those it has not acknowledged.',
  complexity: 'O(M) for each stream, where M is the number of entries returned.',
  flags: ['write', 'blocking', 'movablekeys'],
  arity: -7,
  keySpecs: [
    {
      flags: ['RO', 'access'],
      begin: { keyword: 'STREAMS', from: 4 },
      find: { kind: 'range', last: -1, step: 1, limit: 2 },
    },
  ],
  arguments: {
    streams: byHand(
      6,
      {
        name: 'group-block',
        type: 'block',
        token: 'GROUP',
        arguments: [
          { name: 'group', type: 'string' },
          { name: 'consumer', type: 'string' },
        ],
      },
      countDoc,
      blockDoc,
      { ...pureToken('NOACK'), optional: true },
      streamsDoc,
    ),
  },
  run: (context, _given, words) => readGroup(context, words),
});
