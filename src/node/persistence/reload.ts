/**
 * A shard's data written out as a dump and read back, in one step of the event loop: what DEBUG RELOAD asks for. Whatever a dump
 * cannot hold shows. [redis debug.c reload]
 *
 * Border: nobody is told, since the data are the same; reading files is `restore.ts`. Limits: it takes as long as there are data.
 */

import { RdbReader } from '../../rdb/reader.ts';
import type { Shard } from '../shard/shard.ts';
import { Loading } from './loading.ts';
import { SnapshotStream } from './snapshot-stream.ts';

export const reload = (shard: Shard): void => load(shard, dumpOf(shard));

/** The data of another shard take the place of this one's, as a dump would bring them. */
export const reloadFrom = (shard: Shard, other: Shard): void => load(shard, dumpOf(other));

function dumpOf(shard: Shard): readonly Buffer[] {
  const chunks: Buffer[] = [];
  const stream = new SnapshotStream({
    shard,
    facts: [],
    functions: shard.libraries.codes,
    emit: (chunk) => chunks.push(chunk) > 0,
    done: () => undefined,
  });
  stream.finish();
  return chunks;
}

function load(shard: Shard, chunks: readonly Buffer[]): void {
  const loading = new Loading(shard);
  const reader = new RdbReader({
    functionLibrary: (code) => void loading.functions.push(code),
    entry: (entry) => loading.entry(entry),
  });
  try {
    for (const chunk of chunks) reader.push(chunk);
    loading.exchange();
  } finally {
    loading.discard();
  }
}
