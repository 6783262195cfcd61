/**
 * Reads a dump from a stream: bytes in pieces of any size, keys and the rest out, in order.
 *
 * Values are not decoded here, only walked over; a consumer decodes an entry or passes its bytes on. An item that lies
 * whole inside a chunk is read where it is; one that does not is carried over in a Buffer that grows as its bytes
 * arrive, never on the word of a length. The checksum covers all that was pushed and is judged at the end, so what a
 * handler did with entries before is provisional until `done`. After an error the reader is finished.
 */
import { ChunkCarry } from './chunk-carry.ts';
import { Crc64, CRC64_BYTES } from './crc64.ts';
import { scannedText } from './cursor.ts';
import { RDB_LIMITS } from './limits.ts';
import type { RdbLimits } from './limits.ts';
import { moduleName } from './module-name.ts';
import { ReadEntry } from './rdb-entry.ts';
import type { EntryAttributes, RdbEntry } from './rdb-entry.ts';
import { RdbError } from './rdb-error.ts';
import { Scan } from './scan.ts';
import { ValueSkipper } from './value-skipper.ts';
import { OPCODE, OPCODE_MIN, VENDORS } from './vendors.ts';
import type { RdbMagic, Vendor } from './vendors.ts';

export interface RdbHandler {
  header?(magic: RdbMagic, version: number): void;
  aux?(name: string, value: string): void;
  /** A hint that comes before the keys of a database. */
  resize?(database: number, keys: number, expires: number): void;
  functionLibrary?(code: string): void;
  entry(entry: RdbEntry): void;
}

const HEADER_BYTES = 9;
/** Returned by the parts of the parser when the item goes on beyond the bytes there are. */
const INCOMPLETE = -1;
/** Dumps before this version end without a checksum [redis rdb.c]. */
const CHECKSUM_VERSION_MIN = 5;
/** An opcode, a key's type, lengths: what an item has besides its key and value, generously. */
const ITEM_OVERHEAD_BYTES = 64;

export class RdbReader {
  readonly #handler: RdbHandler;
  readonly #limits: RdbLimits;
  readonly #scan = new Scan();
  readonly #skipper = new ValueSkipper(this.#scan);
  readonly #carry = new ChunkCarry();
  readonly #checksum = new Crc64();
  readonly #attributes: EntryAttributes = { database: 0, expireAtMs: null, idleSeconds: null, frequency: null };
  #vendor: Vendor | null = null;
  #version = 0;
  #phase: 'header' | 'items' | 'footer' | 'done' = 'header';
  #failure: unknown = null;
  #bytesBefore = 0;
  /** Where the item being read begins in the whole dump. */
  #itemOffset = 0;
  /** Set while an entry's key is known and its value is not complete. */
  #key: string | null = null;
  /** Where that value begins, from the start of its item. */
  #valueAt = 0;

  constructor(handler: RdbHandler, limits: Partial<RdbLimits> = {}) {
    this.#handler = handler;
    this.#limits = { ...RDB_LIMITS, ...limits };
  }

  get done(): boolean {
    return this.#phase === 'done';
  }

  /** Bytes of the dump that have been pushed. */
  get bytesRead(): number {
    return this.#bytesBefore;
  }

  /** How many bytes of the chunk belong to the dump: fewer than all only when its end was reached. */
  push(chunk: Buffer): number {
    if (this.#failure !== null) throw this.#failure;
    if (this.#phase === 'done') return 0;
    try {
      const read = this.#read(chunk);
      this.#bytesBefore += read;
      return read;
    } catch (error) {
      this.#failure = error instanceof RdbError ? error.located(this.#place()) : error;
      throw this.#failure;
    }
  }

  #read(chunk: Buffer): number {
    let unsummed = this.#beforeEnd;
    let at = this.#carry.empty ? 0 : this.#readCarried(chunk);
    while (at < chunk.length && this.#phase !== 'done') {
      this.#itemOffset = this.#bytesBefore + at;
      const next = this.#item(chunk, at, chunk.length);
      if (next === INCOMPLETE) {
        this.#carry.begin(chunk, at, this.#scan.missing);
        at = chunk.length;
        break;
      }
      at = next;
      // The end opcode is one byte, so it is never carried over and is always seen here.
      if (unsummed && !this.#beforeEnd) {
        this.#checksum.update(chunk, 0, at);
        unsummed = false;
      }
    }
    if (unsummed) this.#checksum.update(chunk, 0, at);
    return at;
  }

  /** Whether the bytes coming next count for the checksum. */
  get #beforeEnd(): boolean {
    return this.#phase === 'items' || this.#phase === 'header';
  }

  /** Goes on with the item begun in an earlier chunk; gives the position in this one behind it. */
  #readCarried(chunk: Buffer): number {
    const carry = this.#carry;
    let at = 0;
    while (at < chunk.length) {
      at = carry.append(chunk, at);
      if (carry.missing > 0) continue;
      const next = this.#item(carry.bytes, 0, carry.length);
      if (next === INCOMPLETE) {
        carry.want(this.#scan.missing);
        continue;
      }
      const behind = at - (carry.length - next);
      carry.end();
      return behind;
    }
    return at;
  }

  /** Reads one item: the position behind it, or INCOMPLETE with `scan.missing` set and nothing handed over. */
  #item(bytes: Buffer, at: number, end: number): number {
    const next = this.#itemUnlimited(bytes, at, end);
    if (next === INCOMPLETE) {
      const wanted = end + this.#scan.missing - at;
      const bytesMax = this.#limits.keyBytesMax + this.#limits.valueBytesMax + ITEM_OVERHEAD_BYTES;
      if (wanted > bytesMax) throw new RdbError('too-large', `an item of at least ${wanted} bytes`);
    }
    return next;
  }

  #itemUnlimited(bytes: Buffer, at: number, end: number): number {
    if (this.#phase === 'items') {
      const number = bytes[at]!;
      return number < OPCODE_MIN ? this.#entry(number, bytes, at, end) : this.#opcode(number, bytes, at, end);
    }
    return this.#phase === 'header' ? this.#header(bytes, at, end) : this.#footer(bytes, at, end);
  }

  #header(bytes: Buffer, at: number, end: number): number {
    const text = bytes.toString('latin1', at, Math.min(end, at + HEADER_BYTES));
    const magic = (['REDIS', 'VALKEY'] as const).find((word) => word.startsWith(text.slice(0, word.length)));
    if (magic === undefined) {
      throw new RdbError('bad-magic', `a dump begins with REDIS or VALKEY, not ${JSON.stringify(text)}`);
    }
    if (!this.#scan.fixed(HEADER_BYTES, at, end)) return INCOMPLETE;
    const digits = text.slice(magic.length);
    const vendor = VENDORS[magic];
    const version = /^\d+$/.test(digits) ? Number(digits) : NaN;
    if (!(version >= vendor.versionMin && version <= vendor.versionMax)) {
      const known = `${vendor.versionMin} to ${vendor.versionMax}`;
      throw new RdbError('unsupported-version', `${magic} dumps are known in versions ${known}, not ${digits}`);
    }
    this.#vendor = vendor;
    this.#version = version;
    this.#phase = 'items';
    this.#handler.header?.(magic, version);
    return at + HEADER_BYTES;
  }

  #entry(type: number, bytes: Buffer, at: number, end: number): number {
    let key = this.#key;
    if (key === null) {
      key = this.#readKey(type, bytes, at, end);
      if (key === null) return INCOMPLETE;
      this.#key = key;
      this.#valueAt = this.#scan.next - at;
    }
    const start = at + this.#valueAt;
    const next = this.#skipper.end(bytes, start, end);
    const valueBytes = (next === INCOMPLETE ? end + this.#scan.missing : next) - start;
    if (valueBytes > this.#limits.valueBytesMax) {
      throw new RdbError('too-large', `a value of at least ${valueBytes} bytes`);
    }
    if (next === INCOMPLETE) return INCOMPLETE;
    this.#key = null;
    const attributes = this.#attributes;
    const entry = new ReadEntry(attributes, key, type, bytes, start, next);
    attributes.expireAtMs = null;
    attributes.idleSeconds = null;
    attributes.frequency = null;
    this.#handler.entry(entry);
    return next;
  }

  /** Null when it is not all there. Refuses a type that is not read, by name and with its key. */
  #readKey(type: number, bytes: Buffer, at: number, end: number): string | null {
    const rule = this.#vendor!.types[type];
    if (rule === undefined) throw new RdbError('unknown-type', `unknown type of value ${type}`);
    const scan = this.#scan;
    const complete = scan.string(bytes, at + 1, end);
    if (!complete && scan.missing > this.#limits.keyBytesMax) {
      throw new RdbError('too-large', `a key of at least ${scan.missing} bytes`);
    }
    if (!complete) return null;
    const valueAt = scan.next;
    const key = scannedText(scan, bytes);
    if (key.length > this.#limits.keyBytesMax) throw new RdbError('too-large', `a key of ${key.length} bytes`);
    if (!rule.read || !this.#skipper.begin(type)) {
      throw new RdbError('unsupported-type', `type ${type}, ${rule.name}, is not supported`, { key });
    }
    scan.next = valueAt;
    return key;
  }

  #opcode(number: number, bytes: Buffer, at: number, end: number): number {
    const rule = this.#vendor!.opcodes[number];
    if (rule === undefined) throw new RdbError('unknown-opcode', `unknown opcode ${number}`);
    if (rule.use === 'refuse') return this.#refusedOpcode(number, rule.name, bytes, at, end);
    const scan = this.#scan;
    const attributes = this.#attributes;
    const body = at + 1;
    switch (number) {
      case OPCODE.expireMs:
        if (!scan.fixed(8, body, end)) return INCOMPLETE;
        attributes.expireAtMs = bytes.readInt32LE(body + 4) * 0x1_0000_0000 + bytes.readUInt32LE(body);
        return scan.next;
      case OPCODE.expireSeconds:
        if (!scan.fixed(4, body, end)) return INCOMPLETE;
        attributes.expireAtMs = bytes.readInt32LE(body) * 1000;
        return scan.next;
      case OPCODE.frequency:
        if (!scan.fixed(1, body, end)) return INCOMPLETE;
        attributes.frequency = bytes[body]!;
        return scan.next;
      case OPCODE.idle:
        if (!scan.length(bytes, body, end)) return INCOMPLETE;
        attributes.idleSeconds = scan.value;
        return scan.next;
      case OPCODE.selectDatabase:
        if (!scan.length(bytes, body, end)) return INCOMPLETE;
        if (scan.value >= this.#limits.databasesMax) throw new RdbError('too-large', `database ${scan.value}`);
        attributes.database = scan.value;
        return scan.next;
      case OPCODE.resizeDatabase:
        return this.#resize(bytes, body, end);
      case OPCODE.aux:
        return this.#aux(bytes, body, end);
      case OPCODE.function:
        if (!scan.string(bytes, body, end)) return INCOMPLETE;
        return this.#functionLibrary(bytes);
      case OPCODE.slotInfo:
        return this.#skipLengths(3, bytes, body, end);
      case OPCODE.ramLru:
        return this.#skipLengths(1, bytes, body, end);
      case OPCODE.end:
        this.#phase = this.#version >= CHECKSUM_VERSION_MIN ? 'footer' : 'done';
        return body;
      default:
        throw new RdbError('unknown-opcode', `opcode ${number}, ${rule.name}, is not handled`);
    }
  }

  #refusedOpcode(number: number, name: string, bytes: Buffer, at: number, end: number): number {
    let what = name;
    if (number === OPCODE.moduleAux) {
      // The module's name is in the nine bytes of its id, and worth waiting for.
      if (!this.#scan.fixed(10, at, end)) return INCOMPLETE;
      what += ` of module ${moduleName(bytes, at + 1)}`;
    }
    throw new RdbError('unknown-opcode', `opcode ${number}, ${what}, is not supported`);
  }

  #resize(bytes: Buffer, at: number, end: number): number {
    const scan = this.#scan;
    if (!scan.length(bytes, at, end)) return INCOMPLETE;
    const keys = scan.value;
    if (!scan.length(bytes, scan.next, end)) return INCOMPLETE;
    this.#handler.resize?.(this.#attributes.database, keys, scan.value);
    return scan.next;
  }

  #aux(bytes: Buffer, at: number, end: number): number {
    const scan = this.#scan;
    if (!scan.string(bytes, at, end)) return INCOMPLETE;
    const valueAt = scan.next;
    if (!scan.string(bytes, valueAt, end)) return INCOMPLETE;
    const next = scan.next;
    const value = scannedText(scan, bytes);
    scan.string(bytes, at, end);
    this.#handler.aux?.(scannedText(scan, bytes), value);
    return next;
  }

  #functionLibrary(bytes: Buffer): number {
    const next = this.#scan.next;
    this.#handler.functionLibrary?.(scannedText(this.#scan, bytes));
    return next;
  }

  #skipLengths(count: number, bytes: Buffer, at: number, end: number): number {
    let next = at;
    for (let index = 0; index < count; index += 1) {
      if (!this.#scan.length(bytes, next, end)) return INCOMPLETE;
      next = this.#scan.next;
    }
    return next;
  }

  #footer(bytes: Buffer, at: number, end: number): number {
    if (!this.#scan.fixed(CRC64_BYTES, at, end)) return INCOMPLETE;
    const disabled = bytes.readUInt32LE(at) === 0 && bytes.readUInt32LE(at + 4) === 0;
    if (!disabled && !this.#checksum.matches(bytes, at)) {
      throw new RdbError('checksum-mismatch', 'RDB CRC error: the checksum does not fit the bytes before it');
    }
    this.#phase = 'done';
    return at + CRC64_BYTES;
  }

  #place(): { header?: string; offset: number; key?: string } {
    const header = this.#vendor === null ? {} : { header: this.#headerText(this.#vendor) };
    return { ...header, offset: this.#itemOffset, ...(this.#key === null ? {} : { key: this.#key }) };
  }

  #headerText(vendor: Vendor): string {
    return vendor.magic + String(this.#version).padStart(HEADER_BYTES - vendor.magic.length, '0');
  }
}
