/**
 * `client-output-buffer-limit`: how many bytes may wait for a client that does not read, by class of client. Beyond the hard
 * limit, or beyond the soft one for so many seconds, it is disconnected [redis networking.c checkClientOutputBufferLimits].
 * The value is text in Redis's own form; 0 is no limit.
 */

import { parseBytes, shortBytes } from './memory-size.ts';

type OutputClass = 'normal' | 'slave' | 'pubsub';

export interface OutputLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

export type OutputLimits = Readonly<Record<OutputClass, OutputLimit>>;

/** So much of a reply no limit looks at: it fits in the buffer that each client has anyway [redis server.h PROTO_REPLY_CHUNK_BYTES]. */
export const REPLY_BUFFER_BYTES = 16 * 1024;
/** Of a client that has not said who it is, whatever is configured. [redis networking.c checkClientOutputBufferLimits] */
export const UNAUTHENTICATED_LIMIT: OutputLimit = {
  hardBytes: REPLY_BUFFER_BYTES + 1024,
  softBytes: 0,
  softSeconds: 0,
};

const CLASSES: readonly OutputClass[] = ['normal', 'slave', 'pubsub'];
export const DEFAULT_OUTPUT_LIMITS: string = 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60';

/** Reads text in canonical form. */
export function outputLimits(canonical: string): OutputLimits {
  const words = canonical.split(' ');
  const limits: Partial<Record<OutputClass, OutputLimit>> = {};
  for (let at = 0; at < words.length; at += 4) {
    const [hardBytes, softBytes, softSeconds] = words.slice(at + 1, at + 4).map(Number) as [number, number, number];
    limits[words[at] as OutputClass] = { hardBytes, softBytes, softSeconds };
  }
  return limits as OutputLimits;
}

export type OutputLimitsOutcome =
  | { readonly ok: true; readonly canonical: string }
  | { readonly ok: false; readonly detail: string };

/** Some classes with new limits; the others keep theirs. */
export function changeOutputLimits(raw: string, before: string): OutputLimitsOutcome {
  const words = raw.split(' ').filter((word) => word !== '');
  if (words.length % 4 !== 0) {
    return { ok: false, detail: 'Wrong number of arguments in buffer limit configuration.' };
  }
  const limits: Record<OutputClass, OutputLimit> = { ...outputLimits(before) };
  for (let at = 0; at < words.length; at += 4) {
    const given = words[at]!.toLowerCase();
    const named = CLASSES.find((each) => each === (given === 'replica' ? 'slave' : given));
    if (named === undefined)
      return { ok: false, detail: 'Invalid client class specified in buffer limit configuration.' };
    const hardBytes = parseBytes(words[at + 1]!);
    const softBytes = parseBytes(words[at + 2]!);
    const softSeconds = /^\d{1,10}$/.test(words[at + 3]!) ? Number(words[at + 3]) : null;
    if (hardBytes === null || softBytes === null || softSeconds === null) {
      return { ok: false, detail: 'Error in hard, soft or soft_seconds setting in buffer limit configuration.' };
    }
    limits[named] = { hardBytes, softBytes, softSeconds };
  }
  return {
    ok: true,
    canonical: CLASSES.map(
      (each) => `${each} ${limits[each].hardBytes} ${limits[each].softBytes} ${limits[each].softSeconds}`,
    ).join(' '),
  };
}

const lineOf = (name: OutputClass, { hardBytes, softBytes, softSeconds }: OutputLimit): string =>
  `${name === 'slave' ? 'replica' : name} ${shortBytes(hardBytes)} ${shortBytes(softBytes)} ${softSeconds}`;

/** A line of a redis.conf for each class; `isForced`: it differs from the default. */
export function outputLimitLines(canonical: string): readonly { readonly text: string; readonly isForced: boolean }[] {
  const limits = outputLimits(canonical);
  const defaults = outputLimits(DEFAULT_OUTPUT_LIMITS);
  return CLASSES.map((name) => {
    const text = lineOf(name, limits[name]);
    return { text, isForced: text !== lineOf(name, defaults[name]) };
  });
}

/** Watches one client. */
export class OutputWatch {
  #softSinceMs: number | null = null;

  /** True when the client must go. */
  exceeds(limit: OutputLimit, unsentBytes: number, nowMs: number): boolean {
    if (limit.hardBytes > 0 && unsentBytes >= limit.hardBytes) return true;
    if (limit.softBytes === 0 || unsentBytes < limit.softBytes) {
      this.#softSinceMs = null;
      return false;
    }
    this.#softSinceMs ??= nowMs;
    return nowMs - this.#softSinceMs > limit.softSeconds * 1000;
  }
}
