/**
 * Hash slots: CRC16 of the part of a key that counts, modulo 16384.
 *
 * Keys are binary strings (one char per byte). Which part of a key counts is a policy: the open source rule is here,
 * Redis Enterprise's regular expressions are in `hashing-policy.ts`. Who owns a slot is in `slot-map.ts`. Pure.
 */

export const SLOT_COUNT = 16384;

/** The slots there are: `count` of them, numbered from `first` up. Counts are powers of two. [RS clustering: hash slots policy] */
export interface SlotSpace {
  readonly first: number;
  readonly count: number;
}

export const SLOTS_16K: SlotSpace = { first: 0, count: SLOT_COUNT };
export const SLOTS_LEGACY: SlotSpace = { first: 1, count: 4096 };

/** CRC-16/XMODEM, polynomial 0x1021: the one Redis Cluster is built on [redis crc16.c]. */
const TABLE = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  TABLE[byte] = crc;
}

/**
 * Works on a part of the text so that a hash tag need not be cut out first: this runs once per key of every request.
 * Bits above the sixteenth are left to pile up until the end; the table never sees them.
 */
export const crc16 = (text: string, from = 0, to = text.length): number => {
  let crc = 0;
  for (let at = from; at < to; at++) crc = (crc << 8) ^ TABLE[((crc >> 8) ^ text.charCodeAt(at)) & 0xff]!;
  return crc & 0xffff;
};

/** Slot of the part of `text` from `from` up to, not including, `to`. */
export const slotOfPart = (text: string, from: number, to: number, slots: SlotSpace = SLOTS_16K): number =>
  (crc16(text, from, to) & (slots.count - 1)) + slots.first;

/**
 * The open source rule: what stands between the first `{` and the first `}` after it counts, unless that is nothing;
 * then the whole key counts [redis cluster.c keyHashSlot].
 */
export const redisSlot = (key: string): number => {
  const open = key.indexOf('{');
  if (open !== -1) {
    const close = key.indexOf('}', open + 1);
    if (close > open + 1) return slotOfPart(key, open + 1, close);
  }
  return slotOfPart(key, 0, key.length);
};
