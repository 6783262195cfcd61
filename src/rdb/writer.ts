/**
 * Writes a whole dump: RDB version 10, which Redis 7.0 to 8 and Valkey load, or 12 where hashes have fields that expire, which Redis loads
 * from 7.4 on.
 *
 * The caller says what comes (header, databases, entries, end) in order and may pause between any two calls; chunks
 * of about 64 KiB are handed over as they fill. Which auxiliary fields there are is the caller's business.
 */
import assert from 'node:assert/strict';
import { ByteSink } from './byte-sink.ts';
import { ENCODE_OPTIONS, encodedType, encodeValue } from './encode-value.ts';
import type { EncodeOptions } from './encode-value.ts';
import type { RdbValue } from './values.ts';
import { OPCODE } from './vendors.ts';

/** What may be in the dump decides it. */
const VERSION = { plain: 10, withFieldExpiry: 12 };

export class RdbWriter {
  readonly #sink: ByteSink;
  readonly #options: EncodeOptions;
  #state: 'new' | 'open' | 'ended' = 'new';

  /** A chunk given to `emit` belongs to the receiver. */
  constructor(emit: (chunk: Buffer) => void, options: Partial<EncodeOptions> = {}) {
    this.#options = { ...ENCODE_OPTIONS, ...options };
    this.#sink = new ByteSink(emit, { compress: this.#options.compress });
  }

  /** Bytes written so far, handed over or not. */
  get bytesWritten(): number {
    return this.#sink.bytesWritten;
  }

  header(aux: readonly (readonly [name: string, value: string])[], holds: keyof typeof VERSION = 'plain'): void {
    assert(this.#state === 'new', 'a dump has one header, at its start');
    this.#state = 'open';
    const magic = Buffer.from(`REDIS${String(VERSION[holds]).padStart(4, '0')}`, 'latin1');
    this.#sink.bytes(magic, 0, magic.length);
    for (const [name, value] of aux) {
      this.#sink.byte(OPCODE.aux);
      this.#sink.string(name);
      this.#sink.string(value);
    }
  }

  functionLibrary(code: string): void {
    this.#assertOpen();
    this.#sink.byte(OPCODE.function);
    this.#sink.string(code);
  }

  /** `keys` and `expires` let the receiver size its tables; they need not be exact. */
  selectDatabase(database: number, keys: number, expires: number): void {
    this.#assertOpen();
    this.#sink.byte(OPCODE.selectDatabase);
    this.#sink.length(database);
    this.#sink.byte(OPCODE.resizeDatabase);
    this.#sink.length(keys);
    this.#sink.length(expires);
  }

  entry(key: string, value: RdbValue, expireAtMs: number | null): void {
    this.#assertOpen();
    const sink = this.#sink;
    if (expireAtMs !== null) {
      sink.byte(OPCODE.expireMs);
      sink.integer64(expireAtMs);
    }
    const type = encodedType(value, this.#options);
    sink.byte(type);
    sink.string(key);
    encodeValue(sink, type, value, this.#options);
  }

  end(): void {
    this.#assertOpen();
    this.#state = 'ended';
    this.#sink.byte(OPCODE.end);
    this.#sink.finish();
  }

  #assertOpen(): void {
    assert(this.#state === 'open', 'entries stand between the header and the end of a dump');
  }
}
