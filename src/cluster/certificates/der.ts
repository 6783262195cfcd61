/**
 * DER, the encoding of certificates and keys: a writer for the few types that `x509.ts` needs, no reader.
 *
 * Pure: values in, bytes out. Reading certificates is left to node:crypto (`certificate-facts.ts`).
 */

import assert from 'node:assert';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

/** Tag, length, contents. Lengths up to 65535 are all that a certificate needs. */
const element = (tag: number, ...contents: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(contents);
  assert(body.length <= 0xffff, 'a DER element of at most 65535 bytes');
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length <= 0xff
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};

export const derSequence = (...items: readonly Uint8Array[]): Buffer => element(SEQUENCE, ...items);
export const derSet = (...items: readonly Uint8Array[]): Buffer => element(SET, ...items);
export const derOctetString = (bytes: Uint8Array): Buffer => element(OCTET_STRING, bytes);
export const derUtf8String = (text: string): Buffer => element(UTF8_STRING, Buffer.from(text, 'utf8'));

/** Whole bytes only: the leading zero says that no bit of the last byte is unused. */
export const derBitString = (bytes: Uint8Array): Buffer => element(BIT_STRING, Buffer.of(0), bytes);

/** Small numbers that are not negative: versions and serial 1. */
export const derInteger = (value: number): Buffer => {
  assert(Number.isInteger(value) && value >= 0 && value < 0x80, 'a DER integer of one byte');
  return element(INTEGER, Buffer.of(value));
};

/** `1.2.840.10045.2.1`: the first two arcs share a byte, the others are written in base 128. */
export const derObjectIdentifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return element(OBJECT_IDENTIFIER, Buffer.from(bytes));
};

/** Whole seconds. Years before 2050 have two digits and a type of their own [RFC 5280 4.1.2.5]. */
export const derTime = (timeMs: number): Buffer => {
  const iso = new Date(timeMs).toISOString();
  assert(iso.length === 24 && iso >= '1950', 'a certificate speaks of the years 1950 to 9999');
  const digits = `${iso.slice(0, 19).replace(/\D/g, '')}Z`;
  return iso < '2050'
    ? element(UTC_TIME, Buffer.from(digits.slice(2), 'latin1'))
    : element(GENERALIZED_TIME, Buffer.from(digits, 'latin1'));
};

/** `[number]` around other elements. */
export const derExplicit = (number: number, ...items: readonly Uint8Array[]): Buffer =>
  element(CONTEXT | CONSTRUCTED | number, ...items);

/** `[number]` in place of a primitive's own tag. */
export const derImplicit = (number: number, bytes: Uint8Array): Buffer => element(CONTEXT | number, bytes);

/** Text armour with 64 characters a line. */
export const pem = (label: string, der: Uint8Array): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
};
