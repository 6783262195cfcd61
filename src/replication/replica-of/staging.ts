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
  readonly bytes: string;
  /** Requests in it, SELECT included. */
  readonly count: number;
  readonly database: number;
}

interface Open {
  bytes: string;
  count: number;
  database: number;
}

export class Staging {
  readonly #open = new Map<number, Open>();
  readonly #chunks: StagedChunk[] = [];
  #head = 0;
  bytes = 0;

  add(target: number, database: number, words: readonly string[]): void {
    let open = this.#open.get(target);
    if (open === undefined || open.database !== database || open.bytes.length >= CHUNK_BYTES) {
      this.#close(target);
      open = { bytes: encodeRequest(['SELECT', String(database)]), count: 1, database };
      this.bytes += open.bytes.length;
      this.#open.set(target, open);
    }
    const before = open.bytes.length;
    open.bytes += encodeRequest(words);
    open.count++;
    this.bytes += open.bytes.length - before;
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

  #close(target: number): void {
    const open = this.#open.get(target);
    if (open !== undefined) this.#chunks.push({ target, ...open });
  }
}
