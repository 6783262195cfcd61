/**
 * Runs an append log: the requests of one file, in order, as a shard's own primary would send them. A file may begin with a dump, as
 * servers before 7.0 wrote it (`aof-use-rdb-preamble`).
 *
 * A file may end anywhere: in the middle of a request, or inside MULTI without its EXEC. What stands before is whole, and the
 * reader says where that ends. What is no request, or none of a command there is, is a damage, told with its place, in words that are
 * looked for in logs. A request that fails is told and passed over, as it failed when it was written: what it did until then counts,
 * like the calls of a script before its error. [redis aof.c loadSingleAppendOnlyFile]
 *
 * Limits: a request's, as clients have them; PART_BYTES are run at once, with the event loop free in between.
 */

import { RdbError } from '../../rdb/rdb-error.ts';
import { canonicalBytes } from '../../resp/canonical-bytes.ts';
import { ProtocolError, RequestDecoder } from '../../resp/request-decoder.ts';
import { failureIn, shownRequest, type Reply } from '../../resp/reply.ts';
import { needsEngine, scriptEngineReady } from '../scripting/engine.ts';
import type { FileOutcome, FileTrouble, Folder } from '../../world/files.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import type { StreamPosition } from '../shard/upper-layers.ts';
import { POSITION_REMARK } from './append-log.ts';
import { positionIn } from './facts.ts';
import { Loading, readerInto } from './loading.ts';
import { FACT_REMARK } from './request-writer.ts';

const PART_BYTES = 256 * 1024;
/** Begins a dump. */
const DUMP_MAGIC = 'REDIS';
/** Begins a remark. */
const REMARK = '#'.charCodeAt(0);

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
    this.#session.replySeen = (reply) => this.#tellFailure(reply);
  }

  async run(folder: Folder, name: string): Promise<LogOutcome> {
    const decoder = new RequestDecoder();
    let position: StreamPosition | null = null;
    const dump = await this.#dump(folder, name);
    if (!dump.ok) return dump;
    position = dump.value.position;
    const requestsAt = dump.value.bytes;
    let wholeBytes = requestsAt;
    let bytes = requestsAt;
    let units = 0;
    const facts = new Map<string, string>();
    /** Up to the end of the latest request. */
    let consumedBytes = 0;
    for (;;) {
      const part = await folder.readPart(name, bytes, PART_BYTES);
      if (!part.ok) return part;
      if (part.value.length === 0) break;
      bytes += part.value.length;
      decoder.push(part.value);
      try {
        for (;;) {
          const words = decoder.nextByte === REMARK ? decoder.line('too long remark')?.split(' ') : decoder.next();
          if (words === null || words === undefined) break;
          const requestBytes = decoder.consumedBytes - consumedBytes;
          consumedBytes = decoder.consumedBytes;
          if (words[0]!.startsWith('#')) {
            if (words[0] === POSITION_REMARK) position = positionOf(words);
            else if (words[0] === FACT_REMARK) {
              noteFact(facts, words);
              position = positionIn(facts);
            }
          } else if (requestBytes !== canonicalBytes(words)) {
            // A line of words, or something of no words before a request
            return damage(folder, name, wholeBytes, `no request but ${shownRequest(words)}`);
          } else if (this.#shard.commands.findRequested(words) === undefined) {
            return unknown(folder, name, wholeBytes, words);
          } else {
            // Logs of servers before 7.0 hold scripts, not only what they did
            if (needsEngine(words[0]!)) await scriptEngineReady();
            this.#execute(words);
            position = null;
            units++;
          }
          if (this.#session.transaction.queue === null) wholeBytes = requestsAt + decoder.consumedBytes;
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return damage(folder, name, wholeBytes, error.message);
      }
      decoder.release();
    }
    if (this.#session.transaction.queue !== null) this.#execute(['DISCARD']);
    if (facts.size > 0) for (const listener of this.#shard.onLoaded) listener({ facts });
    return { ok: true, wholeBytes, bytes, units, position };
  }

  /** What the file begins with, if that is a dump. */
  async #dump(folder: Folder, name: string): Promise<FileOutcome<{ bytes: number; position: StreamPosition | null }>> {
    const begin = await folder.readPart(name, 0, DUMP_MAGIC.length);
    if (!begin.ok) return begin;
    if (begin.value.latin1Slice() !== DUMP_MAGIC) return { ok: true, value: { bytes: 0, position: null } };
    const loading = new Loading(this.#shard);
    const reader = readerInto(loading);
    let bytes = 0;
    try {
      while (!reader.done) {
        const part = await folder.readPart(name, bytes, PART_BYTES);
        if (!part.ok) return part;
        if (part.value.length === 0) return damage(folder, name, bytes, 'the dump at its begin has no end');
        bytes += reader.push(part.value);
      }
      loading.install();
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      return damage(folder, name, bytes, error.message);
    } finally {
      loading.discard();
    }
    for (const listener of this.#shard.onLoaded) listener({ facts: loading.facts });
    return { ok: true, value: { bytes, position: positionIn(loading.facts) } };
  }

  close(): void {
    this.#shard.closeSession(this.#session);
  }

  #execute(words: readonly string[]): void {
    this.#shard.tick();
    this.#shard.execute(this.#session, words);
    this.#session.transaction.aborted = false; // EXEC runs what was queued all the same
  }

  #tellFailure(reply: Reply): void {
    const failure = failureIn(reply);
    if (failure === null) return;
    this.#shard.world.log.event('logged-request-failed', { command: this.#session.lastCommand, detail: failure });
  }
}

/** What does not fit into one line goes on in the next. */
const noteFact = (facts: Map<string, string>, [, name = '', value = '']: readonly string[]): void => {
  facts.set(name, (facts.get(name) ?? '') + Buffer.from(value, 'base64').latin1Slice());
};

const positionOf = ([, replicationId, offset, database]: readonly string[]): StreamPosition | null =>
  /^[0-9a-f]{40}$/.test(replicationId ?? '') && /^\d{1,16}$/.test(offset ?? '') && /^\d{1,9}$/.test(database ?? '')
    ? { replicationId: replicationId!, offset: Number(offset), database: Number(database) }
    : null;

const damage = ({ path }: Folder, name: string, at: number, detail: string): FileTrouble => ({
  ok: false,
  why: 'failed',
  detail: `Bad file format reading the append only file ${path}/${name}, behind byte ${at}: ${detail}. Cut it off there, or put a copy back`,
});

const unknown = ({ path }: Folder, name: string, at: number, [command]: readonly string[]): FileTrouble => ({
  ok: false,
  why: 'failed',
  detail: `Unknown command '${command?.slice(0, 100)}' reading the append only file ${path}/${name}, behind byte ${at}`,
});
