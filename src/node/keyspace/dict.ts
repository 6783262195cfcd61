/**
 * A dictionary from binary strings to values: the keyspace itself, and every large hash and set.
 *
 * Why not a JavaScript Map: a Map stalls for as long as it takes to copy itself when it grows, ends at 16.7 million
 * entries, cannot give a random entry and has no cursor that survives changes. Here
 *  - growth is linear hashing: each insertion splits one bucket at most, so no single call is ever long;
 *  - entries lie densely in columns, so a random one is a random index;
 *  - SCAN's cursor walks buckets by reversed bits, with Redis's guarantee: whatever stays throughout is returned.
 *
 * Border: knows nothing of keys' meaning, expiry or types. Order of iteration is that of the dense columns.
 */

const COLUMN_BITS = 13;
const COLUMN_SIZE = 1 << COLUMN_BITS;
const COLUMN_MASK = COLUMN_SIZE - 1;
const NONE = -1;

/** Mixes every char; Math.imul keeps it in 32-bit arithmetic. `seed` is drawn by each shard so that collisions cannot be prepared. */
export function hashText(text: string, seed: number): number {
  let h = seed ^ text.length;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x5bd1e995);
    h ^= h >>> 15;
  }
  h = Math.imul(h ^ (h >>> 13), 0x5bd1e995);
  return h ^ (h >>> 15);
}

/** Of the dictionaries made from now on, whoever owns them: a shard draws one when it is made, so iteration orders replay with its world. */
let processSeed = 0x9747b28c;
export const setDictSeed = (seed: number): void => {
  processSeed = seed | 0;
};

export class Dict<V> {
  readonly #seed = processSeed;
  /** A number kept beside each entry, where the dictionary was made with marks. */
  readonly #marks: Int32Array[] | null;
  /** Place of the entry that `exchange` wrote last; holds until the next change. */
  place = NONE;
  #size = 0;
  /** Columns of the dense entries, in blocks so that growth never copies. */
  /** Key and value side by side, hash and next side by side: a look-up touches as few cache lines as it can. */
  readonly #pairs: (string | V)[][] = [];
  readonly #links: Int32Array[] = [];
  /** Buckets: index of the first entry of the chain, in blocks of COLUMN_SIZE. */
  readonly #heads: Int32Array[] = [new Int32Array(4).fill(NONE)];
  #buckets = 4;
  /** Largest power of two ≤ buckets: the level of linear hashing. */
  #level = 4;
  #pauses = 0;

  constructor(options: { readonly marked: boolean } = { marked: false }) {
    this.#marks = options.marked ? [] : null;
  }

  get buckets(): number {
    return this.#buckets;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    if (this.#size === 0) return undefined;
    const entry = this.#find(key, hashText(key, this.#seed));
    return entry === NONE ? undefined : (this.#pairs[entry >> COLUMN_BITS]![(entry & COLUMN_MASK) * 2 + 1] as V);
  }

  has(key: string): boolean {
    return this.#size > 0 && this.#find(key, hashText(key, this.#seed)) !== NONE;
  }

  /** Returns true when the key is new. */
  set(key: string, value: V): boolean {
    return this.exchange(key, value) === undefined;
  }

  /** Returns the value that was there; undefined when the key is new. */
  exchange(key: string, value: V): V | undefined {
    const hash = hashText(key, this.#seed);
    const found = this.#find(key, hash);
    if (found !== NONE) {
      const pairs = this.#pairs[found >> COLUMN_BITS]!;
      const offset = (found & COLUMN_MASK) * 2 + 1;
      const before = pairs[offset] as V;
      pairs[offset] = value;
      this.place = found;
      return before;
    }
    const entry = this.#size++;
    this.place = entry;
    const block = entry >> COLUMN_BITS;
    const offset = entry & COLUMN_MASK;
    if (offset === 0 && block === this.#pairs.length) this.#addColumnBlock(block);
    else if (block === 0 && offset * 2 === this.#links[0]!.length) this.#growFirstBlock(offset * 2);
    const pairs = this.#pairs[block]!;
    pairs[offset * 2] = key;
    pairs[offset * 2 + 1] = value;
    const links = this.#links[block]!;
    links[offset * 2] = hash;
    const bucket = this.#bucketOf(hash);
    const heads = this.#heads[bucket >> COLUMN_BITS]!;
    links[offset * 2 + 1] = heads[bucket & COLUMN_MASK]!;
    heads[bucket & COLUMN_MASK] = entry;
    if (this.#size > this.#buckets && this.#pauses === 0) {
      this.#split();
      if (this.#size > this.#buckets) this.#split(); // catches up after a pause
    }
    return undefined;
  }

  /** Place of a key, -1 when it is not there; holds until the next change. */
  placeOf(key: string): number {
    return this.#size === 0 ? NONE : this.#find(key, hashText(key, this.#seed));
  }

  /** Only where there are marks. */
  markAt(place: number): number {
    return this.#marks![place >> COLUMN_BITS]![place & COLUMN_MASK]!;
  }

  setMarkAt(place: number, mark: number): void {
    this.#marks![place >> COLUMN_BITS]![place & COLUMN_MASK] = mark;
  }

  /** Removes and returns the value. */
  take(key: string): V | undefined {
    if (this.#size === 0) return undefined;
    const hash = hashText(key, this.#seed);
    const bucket = this.#bucketOf(hash);
    const heads = this.#heads[bucket >> COLUMN_BITS]!;
    let entry = heads[bucket & COLUMN_MASK]!;
    let before = NONE;
    while (entry !== NONE) {
      const links = this.#links[entry >> COLUMN_BITS]!;
      const offset = (entry & COLUMN_MASK) * 2;
      const pairs = this.#pairs[entry >> COLUMN_BITS]!;
      if (links[offset] === hash && pairs[offset] === key) {
        const value = pairs[offset + 1] as V;
        const after = links[offset + 1]!;
        if (before === NONE) heads[bucket & COLUMN_MASK] = after;
        else this.#links[before >> COLUMN_BITS]![(before & COLUMN_MASK) * 2 + 1] = after;
        this.#closeGap(entry);
        if (this.#pauses === 0 && this.#buckets > 4 && this.#size < this.#buckets >> 1) {
          this.#merge();
          if (this.#buckets > 4 && this.#size < this.#buckets >> 1) this.#merge();
        }
        return value;
      }
      before = entry;
      entry = links[offset + 1]!;
    }
    return undefined;
  }

  delete(key: string): boolean {
    if (!this.has(key)) return false;
    this.take(key);
    return true;
  }

  /** The entry at a dense index below `size`: with a random index, a uniformly random entry. Deleting moves the last entry into the gap. */
  keyAt(index: number): string {
    return this.#pairs[index >> COLUMN_BITS]![(index & COLUMN_MASK) * 2] as string;
  }

  valueAt(index: number): V {
    return this.#pairs[index >> COLUMN_BITS]![(index & COLUMN_MASK) * 2 + 1] as V;
  }

  *keys(): IterableIterator<string> {
    for (let i = 0; i < this.#size; i++) yield this.keyAt(i);
  }

  *entries(): IterableIterator<[string, V]> {
    for (let i = 0; i < this.#size; i++) yield [this.keyAt(i), this.valueAt(i)];
  }

  forEach(visit: (key: string, value: V) => void): void {
    for (let i = 0; i < this.#size; i++) visit(this.keyAt(i), this.valueAt(i));
  }

  /**
   * One step of SCAN [redis dict.c dictScan]: visits one bucket's entries and returns the next cursor, 0 at the end.
   * Cursors go by reversed bits, so that buckets split or merged between calls are neither missed.
   */
  scan(cursor: number, visit: (key: string, value: V) => void): number {
    if (this.#size === 0) return 0;
    cursor = cursor >>> 0;
    let mask = this.#level - 1;
    const split = this.#buckets - this.#level;
    let bucket = cursor & mask;
    if (bucket < split) {
      mask = this.#level * 2 - 1;
      bucket = cursor & mask;
    }
    this.visitBucket(bucket, visit);
    // Increment the reversed cursor: set the bits above the mask, reverse, add one, reverse.
    return reverseBits((reverseBits(cursor | ~mask) + 1) | 0) >>> 0;
  }

  /** Number of buckets, for a walker that paused resizing. */
  get bucketCount(): number {
    return this.#buckets;
  }

  bucketOf(key: string): number {
    return this.#bucketOf(hashText(key, this.#seed));
  }

  visitBucket(bucket: number, visit: (key: string, value: V) => void): void {
    let entry = this.#heads[bucket >> COLUMN_BITS]![bucket & COLUMN_MASK]!;
    while (entry !== NONE) {
      const offset = (entry & COLUMN_MASK) * 2;
      const pairs = this.#pairs[entry >> COLUMN_BITS]!;
      visit(pairs[offset] as string, pairs[offset + 1] as V);
      entry = this.#links[entry >> COLUMN_BITS]![offset + 1]!;
    }
  }

  /** While paused no bucket splits or merges: a walker can go by bucket numbers. Calls nest. */
  pauseResizing(): void {
    this.#pauses++;
  }

  resumeResizing(): void {
    this.#pauses--;
  }

  #find(key: string, hash: number): number {
    const bucket = this.#bucketOf(hash);
    let entry = this.#heads[bucket >> COLUMN_BITS]![bucket & COLUMN_MASK]!;
    while (entry !== NONE) {
      const links = this.#links[entry >> COLUMN_BITS]!;
      const offset = (entry & COLUMN_MASK) * 2;
      if (links[offset] === hash && this.#pairs[entry >> COLUMN_BITS]![offset] === key) return entry;
      entry = links[offset + 1]!;
    }
    return NONE;
  }

  #bucketOf(hash: number): number {
    const bucket = hash & (this.#level - 1);
    return bucket < this.#buckets - this.#level ? hash & (this.#level * 2 - 1) : bucket;
  }

  #addColumnBlock(block: number): void {
    // The first block starts small and doubles: most dictionaries are.
    const size = block === 0 ? 8 : COLUMN_SIZE;
    this.#pairs.push([]);
    this.#links.push(new Int32Array(size * 2));
    this.#marks?.push(new Int32Array(size));
  }

  #growFirstBlock(size: number): void {
    const grown = new Int32Array(Math.min(size, COLUMN_SIZE) * 2);
    grown.set(this.#links[0]!);
    this.#links[0] = grown;
    if (this.#marks === null) return;
    const marks = new Int32Array(grown.length / 2);
    marks.set(this.#marks[0]!);
    this.#marks[0] = marks;
  }

  /** Moves the last entry into the hole and mends the one link that pointed to it. */
  #closeGap(hole: number): void {
    const last = --this.#size;
    const lastPairs = this.#pairs[last >> COLUMN_BITS]!;
    const lastLinks = this.#links[last >> COLUMN_BITS]!;
    const lastOffset = (last & COLUMN_MASK) * 2;
    if (hole !== last) {
      const pairs = this.#pairs[hole >> COLUMN_BITS]!;
      const links = this.#links[hole >> COLUMN_BITS]!;
      const offset = (hole & COLUMN_MASK) * 2;
      const hash = lastLinks[lastOffset]!;
      pairs[offset] = lastPairs[lastOffset]!;
      pairs[offset + 1] = lastPairs[lastOffset + 1]!;
      links[offset] = hash;
      links[offset + 1] = lastLinks[lastOffset + 1]!;
      if (this.#marks !== null) this.setMarkAt(hole, this.markAt(last));
      this.#relink(this.#bucketOf(hash), last, hole);
    }
    // popped, not overwritten: a dead string must not be kept alive by its slot
    lastPairs.pop();
    lastPairs.pop();
    if (lastOffset === 0 && last > 0) {
      this.#pairs.pop();
      this.#links.pop();
      this.#marks?.pop();
    }
  }

  #relink(bucket: number, from: number, to: number): void {
    const heads = this.#heads[bucket >> COLUMN_BITS]!;
    let entry = heads[bucket & COLUMN_MASK]!;
    if (entry === from) {
      heads[bucket & COLUMN_MASK] = to;
      return;
    }
    for (;;) {
      const links = this.#links[entry >> COLUMN_BITS]!;
      const offset = (entry & COLUMN_MASK) * 2 + 1;
      const next = links[offset]!;
      if (next === from) {
        links[offset] = to;
        return;
      }
      entry = next;
    }
  }

  #split(): void {
    const from = this.#buckets - this.#level;
    const to = this.#buckets;
    this.#ensureHead(to);
    const heads = this.#heads[from >> COLUMN_BITS]!;
    let entry = heads[from & COLUMN_MASK]!;
    let stay = NONE;
    let move = NONE;
    while (entry !== NONE) {
      const links = this.#links[entry >> COLUMN_BITS]!;
      const offset = (entry & COLUMN_MASK) * 2;
      const next = links[offset + 1]!;
      if ((links[offset]! & this.#level) === 0) {
        links[offset + 1] = stay;
        stay = entry;
      } else {
        links[offset + 1] = move;
        move = entry;
      }
      entry = next;
    }
    heads[from & COLUMN_MASK] = stay;
    this.#heads[to >> COLUMN_BITS]![to & COLUMN_MASK] = move;
    this.#buckets++;
    if (this.#buckets === this.#level * 2) this.#level = this.#buckets;
  }

  #merge(): void {
    const from = this.#buckets - 1;
    if (from < this.#level) this.#level >>= 1;
    const to = from - this.#level;
    const heads = this.#heads[from >> COLUMN_BITS]!;
    let entry = heads[from & COLUMN_MASK]!;
    const target = this.#heads[to >> COLUMN_BITS]!;
    while (entry !== NONE) {
      const links = this.#links[entry >> COLUMN_BITS]!;
      const offset = (entry & COLUMN_MASK) * 2 + 1;
      const next = links[offset]!;
      links[offset] = target[to & COLUMN_MASK]!;
      target[to & COLUMN_MASK] = entry;
      entry = next;
    }
    heads[from & COLUMN_MASK] = NONE;
    this.#buckets--;
    if ((from & COLUMN_MASK) === 0 && from > 0) this.#heads.pop();
  }

  #ensureHead(bucket: number): void {
    const block = bucket >> COLUMN_BITS;
    const existing = this.#heads[block];
    if (existing === undefined) {
      this.#heads.push(new Int32Array(COLUMN_SIZE).fill(NONE));
    } else if ((bucket & COLUMN_MASK) >= existing.length) {
      const grown = new Int32Array(Math.min(COLUMN_SIZE, existing.length * 2)).fill(NONE);
      grown.set(existing);
      this.#heads[block] = grown;
    }
  }
}

/** Reverses 32 bits. */
function reverseBits(value: number): number {
  value = ((value >>> 1) & 0x55555555) | ((value & 0x55555555) << 1);
  value = ((value >>> 2) & 0x33333333) | ((value & 0x33333333) << 2);
  value = ((value >>> 4) & 0x0f0f0f0f) | ((value & 0x0f0f0f0f) << 4);
  value = ((value >>> 8) & 0x00ff00ff) | ((value & 0x00ff00ff) << 8);
  return (value >>> 16) | (value << 16);
}
