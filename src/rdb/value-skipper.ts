/**
 * Finds where a value ends without decoding it, and remembers how far it got when the bytes run out, so that a huge
 * value that arrives in small pieces is walked over once.
 *
 * A value is either one string, or a count and that many times the same few parts; a stream, whose parts are nested, is walked by
 * a generator that asks for one after another. Positions are relative to where
 * the caller says the value begins, because the bytes may move to another Buffer between two calls.
 */
import type { Scan } from './scan.ts';
import { TYPE } from './vendors.ts';

type Part = 'string' | 'textScore' | 'binaryScore' | 'length' | 'word' | 'time' | 'id';

interface Shape {
  readonly counted: boolean;
  /** What each element consists of. */
  readonly parts: readonly Part[];
}

const ONE_STRING: Shape = { counted: false, parts: ['string'] };
const STRINGS: Shape = { counted: true, parts: ['string'] };

const SHAPES = new Map<number, Shape>([
  [TYPE.string, ONE_STRING],
  [TYPE.list, STRINGS],
  [TYPE.set, STRINGS],
  [TYPE.zset, { counted: true, parts: ['string', 'textScore'] }],
  [TYPE.hash, { counted: true, parts: ['string', 'string'] }],
  [TYPE.zsetBinary, { counted: true, parts: ['string', 'binaryScore'] }],
  [TYPE.hashZipmap, ONE_STRING],
  [TYPE.listZiplist, ONE_STRING],
  [TYPE.setIntset, ONE_STRING],
  [TYPE.zsetZiplist, ONE_STRING],
  [TYPE.hashZiplist, ONE_STRING],
  [TYPE.listQuicklist, STRINGS],
  [TYPE.hashListpack, ONE_STRING],
  [TYPE.zsetListpack, ONE_STRING],
  [TYPE.listQuicklist2, { counted: true, parts: ['length', 'string'] }],
  [TYPE.setListpack, ONE_STRING],
]);

const STREAM_TYPES: ReadonlySet<number> = new Set([TYPE.stream, TYPE.stream2, TYPE.stream3]);

/** Asks for the parts of a stream in their order; is given each length. [redis rdb.c rdbLoadObject] */
function* streamParts(type: number): Generator<Part, void, number> {
  for (let nodes = yield 'length'; nodes > 0; nodes -= 1) {
    yield 'string';
    yield 'string';
  }
  // Number of entries and the last id; since version 2 the first id, the largest deleted one, and how many were ever added
  for (let words = type === TYPE.stream ? 3 : 8; words > 0; words -= 1) yield 'word';
  for (let groups = yield 'length'; groups > 0; groups -= 1) {
    yield 'string';
    for (let words = type === TYPE.stream ? 2 : 3; words > 0; words -= 1) yield 'word';
    for (let pending = yield 'length'; pending > 0; pending -= 1) {
      yield 'id';
      yield 'time';
      yield 'word';
    }
    for (let consumers = yield 'length'; consumers > 0; consumers -= 1) {
      yield 'string';
      yield 'time';
      if (type === TYPE.stream3) yield 'time';
      for (let pending = yield 'length'; pending > 0; pending -= 1) yield 'id';
    }
  }
}

const EXPIRING_HASHES: ReadonlySet<number> = new Set([
  TYPE.hashExpiringEarly,
  TYPE.hashListpackExpiringEarly,
  TYPE.hashExpiring,
  TYPE.hashListpackExpiring,
]);

function* expiringHashParts(type: number): Generator<Part, void, number> {
  if (type === TYPE.hashExpiring || type === TYPE.hashListpackExpiring) yield 'time';
  if (type === TYPE.hashListpackExpiring || type === TYPE.hashListpackExpiringEarly) {
    yield 'string';
    return;
  }
  for (let fields = yield 'length'; fields > 0; fields -= 1) {
    yield 'word';
    yield 'string';
    yield 'string';
  }
}

const LENGTH_64 = 0x81;
const LENGTH_64_BYTES = 9;
const ID_BYTES = 16;
const TIME_BYTES = 8;
const BINARY_SCORE_BYTES = 8;
/** Lengths of text scores from here on stand for NaN and the infinities, and nothing follows. */
const TEXT_SCORE_SPECIAL = 253;

export class ValueSkipper {
  readonly #scan: Scan;
  #shape: Shape = ONE_STRING;
  #counting = false;
  #elementsLeft = 0;
  #part = 0;
  #walked = 0;
  #nested: Generator<Part, void, number> | null = null;
  #wanted: Part = 'length';

  /** `scan.missing` tells how much is missing when `end` gives -1. */
  constructor(scan: Scan) {
    this.#scan = scan;
  }

  /** False when values of this type have no known shape. */
  begin(type: number): boolean {
    this.#nested = null;
    if (STREAM_TYPES.has(type) || EXPIRING_HASHES.has(type)) {
      this.#nested = STREAM_TYPES.has(type) ? streamParts(type) : expiringHashParts(type);
      this.#wanted = this.#nested.next().value!;
      this.#walked = 0;
      return true;
    }
    const shape = SHAPES.get(type);
    if (shape === undefined) return false;
    this.#shape = shape;
    this.#counting = shape.counted;
    this.#elementsLeft = 1;
    this.#part = 0;
    this.#walked = 0;
    return true;
  }

  /** The end of the value that begins at `start`, or -1 when it lies beyond `limit`: then ask again with more. */
  end(bytes: Buffer, start: number, limit: number): number {
    const scan = this.#scan;
    let at = start + this.#walked;
    if (this.#nested !== null) return this.#nestedEnd(this.#nested, bytes, start, limit);
    if (this.#counting) {
      if (!scan.length(bytes, at, limit)) return -1;
      this.#elementsLeft = scan.value;
      this.#counting = false;
      at = scan.next;
      this.#walked = at - start;
    }
    const { parts } = this.#shape;
    while (this.#elementsLeft > 0) {
      if (!this.#skip(parts[this.#part]!, bytes, at, limit)) return -1;
      at = scan.next;
      this.#walked = at - start;
      this.#part += 1;
      if (this.#part === parts.length) {
        this.#part = 0;
        this.#elementsLeft -= 1;
      }
    }
    return at;
  }

  #nestedEnd(parts: Generator<Part, void, number>, bytes: Buffer, start: number, limit: number): number {
    for (;;) {
      if (!this.#skip(this.#wanted, bytes, start + this.#walked, limit)) return -1;
      this.#walked = this.#scan.next - start;
      const { done, value } = parts.next(this.#scan.value);
      if (done) return start + this.#walked;
      this.#wanted = value!;
    }
  }

  #skip(part: Part, bytes: Buffer, at: number, limit: number): boolean {
    if (part === 'string') return this.#scan.string(bytes, at, limit);
    if (part === 'length') return this.#scan.length(bytes, at, limit);
    if (part === 'word') {
      return bytes[at] === LENGTH_64 && at < limit
        ? this.#scan.fixed(LENGTH_64_BYTES, at, limit)
        : this.#scan.length(bytes, at, limit);
    }
    if (part === 'id') return this.#scan.fixed(ID_BYTES, at, limit);
    if (part === 'time') return this.#scan.fixed(TIME_BYTES, at, limit);
    if (part === 'binaryScore') return this.#scan.fixed(BINARY_SCORE_BYTES, at, limit);
    if (at >= limit) return this.#scan.fixed(1, at, limit);
    const length = bytes[at]!;
    return this.#scan.fixed(length >= TEXT_SCORE_SPECIAL ? 1 : 1 + length, at, limit);
  }
}
