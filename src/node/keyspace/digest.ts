/**
 * Redis's own fingerprint of a dataset (DEBUG DIGEST, DEBUG DIGEST-VALUE), so that two servers are compared by one line.
 * SHA-1 sums are joined by XOR where order does not matter, and summed again where it does. [redis debug.c computeDatasetDigest]
 *
 * Scores count as Redis to 7.0 prints them, `%.17g`; 7.2 and later print them shortest, so their fingerprints of sorted sets
 * with fractional scores are others. Whether a key expires counts, not when. Keys whose time has come count until deleted.
 */

import { hash } from 'node:crypto';
import { format17 } from '../commands/numbers.ts';
import type { Keyspace } from './keyspace.ts';
import { typeName, type Value } from './value.ts';

const DIGEST_BYTES = 20;
const TYPE_NUMBERS = { string: 0, list: 1, set: 2, zset: 3, hash: 4, stream: 6 } as const;
/** [redis 7.4 debug.c xorObjectDigest] */
const FIELD_EXPIRES = '!!hexpire!!';
const EXPIRES = '!!expire!!';

/** A dozen for each key: in one call, and as a string, they take a third of the time. */
const sha1 = (data: Buffer): string => hash('sha1', data, 'binary');

class Digest {
  readonly #bytes = Buffer.alloc(DIGEST_BYTES);

  /** Order of what is added does not matter. */
  add(data: string | Buffer): void {
    const sum = sha1(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
    for (let i = 0; i < DIGEST_BYTES; i++) this.#bytes[i]! ^= sum.charCodeAt(i);
  }

  /** Order does matter. */
  mix(data: string | Buffer): void {
    this.add(data);
    this.#bytes.latin1Write(sha1(this.#bytes), 0);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  toString(): string {
    return this.#bytes.toString('hex');
  }
}

/** Of everything in all databases. */
export function datasetDigest(keyspaces: readonly Keyspace[]): string {
  const whole = new Digest();
  for (const keyspace of keyspaces) {
    if (keyspace.size === 0) continue;
    whole.mix(bigEndian(keyspace.index));
    keyspace.values.forEach((key, value) => {
      const one = new Digest();
      one.mix(key);
      mixValue(one, value, keyspace.expires.has(key));
      whole.add(one.bytes);
    });
  }
  return whole.toString();
}

/** Of one value; all zeros when there is none. Its key does not count. */
export function valueDigest(keyspace: Keyspace, key: string): string {
  const digest = new Digest();
  const value = keyspace.values.get(key);
  if (value !== undefined) mixValue(digest, value, keyspace.expires.has(key));
  return digest.toString();
}

function mixValue(digest: Digest, value: Value, expires: boolean): void {
  digest.mix(bigEndian(TYPE_NUMBERS[typeName(value)]));
  if (typeof value === 'string') digest.mix(value);
  else {
    switch (value.kind) {
      case 'raw':
        digest.mix(value.view);
        break;
      case 'list':
        for (const item of value) digest.mix(item);
        break;
      case 'set':
        for (const member of value.members()) digest.add(member);
        break;
      case 'zset':
        value.forEach((member, score) => digest.add(pair(member, format17(score))));
        break;
      case 'stream':
        for (const { id, pairs } of value.toRdb().entries) {
          digest.mix(`${id >> 64n}.${BigInt.asUintN(64, id)}`);
          for (const word of pairs) digest.mix(word);
        }
        break;
      case 'hash':
        value.forEach((field, each) => digest.add(pair(field, each, value.expiryOf(field) !== undefined)));
        break;
    }
  }
  if (expires) digest.add(EXPIRES);
}

function pair(first: string, second: string, expires = false): Buffer {
  const digest = new Digest();
  digest.mix(first);
  digest.mix(second);
  if (expires) digest.add(FIELD_EXPIRES);
  return digest.bytes;
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
