/**
 * A source shard's snapshot, kept back until it is complete and its checksum has been verified: only then is the destination
 * flushed, so that a corrupt or broken transfer leaves its data as they were. What is kept are the requests, already routed and
 * encoded, in chunks per target.
 *
 * Limit: STAGED_BYTES_MAX over all source shards of one destination; beyond it the destination is flushed early and the rest
 * is passed on as it arrives.
 */

import { encodeRequest } from '../../resp/reply.ts';

export const STAGED_BYTES_MAX = 512 * 1024 * 1024;
const CHUNK_BYTES = 128 * 1024;

export interface StagedChunk {
  readonly target: number;
  readonly bytes: Buffer;
  /** Requests in it, SELECT included. */
  readonly count: number;
  readonly database: number;
}

interface Open {
  readonly buffer: Buffer;
  used: number;
  count: number;
  readonly database: number;
}

export class Staging {
  readonly #open = new Map<number, Open>();
  readonly #chunks: StagedChunk[] = [];
  #head = 0;
  /** Bytes kept. */
  bytes = 0;

  add(target: number, database: number, words: readonly string[]): void {
    const request = encodeRequest(words);
    let open = this.#open.get(target);
    if (open === undefined || open.database !== database || open.used + request.length > open.buffer.length) {
      this.#close(target);
      const select = encodeRequest(['SELECT', String(database)]);
      open = {
        buffer: Buffer.allocUnsafe(Math.max(CHUNK_BYTES, select.length + request.length)),
        used: 0,
        count: 0,
        database,
      };
      this.#open.set(target, open);
      this.#append(open, select);
    }
    this.#append(open, request);
  }

  /** Nothing more comes for now: what is open becomes a chunk. */
  seal(): void {
    for (const target of this.#open.keys()) this.#close(target);
    this.#open.clear();
  }

  take(): StagedChunk | undefined {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) return undefined;
    this.#head++;
    if (this.#head > 1024) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
    this.bytes -= chunk.bytes.length;
    return chunk;
  }

  #append(open: Open, request: string): void {
    // Bytes, not a string that grows: its many parts would take several times the room until it is sent
    open.used += open.buffer.latin1Write(request, open.used);
    open.count++;
    this.bytes += request.length;
  }

  #close(target: number): void {
    const open = this.#open.get(target);
    if (open === undefined) return;
    const { buffer, used, count, database } = open;
    this.#chunks.push({ target, bytes: buffer.subarray(0, used), count, database });
  }
}
