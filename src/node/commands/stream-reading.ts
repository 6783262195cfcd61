/** What XREAD and XREADGROUP have in common: the words of a request, how COMMAND DOCS shows them, and the reply. [redis t_stream.c xreadCommand] */

import { MapReply, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { RdbStreamEntry } from '../../rdb/stream.ts';
import type { CommandContext } from '../shard/context.ts';
import type { ArgumentDoc } from './arguments.ts';
import { parseInteger } from './numbers.ts';
import { formatId } from './stream-ids.ts';

export interface ReadRequest {
  readonly count: number;
  /** Null: it does not wait. */
  readonly timeoutMs: number | null;
  /** Where the keys begin, and how many there are. */
  readonly keysAt: number;
  readonly keyCount: number;
  readonly group: { readonly name: string; readonly consumer: string } | null;
  /** What is delivered counts as acknowledged. */
  readonly noAck: boolean;
}

export function readRequest(words: readonly string[], isGroup: boolean): ReadRequest {
  let count = Infinity;
  let timeoutMs: number | null = null;
  let group: ReadRequest['group'] = null;
  let noAck = false;
  for (let at = 1; at < words.length; at++) {
    const word = words[at]!.toUpperCase();
    const more = words.length - at - 1;
    if (word === 'STREAMS' && more > 0) {
      if (more % 2 !== 0) throw refuse(isGroup ? 'STREAM_UNBALANCED_GROUP' : 'STREAM_UNBALANCED');
      if (isGroup && group === null) throw refuse('STREAM_GROUP_MISSING');
      return { count, timeoutMs, keysAt: at + 1, keyCount: more / 2, group, noAck };
    }
    if ((word === 'COUNT' || word === 'BLOCK') && more > 0) {
      const value = parseInteger(words[++at]!);
      if (value === null) throw refuse(word === 'COUNT' ? 'NOT_INTEGER' : 'STREAM_TIMEOUT');
      if (word === 'COUNT') count = value > 0 ? value : Infinity;
      else if (value < 0) throw refuse('NEGATIVE_TIMEOUT');
      else timeoutMs = value;
    } else if (word === 'GROUP' && more > 1) {
      if (!isGroup) throw refuse('STREAM_GROUP_OPTION');
      group = { name: words[at + 1]!, consumer: words[at + 2]! };
      at += 2;
    } else if (word === 'NOACK') {
      if (!isGroup) throw refuse('STREAM_NOACK_OPTION');
      noAck = true;
    } else break;
  }
  throw refuse('SYNTAX');
}

export const entryReply = ({ id, pairs }: RdbStreamEntry): Reply => [formatId(id), pairs];

/** `found`: key, entries, key, entries… */
export function readReply(context: CommandContext, found: readonly Reply[]): Reply {
  if (context.session.protocol === 3) return new MapReply(found);
  return Array.from({ length: found.length / 2 }, (_, i) => [found[i * 2]!, found[i * 2 + 1]!]);
}

export const countDoc: ArgumentDoc = { name: 'count', type: 'integer', token: 'COUNT', optional: true };
export const blockDoc: ArgumentDoc = { name: 'milliseconds', type: 'integer', token: 'BLOCK', optional: true };
export const streamsDoc: ArgumentDoc = {
  name: 'streams',
  type: 'block',
  token: 'STREAMS',
  arguments: [
    { name: 'key', type: 'key', multiple: true },
    { name: 'id', type: 'string', multiple: true },
  ],
};
