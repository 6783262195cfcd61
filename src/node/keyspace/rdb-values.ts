/**
 * Values of a keyspace to the plain values of a dump and back. What comes back is in the encoding that the limits of now give
 * it, whatever it had before. Border: bytes are made and read in `src/rdb`.
 */

import type { RdbValue } from '../../rdb/values.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import { HashValue } from './hash.ts';
import { ListValue } from './list.ts';
import { SetValue } from './set.ts';
import { SortedSetValue } from './sorted-set.ts';
import { StreamValue } from './stream.ts';
import type { Value } from './value.ts';

/** Arrays in the result are its own: the value may change before it is encoded. */
export function toRdbValue(value: Value): RdbValue {
  if (typeof value === 'string') return value;
  switch (value.kind) {
    case 'raw':
      return value.toString();
    case 'list':
      return { kind: 'list', items: Array.from(value) };
    case 'set':
      return { kind: 'set', members: value.members() };
    case 'zset': {
      const { members, scores } = value.entries();
      return { kind: 'zset', members, scores };
    }
    case 'stream':
      return value.toRdb();
    case 'hash': {
      const pairs: string[] = [];
      value.forEach((field, each) => pairs.push(field, each));
      if (value.expiring === 0) return { kind: 'hash', pairs };
      const expiries = Array.from({ length: value.size }, (_, i) => value.expiryOf(pairs[2 * i]!) ?? 0);
      return { kind: 'hash', pairs, expiries };
    }
  }
}

export function fromRdbValue(value: RdbValue, limits: EncodingLimits): Value {
  if (typeof value === 'string') return value;
  switch (value.kind) {
    case 'list':
      return ListValue.from(value.items, limits);
    case 'set':
      return SetValue.from(value.members, limits);
    case 'zset':
      return SortedSetValue.from(value.members, value.scores, limits);
    case 'stream':
      return StreamValue.from(value, limits);
    case 'hash':
      return HashValue.from(value.pairs, limits, value.expiries);
  }
}
