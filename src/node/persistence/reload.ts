/**
 * A shard's data written out as a dump and read back, in one step of the event loop: what DEBUG RELOAD asks for, and with the log on
 * disk DEBUG LOADAOF. Whatever a dump cannot hold shows. [redis debug.c reload]
 *
 * Border: nobody is told, since the data are the same; reading files is `restore.ts`. Limits: it takes as long as there are data.
 */

import { DONE, type FileOutcome } from '../../world/files.ts';
import { Shard } from '../shard/shard.ts';
import { Loading, readerInto } from './loading.ts';
import { restore, type RestorePlaces } from './restore.ts';
import { SnapshotStream } from './snapshot-stream.ts';

export const reload = (shard: Shard): void => load(shard, dumpOf(shard));

/** What the append log on disk leads to takes the place of the data, as a dump would bring it; meanwhile nobody is answered. */
export async function reloadLog(shard: Shard, places: RestorePlaces): Promise<FileOutcome> {
  const databases = String(shard.config.get('databases'));
  const other = new Shard({ world: shard.world, commands: shard.commands, config: { databases } });
  Object.assign(other.limits, shard.limits);
  shard.loading = true;
  try {
    const outcome = await restore(other, places);
    if (!outcome.ok) return outcome;
    load(shard, dumpOf(other));
    return DONE;
  } finally {
    shard.loading = false;
    other.close();
  }
}

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
  const reader = readerInto(loading);
  try {
    for (const chunk of chunks) reader.push(chunk);
    loading.exchange();
  } finally {
    loading.discard();
  }
}
