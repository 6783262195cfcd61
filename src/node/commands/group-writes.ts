/**
 * What the commands of consumer groups share: looking a group up, making consumers, and how a change is replicated. None of these
 * changes touches a watched key or wakes who waits for entries, as in Redis: they count as writes, and no more. [redis t_stream.c]
 */

import type { StreamValue } from '../keyspace/stream.ts';
import { type Consumer, type ConsumerGroup } from '../keyspace/stream-groups.ts';
import type { PendingEntry } from '../keyspace/pending-entries.ts';
import type { CommandContext } from '../shard/context.ts';
import { formatId } from './stream-ids.ts';

/** A stream that a command will look at and change; a miss counts as that of a reading command. */
export function openStream({ keyspace }: CommandContext, key: string): StreamValue | undefined {
  return keyspace.readStream(key) && keyspace.editStream(key);
}

export interface OpenGroup {
  readonly key: string;
  readonly stream: StreamValue;
  readonly group: ConsumerGroup;
}

export function openGroup(context: CommandContext, key: string, name: string): OpenGroup | undefined {
  const stream = openStream(context, key);
  const group = stream?.groups.get(name);
  return group && { key, stream: stream!, group };
}

/** A write that watchers and waiting clients hear nothing of. */
export const wrote = ({ shard }: CommandContext): void => void shard.dirty++;

/** The same, of which keyspace notifications tell. */
export function wroteToldly(context: CommandContext, key: string): void {
  wrote(context);
  const { notifications } = context.shard;
  if (notifications.isOn) notifications.touched(context.keyspace, key);
}

/** The consumer, who now asks for something; made where there is none. */
export function consumerFor(context: CommandContext, { key, group }: OpenGroup, name: string): Consumer {
  let consumer = group.consumer(name);
  if (consumer === undefined) {
    consumer = group.addConsumer(name, context.now);
    wroteToldly(context, key);
  }
  consumer.seenAtMs = context.now;
  return consumer;
}

/** Who has the entry now, as a write that the caller counts: the same outcome wherever it is repeated. [redis t_stream.c streamPropagateXCLAIM] */
export function replicateOwner(context: CommandContext, { key, group }: OpenGroup, entry: PendingEntry): void {
  if (!context.shard.writeLog.active) return;
  context.replicateAs(
    'XCLAIM',
    key,
    group.name,
    entry.consumer.name,
    '0',
    formatId(entry.id),
    'TIME',
    String(entry.deliveredAtMs),
    'RETRYCOUNT',
    String(entry.deliveries),
    'FORCE',
    'JUSTID',
    'LASTID',
    formatId(group.lastId),
  );
}

export function replicatePlace(context: CommandContext, { key, group }: OpenGroup): void {
  if (!context.shard.writeLog.active) return;
  const { name, lastId, entriesRead } = group;
  context.replicateAs('XGROUP', 'SETID', key, name, formatId(lastId), 'ENTRIESREAD', String(entriesRead));
}
