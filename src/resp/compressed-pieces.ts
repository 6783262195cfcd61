/**
 * A byte stream compressed piece by piece, each decodable as soon as it has arrived: how a source's endpoint sends a replication
 * stream to a syncer that asked for it. Pure.
 *
 * A piece is two lengths (four bytes each, big endian: compressed, plain) and raw DEFLATE data [RFC 1951]. The last
 * DICTIONARY_BYTES of what came before are its dictionary, so that small pieces compress almost as well as one long stream
 * (measured on writes of 80 bytes: pieces of 100 bytes to 27 %, of 64 KiB to 17 %), and no state of a library outlives a call.
 *
 * Limits: PIECE_BYTES_MAX of plain bytes in a piece, said beforehand and held while it is inflated: no piece can grow beyond it.
 */

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

export const PIECE_BYTES_MAX = 256 * 1024;
/** A larger one costs time for each piece and gains little. */
const DICTIONARY_BYTES = 8 * 1024;
const HEADER_BYTES = 8;
/** What does not compress grows by 5 bytes for each 16 KiB, and by the end of a piece [RFC 1951 3.2.4]. */
const COMPRESSED_BYTES_MAX = PIECE_BYTES_MAX + 1024;

export const COMPRESSION_LEVEL_MAX = 6;

/** The bytes are not pieces, or exceed their limit. */
export class PieceError extends Error {}

class Dictionary {
  #bytes: Buffer = Buffer.alloc(0);

  get option(): { dictionary: Buffer } | undefined {
    return this.#bytes.length === 0 ? undefined : { dictionary: this.#bytes };
  }

  /** `plain` is copied. */
  add(plain: Buffer): void {
    const kept = Math.min(this.#bytes.length, Math.max(0, DICTIONARY_BYTES - plain.length));
    this.#bytes = Buffer.concat([
      this.#bytes.subarray(this.#bytes.length - kept),
      plain.subarray(Math.max(0, plain.length - DICTIONARY_BYTES)),
    ]);
  }
}

export class PieceWriter {
  readonly #level: number;
  readonly #dictionary = new Dictionary();

  /** `level`: 1 (fast) to COMPRESSION_LEVEL_MAX (small). */
  constructor(level: number) {
    this.#level = level;
  }

  /** One or several whole pieces that hold these bytes. */
  write(plain: Buffer): Buffer {
    if (plain.length <= PIECE_BYTES_MAX) return this.#piece(plain);
    const pieces: Buffer[] = [];
    for (let at = 0; at < plain.length; at += PIECE_BYTES_MAX) {
      pieces.push(this.#piece(plain.subarray(at, at + PIECE_BYTES_MAX)));
    }
    return Buffer.concat(pieces);
  }

  #piece(plain: Buffer): Buffer {
    const compressed = deflateRawSync(plain, {
      level: this.#level,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...this.#dictionary.option,
    });
    this.#dictionary.add(plain);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32BE(compressed.length, 0);
    header.writeUInt32BE(plain.length, 4);
    return Buffer.concat([header, compressed]);
  }
}

/** Gives a stream back piece by piece, as it is asked for: what is not asked for stays compressed. */
export class PieceReader {
  readonly #dictionary = new Dictionary();
  #held: Buffer = Buffer.alloc(0);

  /** Compressed bytes that wait. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** `chunk` is copied. */
  push(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
  }

  /** The next piece's plain bytes; null: it has not arrived whole. */
  next(): Buffer | null {
    if (this.#held.length < HEADER_BYTES) return null;
    const compressedBytes = this.#held.readUInt32BE(0);
    const plainBytes = this.#held.readUInt32BE(4);
    if (compressedBytes > COMPRESSED_BYTES_MAX || plainBytes > PIECE_BYTES_MAX || plainBytes === 0) {
      throw new PieceError(`a compressed piece of ${compressedBytes} bytes for ${plainBytes}: not a compressed stream`);
    }
    const end = HEADER_BYTES + compressedBytes;
    if (this.#held.length < end) return null;
    const plain = this.#inflate(this.#held.subarray(HEADER_BYTES, end), plainBytes);
    this.#held = this.#held.subarray(end);
    this.#dictionary.add(plain);
    return plain;
  }

  #inflate(compressed: Buffer, plainBytes: number): Buffer {
    let plain: Buffer;
    try {
      plain = inflateRawSync(compressed, {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: plainBytes,
        ...this.#dictionary.option,
      });
    } catch (error) {
      throw new PieceError(`a compressed piece cannot be read: ${(error as Error).message}`);
    }
    if (plain.length !== plainBytes) {
      throw new PieceError(`a compressed piece holds ${plain.length} bytes instead of ${plainBytes}`);
    }
    return plain;
  }
}
