/**
 * One key of a dump as the reader hands it over.
 *
 * `raw` and `decode` look into the bytes being read and are valid only during the call that brings the entry; the
 * other fields may be kept.
 */
import { RdbError } from './rdb-error.ts';
import { decodeValueAt } from './values.ts';
import type { RdbValue } from './values.ts';

export interface RdbEntry {
  readonly database: number;
  readonly key: string;
  /** Unix time; null means that the key does not expire. */
  readonly expireAtMs: number | null;
  readonly type: number;
  /** The value as the dump holds it, without the type byte: what `payloadFrom` takes. */
  readonly raw: Buffer;
  readonly idleSeconds: number | null;
  readonly frequency: number | null;
  /** As `decodeValue(type, raw)`, without making the view; an RdbError names the key. */
  decode(): RdbValue;
}

export interface EntryAttributes {
  database: number;
  expireAtMs: number | null;
  idleSeconds: number | null;
  frequency: number | null;
}

export class ReadEntry implements RdbEntry {
  readonly database: number;
  readonly key: string;
  readonly expireAtMs: number | null;
  readonly type: number;
  readonly idleSeconds: number | null;
  readonly frequency: number | null;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(attributes: EntryAttributes, key: string, type: number, bytes: Buffer, start: number, end: number) {
    this.database = attributes.database;
    this.key = key;
    this.expireAtMs = attributes.expireAtMs;
    this.type = type;
    this.idleSeconds = attributes.idleSeconds;
    this.frequency = attributes.frequency;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  get raw(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  decode(): RdbValue {
    try {
      return decodeValueAt(this.type, this.#bytes, this.#start, this.#end);
    } catch (error) {
      throw error instanceof RdbError ? error.located({ key: this.key }) : error;
    }
  }
}
