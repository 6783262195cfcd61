/** What commands share that change strings in place: how long one may become, and the bytes to change. */

import { refuse } from '../../resp/refusals.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { RawString } from '../keyspace/raw-string.ts';
import type { CommandContext } from '../shard/context.ts';

/** A JavaScript string ends 24 bytes below 512 MiB, and a reply needs room around the value. */
export const STRING_BYTES_MAX = 2 ** 29 - 1024;

/** Longest string this session may make: a primary is obeyed beyond what is configured [redis t_string.c checkStringLength]. */
export function stringBytesMax({ session, shard }: CommandContext): number {
  return session.kind === 'primary'
    ? STRING_BYTES_MAX
    : Math.min(STRING_BYTES_MAX, shard.config.get('proto-max-bulk-len'));
}

export function checkStringLength(context: CommandContext, bytes: number): void {
  if (bytes > stringBytesMax(context)) throw refuse('STRING_TOO_LONG');
}

/** The key's value as bytes to change, undefined when there is none. The caller says `changed` once it has changed them. */
export function editRaw(keyspace: Keyspace, key: string): RawString | undefined {
  const value = keyspace.editString(key);
  return value === undefined ? undefined : asRaw(keyspace, key, value);
}

/** What `editString` found for the key, as bytes to change. */
export function asRaw(keyspace: Keyspace, key: string, value: string | RawString): RawString {
  if (typeof value !== 'string') return value;
  const raw = new RawString(value);
  keyspace.load(key, raw, null);
  return raw;
}
