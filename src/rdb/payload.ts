/**
 * The payload of DUMP and RESTORE: one value with its type before it, and after it the RDB version and a checksum.
 *
 * The version written is the lowest that knows the type, so that the oldest possible server accepts it
 * [redis cluster.c verifyDumpPayload refuses a version above its own].
 */
import { ByteSink } from './byte-sink.ts';
import { Crc64, CRC64_BYTES } from './crc64.ts';
import { ENCODE_OPTIONS, encodedType, encodeValue } from './encode-value.ts';
import type { EncodeOptions } from './encode-value.ts';
import type { RdbValue } from './values.ts';

const VERSION_BYTES = 2;
const FOOTER_BYTES = VERSION_BYTES + CRC64_BYTES;
/** Redis 7.4 and 8.0; beyond, the numbers of types mean different things to different vendors. */
const VERSION_ACCEPTED_MAX = 12;

export type PayloadOutcome =
  | { readonly ok: true; readonly type: number; /** A view into the payload. */ readonly raw: Buffer }
  | { readonly ok: false };

export function dumpPayload(value: RdbValue, options: EncodeOptions = ENCODE_OPTIONS): Buffer {
  const type = encodedType(value, options);
  const expectedBytes = typeof value === 'string' ? value.length + FOOTER_BYTES + 16 : 1024;
  return build(type, { compress: options.compress, expectedBytes }, (sink) => encodeValue(sink, type, value, options));
}

/** `raw` is a value's bytes as a dump holds them, without the type byte. */
export function payloadFrom(type: number, raw: Buffer): Buffer {
  const expectedBytes = raw.length + FOOTER_BYTES + 16;
  return build(type, { compress: false, expectedBytes }, (sink) => sink.bytes(raw, 0, raw.length));
}

/** Checks length, version and checksum; whether the value itself is sound is for `decodeValue` to say. */
export function parsePayload(payload: Buffer): PayloadOutcome {
  const body = payloadBody(payload);
  if (body === null || body.length === 0) return { ok: false };
  return { ok: true, type: body[0]!, raw: body.subarray(1) };
}

/** A view of what lies before version and checksum; null when they are wrong. */
export function payloadBody(payload: Buffer): Buffer | null {
  const versionAt = payload.length - FOOTER_BYTES;
  if (versionAt < 0) return null;
  if (payload.readUInt16LE(versionAt) > VERSION_ACCEPTED_MAX) return null;
  const checksum = new Crc64();
  checksum.update(payload, 0, versionAt + VERSION_BYTES);
  return checksum.matches(payload, versionAt + VERSION_BYTES) ? payload.subarray(0, versionAt) : null;
}

function build(type: number, options: PayloadOptions, write: (sink: ByteSink) => void): Buffer {
  return buildPayload(lowestVersion(type), options, (sink) => {
    sink.byte(type);
    write(sink);
  });
}

interface PayloadOptions {
  readonly compress: boolean;
  readonly expectedBytes: number;
}

export function buildPayload(version: number, options: PayloadOptions, write: (sink: ByteSink) => void): Buffer {
  const chunks: Buffer[] = [];
  const sink = new ByteSink((chunk) => chunks.push(chunk), options);
  write(sink);
  sink.byte(version);
  sink.byte(0);
  sink.finish();
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** RDB 9 is Redis 5, 10 is 7.0, 11 is 7.2, 12 is 7.4. */
function lowestVersion(type: number): number {
  if (type < 16) return 9;
  if (type < 20) return 10;
  return type < 22 ? 11 : 12;
}
