/**
 * A snapshot as the requests that make the same data anew, for the base of an append log under `aof-use-rdb-preamble no`.
 * [redis aof.c rewriteAppendOnlyFileRio]
 *
 * What a dump says in AUX fields stands at the end, in remarks (`#AUX name value`, the value in base64, in pieces): whoever reads the log
 * has the data of that moment there. A stream is one RESTORE, where Redis adds its entries one by one. Border: as that of `RdbWriter`,
 * in whose place it is; reading is `log-reader.ts`. Limits: ITEMS_MAX in a request, REMARK_BYTES_MAX of a value in a line, so that
 * redis-server reads past it.
 */

import { dumpPayload } from '../../rdb/payload.ts';
import type { RdbValue } from '../../rdb/values.ts';
import { encodeRequest, formatDouble } from '../../resp/reply.ts';

/** [redis server.h AOF_REWRITE_ITEMS_PER_CMD] */
const ITEMS_MAX = 64;
const REMARK_BYTES_MAX = 600;
/** More than this is handed on. */
const GATHERED_BYTES_MAX = 64 * 1024;
export const FACT_REMARK = '#AUX';

type Facts = readonly (readonly [name: string, value: string])[];

export class RequestWriter {
  bytesWritten = 0;
  readonly #emit: (chunk: Buffer) => void;
  /** Of the remark at the begin; null: there is to be none. */
  readonly #second: number | null;
  #facts: Facts = [];
  #gathered = '';

  constructor(emit: (chunk: Buffer) => void, second: number | null) {
    this.#emit = emit;
    this.#second = second;
  }

  header(facts: Facts): void {
    this.#facts = facts;
    if (this.#second !== null) this.#write(`#TS:${this.#second}\r\n`);
  }

  functionLibrary(code: string): void {
    this.#request('FUNCTION', 'LOAD', code);
  }

  selectDatabase(database: number): void {
    this.#request('SELECT', String(database));
  }

  entry(key: string, value: RdbValue, expireAtMs: number | null): void {
    this.#value(key, value);
    if (expireAtMs !== null) this.#request('PEXPIREAT', key, String(expireAtMs));
  }

  end(): void {
    for (const [name, value] of this.#facts) {
      for (let at = 0; at < value.length; at += REMARK_BYTES_MAX) {
        const piece = Buffer.from(value.slice(at, at + REMARK_BYTES_MAX), 'latin1');
        this.#write(`${FACT_REMARK} ${name} ${piece.toString('base64')}\r\n`);
      }
    }
    this.#flush();
  }

  #value(key: string, value: RdbValue): void {
    if (typeof value === 'string') {
      this.#request('SET', key, value);
      return;
    }
    switch (value.kind) {
      case 'list':
        this.#items('RPUSH', key, value.items, ITEMS_MAX);
        return;
      case 'set':
        this.#items('SADD', key, value.members, ITEMS_MAX);
        return;
      case 'zset': {
        const { members, scores } = value;
        const pairs = members.flatMap((member, i) => [formatDouble(scores[i]!), member]);
        this.#items('ZADD', key, pairs, 2 * ITEMS_MAX);
        return;
      }
      case 'hash':
        this.#items('HMSET', key, value.pairs, 2 * ITEMS_MAX);
        value.expiries?.forEach((atMs, i) => {
          if (atMs > 0) this.#request('HPEXPIREAT', key, String(atMs), 'FIELDS', '1', value.pairs[2 * i]!);
        });
        return;
      case 'stream':
        this.#request('RESTORE', key, '0', dumpPayload(value).latin1Slice());
    }
  }

  #items(name: string, key: string, items: readonly string[], itemsMax: number): void {
    for (let at = 0; at < items.length; at += itemsMax) this.#request(name, key, ...items.slice(at, at + itemsMax));
  }

  #request(...words: readonly string[]): void {
    this.#write(encodeRequest(words));
  }

  #write(bytes: string): void {
    this.bytesWritten += bytes.length;
    this.#gathered += bytes;
    if (this.#gathered.length > GATHERED_BYTES_MAX) this.#flush();
  }

  #flush(): void {
    if (this.#gathered === '') return;
    this.#emit(Buffer.from(this.#gathered, 'latin1'));
    this.#gathered = '';
  }
}
