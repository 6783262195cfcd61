/**
 * What a key can hold. A string is a JavaScript binary string; one that is changed in place (APPEND, SETRANGE, SETBIT) becomes
 * `RawString`, bytes with room to grow, as Redis's own `raw` encoding. Border: no commands, no expiry.
 */

import type { HashValue } from './hash.ts';
import type { ListValue } from './list.ts';
import type { SetValue } from './set.ts';
import type { SortedSetValue } from './sorted-set.ts';
import type { StreamValue } from './stream.ts';
import type { RawString } from './raw-string.ts';

export type Value = string | RawString | ListValue | HashValue | SetValue | SortedSetValue | StreamValue;

/** Name that TYPE replies with. */
export function typeName(value: Value): 'string' | 'list' | 'hash' | 'set' | 'zset' | 'stream' {
  if (typeof value === 'string') return 'string';
  return value.kind === 'raw' ? 'string' : value.kind;
}
