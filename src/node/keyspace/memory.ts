/**
 * How much memory a value takes, estimated: the bytes themselves and what JavaScript keeps around each string and entry.
 * Aggregates are sampled, as MEMORY USAGE does [redis object.c objectComputeSize]. Numbers are ours, not Redis's allocator's.
 */

import type { Keyspace } from './keyspace.ts';
import type { Value } from './value.ts';

/** A string's header, rounded up to whole words. */
const STRING_BYTES = 16;
/** A slot in a table: pointers to key and value, and its place in the bucket. */
const ENTRY_BYTES = 40;
const POINTER_BYTES = 8;
const OBJECT_BYTES = 64;
const SCORE_BYTES = 24;

const stringBytes = (length: number): number => STRING_BYTES + Math.ceil(length / 8) * 8;

/** Bytes of a key and its value; `samples` entries of an aggregate are looked at, 0: all. */
export function estimateBytes(key: string, value: Value, samples: number): number {
  return ENTRY_BYTES + stringBytes(key.length) + valueBytes(value, samples);
}

function valueBytes(value: Value, samples: number): number {
  if (typeof value === 'string') return stringBytes(value.length);
  if (value.kind === 'raw') return OBJECT_BYTES + value.length;
  const { size } = value;
  const looks = samples === 0 ? size : Math.min(samples, size);
  let bytes = 0;
  for (let i = 0; i < looks; i++) {
    switch (value.kind) {
      case 'list':
        bytes += POINTER_BYTES + stringBytes(value.at(i)?.length ?? 0);
        break;
      case 'set':
        bytes += ENTRY_BYTES + stringBytes(value.at(i).length);
        break;
      case 'hash':
        bytes += ENTRY_BYTES + stringBytes(value.fieldAt(i).length) + stringBytes(value.valueAt(i).length);
        break;
      case 'zset':
        bytes += ENTRY_BYTES + SCORE_BYTES + stringBytes(value.entryAt(i)[0].length);
        break;
    }
  }
  return OBJECT_BYTES + (looks === 0 ? 0 : Math.round((bytes / looks) * size));
}

const KEYS_SAMPLED = 32;
const ENTRIES_SAMPLED = 5;

/** Bytes of a whole database, from a few keys spread over it. */
export function estimateDatabaseBytes({ values }: Keyspace): number {
  const looks = Math.min(KEYS_SAMPLED, values.size);
  let bytes = 0;
  for (let i = 0; i < looks; i++) {
    const key = values.keyAt(Math.floor((i * values.size) / looks));
    bytes += estimateBytes(key, values.get(key)!, ENTRIES_SAMPLED);
  }
  return looks === 0 ? 0 : Math.round((bytes / looks) * values.size);
}
