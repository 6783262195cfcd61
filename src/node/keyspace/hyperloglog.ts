/**
 * HyperLogLog in Redis's own bytes: a string of a header and 16384 registers, sparse (runs, while it is short) or dense (six bits
 * each). The same requests make the same bytes as in Redis, since GET, DUMP and replication show them. [redis hyperloglog.c]
 *
 * Border: knows no keys. Bytes come from clients too, so sparse ones may be corrupt: then methods answer null and what they
 * changed must be thrown away. Dense bytes cannot be corrupt.
 */

import type { RawString } from './raw-string.ts';

export const REGISTERS = 16_384;
const HEADER_BYTES = 16;
const REGISTER_BITS = 6;
const DENSE_BYTES = HEADER_BYTES + (REGISTERS * REGISTER_BITS) / 8;
const MAGIC = 'HYLL';
const ENCODING_AT = 4;
const CARDINALITY_AT = 8;
/** The highest bit of the cardinality says that it is out of date. */
const STALE_AT = 15;
const STALE = 0x80;
const DENSE = 0;
const SPARSE = 1;
const VALUES = 64;
/** Values 1 to 51 come from a hash. */
const RANK_MAX = 50;
/** 1 / (2 ln 2) */
const ALPHA = 0.7213475204444817;

const ZERO_LENGTH_MAX = 64;
const RUN_VALUE_MAX = 32;
const RUN_LENGTH_MAX = 4;
/** Runs that are looked at for merging after a change. */
const MERGE_STEPS = 5;
/** A run that is split becomes two bytes of zeros, a value, and two bytes of zeros again. */
const GROWTH_MAX = 5;

/** A run of equal registers; a value of 0 with `bytes` 2 is the long form of zeros. */
interface Run {
  readonly value: number;
  readonly length: number;
  readonly bytes: number;
}

/** Is the string one, as far as its header says? */
export function isHyperLogLog(value: string | RawString): boolean {
  const head = value.slice(0, HEADER_BYTES);
  if (head.length < HEADER_BYTES || !head.startsWith(MAGIC)) return false;
  const encoding = head.charCodeAt(ENCODING_AT);
  return encoding === SPARSE || (encoding === DENSE && value.length === DENSE_BYTES);
}

export class HyperLogLog {
  #bytes: Buffer;
  #length: number;

  /** Takes the bytes over: dense ones are changed where they are, sparse ones may move (see `bytes`). */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  static empty(): HyperLogLog {
    const bytes = Buffer.alloc(HEADER_BYTES + 2);
    bytes.write(MAGIC, 'latin1');
    bytes[ENCODING_AT] = SPARSE;
    const made = new HyperLogLog(bytes);
    made.#writeZeros(HEADER_BYTES, REGISTERS);
    return made;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get isDense(): boolean {
    return this.#bytes[ENCODING_AT] === DENSE;
  }

  /** As it was counted last; null when something came since. */
  get cardinality(): bigint | null {
    return (this.#bytes[STALE_AT]! & STALE) !== 0 ? null : this.#bytes.readBigUInt64LE(CARDINALITY_AT);
  }

  keepCardinality(count: number): void {
    this.#bytes.writeBigUInt64LE(BigInt(count), CARDINALITY_AT);
  }

  forgetCardinality(): void {
    this.#bytes[STALE_AT]! |= STALE;
  }

  /** Raises a register to a value; false when it is as high already. Beyond `sparseBytesMax` it becomes dense. */
  raise(register: number, value: number, sparseBytesMax: number): boolean | null {
    return this.isDense ? this.#raiseDense(register, value) : this.#raiseSparse(register, value, sparseBytesMax);
  }

  toDense(): true | null {
    if (this.isDense) return true;
    const registers = this.registers();
    if (registers === null) return null;
    const dense = Buffer.alloc(DENSE_BYTES);
    this.#bytes.copy(dense, 0, 0, HEADER_BYTES);
    dense[ENCODING_AT] = DENSE;
    this.#bytes = dense;
    this.#length = DENSE_BYTES;
    for (let i = 0; i < REGISTERS; i++) if (registers[i] !== 0) this.#raiseDense(i, registers[i]!);
    return true;
  }

  /** The value of every register. */
  registers(): Uint8Array | null {
    const registers = new Uint8Array(REGISTERS);
    if (this.isDense) {
      for (let i = 0; i < REGISTERS; i++) registers[i] = this.#dense(i);
      return registers;
    }
    let at = 0;
    for (const { value, length } of this.runs()) {
      if (at + length > REGISTERS) return null;
      registers.fill(value, at, at + length);
      at += length;
    }
    return at === REGISTERS ? registers : null;
  }

  /** The runs of a sparse one, in order. */
  *runs(): Generator<Run> {
    for (let at = HEADER_BYTES; at < this.#length;) {
      const run = this.#runAt(at);
      yield run;
      at += run.bytes;
    }
  }

  #dense(register: number): number {
    const bit = register * REGISTER_BITS;
    const at = HEADER_BYTES + (bit >> 3);
    return ((this.#bytes[at]! | ((this.#bytes[at + 1] ?? 0) << 8)) >> (bit & 7)) & (VALUES - 1);
  }

  #raiseDense(register: number, value: number): boolean {
    if (this.#dense(register) >= value) return false;
    const bit = register * REGISTER_BITS;
    const at = HEADER_BYTES + (bit >> 3);
    const shift = bit & 7;
    const pair = this.#bytes[at]! | ((this.#bytes[at + 1] ?? 0) << 8);
    const changed = (pair & ~((VALUES - 1) << shift)) | (value << shift);
    this.#bytes[at] = changed & 0xff;
    // The last register ends with the last byte
    if (at + 1 < DENSE_BYTES) this.#bytes[at + 1] = changed >> 8;
    return true;
  }

  #runAt(at: number): Run {
    const byte = this.#bytes[at]!;
    if (byte >= 0x80) return { value: ((byte >> 2) & 0x1f) + 1, length: (byte & 3) + 1, bytes: 1 };
    if (byte < 0x40) return { value: 0, length: byte + 1, bytes: 1 };
    // What is cut off counts as a zero byte
    const low = at + 1 < this.#length ? this.#bytes[at + 1]! : 0;
    return { value: 0, length: (((byte & 0x3f) << 8) | low) + 1, bytes: 2 };
  }

  #raiseSparse(register: number, value: number, sparseBytesMax: number): boolean | null {
    if (value > RUN_VALUE_MAX) return this.#raiseAsDense(register, value);
    let at = HEADER_BYTES;
    let before = HEADER_BYTES;
    let first = 0;
    let run: Run | null = null;
    while (at < this.#length) {
      run = this.#runAt(at);
      if (register < first + run.length) break;
      before = at;
      at += run.bytes;
      first += run.length;
    }
    if (run === null || at >= this.#length) return null;
    if (run.value >= value) return false;
    if (run.length === 1 && run.bytes === 1) this.#bytes[at] = runByte(value, 1);
    else {
      const pieces = this.#split(run, register - first, value);
      const growth = pieces.length - run.bytes;
      if (growth > 0 && this.#length + growth > sparseBytesMax) return this.#raiseAsDense(register, value);
      this.#replace(at, run.bytes, pieces);
    }
    this.#mergeRuns(before);
    this.forgetCardinality();
    return true;
  }

  #raiseAsDense(register: number, value: number): boolean | null {
    return this.toDense() === null ? null : this.#raiseDense(register, value);
  }

  /** A run whose register at `inside` gets another value: up to three runs. */
  #split({ value: old, length }: Run, inside: number, value: number): Buffer {
    const bytes: number[] = [];
    const fill = (count: number): void => {
      if (count === 0) return;
      if (old > 0) bytes.push(runByte(old, count));
      else bytes.push(...zeros(count));
    };
    fill(inside);
    bytes.push(runByte(value, 1));
    fill(length - inside - 1);
    return Buffer.from(bytes);
  }

  #replace(at: number, count: number, pieces: Buffer): void {
    const growth = pieces.length - count;
    if (this.#length + growth > this.#bytes.length) {
      const grown = Buffer.alloc(this.#length * 2 + GROWTH_MAX);
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    // A long run of zeros may have lost its second byte
    const end = Math.min(at + count, this.#length);
    this.#bytes.copy(this.#bytes, end + growth, end, this.#length);
    pieces.copy(this.#bytes, at);
    this.#length += growth;
  }

  /** Neighbours of one value become one run where the length allows, for a few runs from a place on. */
  #mergeRuns(from: number): void {
    let at = from;
    for (let steps = MERGE_STEPS; at < this.#length && steps > 0; steps--) {
      const run = this.#runAt(at);
      const next = at + 1 < this.#length && run.value > 0 ? this.#runAt(at + 1) : null;
      const length = run.length + (next?.length ?? 0);
      if (next !== null && next.value === run.value && length <= RUN_LENGTH_MAX) {
        this.#bytes[at] = runByte(run.value, length);
        this.#bytes.copy(this.#bytes, at + 1, at + 2, this.#length);
        this.#length--;
      } else at += run.bytes;
    }
  }

  #writeZeros(at: number, count: number): void {
    Buffer.from(zeros(count)).copy(this.#bytes, at);
  }
}

const runByte = (value: number, length: number): number => 0x80 | ((value - 1) << 2) | (length - 1);

function zeros(count: number): number[] {
  if (count <= ZERO_LENGTH_MAX) return [count - 1];
  return [0x40 | ((count - 1) >> 8), (count - 1) & 0xff];
}

/** The estimate of how many elements were added. [redis hyperloglog.c hllCount: Ertl, 2017] */
export function estimate(registers: Uint8Array): number {
  const having = new Uint32Array(VALUES);
  for (const value of registers) having[value]!++;
  let z = REGISTERS * tau((REGISTERS - having[RANK_MAX + 1]!) / REGISTERS);
  for (let value = RANK_MAX; value >= 1; value--) z = (z + having[value]!) * 0.5;
  z += REGISTERS * sigma(having[0]! / REGISTERS);
  return Math.round((ALPHA * REGISTERS * REGISTERS) / z);
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let power = 1;
  let sum = 1 - x;
  for (let before = NaN; before !== sum;) {
    root = Math.sqrt(root);
    before = sum;
    power *= 0.5;
    sum -= (1 - root) ** 2 * power;
  }
  return sum / 3;
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let square = x;
  let power = 1;
  let sum = x;
  for (let before = NaN; before !== sum;) {
    square *= square;
    before = sum;
    sum += square * power;
    power += power;
  }
  return sum;
}
