/**
 * The payload of FUNCTION DUMP and RESTORE: the code of libraries, each behind its opcode as in a dump, then the RDB version and a
 * checksum. The version written is the one that brought libraries, so that every server that knows them accepts it.
 * [redis functions.c functionDumpCommand]
 */
import { scannedText } from './cursor.ts';
import { buildPayload, payloadBody } from './payload.ts';
import { RdbError } from './rdb-error.ts';
import { Scan } from './scan.ts';
import { OPCODE } from './vendors.ts';

/** Of Redis 7.0. */
const VERSION = 10;

export type LibraryPayload =
  | { readonly ok: true; readonly codes: readonly string[] }
  | { readonly ok: false; readonly why: 'checksum' | 'not-a-function' | 'damaged' };

export function dumpLibraries(codes: readonly string[]): Buffer {
  const expectedBytes = codes.reduce((sum, { length }) => sum + length + 8, 16);
  return buildPayload(VERSION, { compress: true, expectedBytes }, (sink) => {
    for (const code of codes) {
      sink.byte(OPCODE.function);
      sink.string(code);
    }
  });
}

export function parseLibraries(payload: Buffer): LibraryPayload {
  const body = payloadBody(payload);
  if (body === null) return { ok: false, why: 'checksum' };
  const codes: string[] = [];
  const scan = new Scan();
  try {
    for (let at = 0; at < body.length; at = scan.next) {
      if (body[at] !== OPCODE.function) return { ok: false, why: 'not-a-function' };
      if (!scan.string(body, at + 1, body.length)) return { ok: false, why: 'damaged' };
      codes.push(scannedText(scan, body));
    }
  } catch (error) {
    if (error instanceof RdbError) return { ok: false, why: 'damaged' };
    throw error;
  }
  return { ok: true, codes };
}
