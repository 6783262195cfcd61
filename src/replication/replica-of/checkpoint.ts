/**
 * Marks: up to where each source shard's stream has been applied to one target, recorded by the target itself in the same
 * atomic step as the writes. Pure: texts in and out.
 *
 * A target holds, by name: `generation`, which configuration it was flushed for; `filling`, how often it was; and for each source
 * shard either `loading` (a full sync began and did not end) or `<replication id> <offset> <selected database>`. A target that
 * took writes behind one that it refused holds `spoiled` alone.
 */

export interface Mark {
  readonly replicationId: string;
  /** Everything up to this offset has been applied. */
  readonly offset: number;
  /** Database that the stream has selected there. */
  readonly database: number;
}

export const GENERATION = 'generation';
/** Counts the fillings of a destination: targets that say different numbers were not all flushed for the same one. */
export const FILLING = 'filling';
/** A write was refused though later ones had been applied: no place in the stream describes what a target holds. */
export const SPOILED = 'spoiled';
export const LOADING = 'loading';

export const formatMark = (mark: Mark): string => `${mark.replicationId} ${mark.offset} ${mark.database}`;

/** Null: no mark, or `loading`, or not ours. */
export function parseMark(text: string | undefined): Mark | null {
  const parts = text === undefined ? null : /^([0-9a-f]{40}) (\d{1,16}) (\d{1,10})$/.exec(text);
  if (parts === null) return null;
  return { replicationId: parts[1]!, offset: Number(parts[2]), database: Number(parts[3]) };
}

/** Where to resume so that no target misses anything: the lowest mark; null when any target has none. */
export function lowestMark(marks: readonly (Mark | null)[]): Mark | null {
  let lowest: Mark | null = null;
  for (const mark of marks) {
    if (mark === null) return null;
    if (lowest === null || mark.offset < lowest.offset) lowest = mark;
  }
  return lowest;
}

/** How a target keeps its marks: the requests that read, set and reset them. */
export interface MarkStore {
  readonly read: readonly string[];
  /** Sets some marks; runs inside the MULTI that carries the writes. */
  set(marks: ReadonlyMap<string, string>): readonly string[];
  /** Forgets all marks; runs inside the MULTI that flushes. */
  readonly reset: readonly string[];
  /** True when FLUSHALL of the target takes the marks along, so that they must be set again. */
  readonly flushedWithData: boolean;
}

/** A shard of ours keeps marks beside the keys: not seen by clients. */
export const SHARD_MARKS: MarkStore = {
  read: ['ANTIPODE', 'MARKS'],
  set: (marks) => ['ANTIPODE', 'MARK', ...[...marks].flat()],
  reset: ['ANTIPODE', 'UNMARK'],
  flushedWithData: false,
};

/** Name of the key that holds the marks in a server that is not ours. */
export const CHECKPOINT_KEY = 'antipode:checkpoint';

/** Any other Redis keeps them in a hash in database 0. */
export const HASH_MARKS: MarkStore = {
  read: ['HGETALL', CHECKPOINT_KEY],
  set: (marks) => ['HSET', CHECKPOINT_KEY, ...[...marks].flat()],
  reset: ['DEL', CHECKPOINT_KEY],
  flushedWithData: true,
};
