/**
 * Runs an append log: the requests of one file, in order, as a shard's own primary would send them.
 *
 * A file may end anywhere: in the middle of a request, or inside MULTI without its EXEC. What stands before is whole, and the
 * reader says where that ends. What is no request, or is refused, is a damage, told with its place. [redis aof.c loadSingleAppendOnlyFile]
 *
 * Limits: a request's, as clients have them; PART_BYTES are run at once, with the event loop free in between.
 */

import { ProtocolError, RequestDecoder } from '../../resp/request-decoder.ts';
import { failureIn, shownRequest } from '../../resp/reply.ts';
import type { FileTrouble, Folder } from '../../world/files.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import type { StreamPosition } from '../shard/upper-layers.ts';
import { POSITION_REMARK } from './append-log.ts';

const PART_BYTES = 256 * 1024;

export type LogOutcome =
  | {
      readonly ok: true;
      /** Bytes up to the end of the last whole unit, and of the file. */
      readonly wholeBytes: number;
      readonly bytes: number;
      readonly units: number;
      /** Where it leads to; null: it does not say. */
      readonly position: StreamPosition | null;
    }
  | FileTrouble;

export class LogReader {
  readonly #shard: Shard;
  readonly #session: Session;
  #refusal: string | null = null;

  constructor(shard: Shard) {
    this.#shard = shard;
    const nowhere = { host: '', port: 0 };
    this.#session = shard.openSession({
      local: nowhere,
      remote: nowhere,
      write: () => undefined,
      end: () => undefined,
    });
    this.#session.kind = 'primary';
    this.#session.setAuthenticated(true);
    this.#session.replySeen = (reply) => (this.#refusal ??= failureIn(reply));
  }

  async run(folder: Folder, name: string): Promise<LogOutcome> {
    const decoder = new RequestDecoder();
    let position: StreamPosition | null = null;
    let wholeBytes = 0;
    let bytes = 0;
    let units = 0;
    for (;;) {
      const part = await folder.readPart(name, bytes, PART_BYTES);
      if (!part.ok) return part;
      if (part.value.length === 0) break;
      bytes += part.value.length;
      decoder.push(part.value);
      try {
        for (let words = decoder.next(); words !== null; words = decoder.next()) {
          if (words[0]?.startsWith('#') === true) {
            if (words[0] === POSITION_REMARK) position = positionOf(words);
          } else {
            this.#execute(words);
            position = null;
            units++;
          }
          if (this.#refusal !== null) {
            return damage(folder, name, wholeBytes, `${shownRequest(words)} was refused: ${this.#refusal}`);
          }
          if (this.#session.transaction.queue === null) wholeBytes = decoder.consumedBytes;
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return damage(folder, name, wholeBytes, error.message);
      }
      decoder.release();
    }
    if (this.#session.transaction.queue !== null) this.#execute(['DISCARD']);
    return { ok: true, wholeBytes, bytes, units, position };
  }

  close(): void {
    this.#shard.closeSession(this.#session);
  }

  #execute(words: readonly string[]): void {
    this.#shard.tick();
    this.#shard.execute(this.#session, words);
  }
}

const positionOf = ([, replicationId, offset, database]: readonly string[]): StreamPosition | null =>
  /^[0-9a-f]{40}$/.test(replicationId ?? '') && /^\d{1,16}$/.test(offset ?? '') && /^\d{1,9}$/.test(database ?? '')
    ? { replicationId: replicationId!, offset: Number(offset), database: Number(database) }
    : null;

const damage = ({ path }: Folder, name: string, at: number, detail: string): FileTrouble => ({
  ok: false,
  why: 'failed',
  detail: `${path}/${name}: damaged behind byte ${at}: ${detail}. Cut it off there, or put a copy back`,
});
