import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  derBitString,
  derExplicit,
  derInteger,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derTime,
  pem,
} from '../../../src/cluster/certificates/der.ts';
import { programAvailable } from '../../support/programs.ts';

const hasOpenssl = programAvailable('openssl', 'version');

const read = (der: Buffer): string =>
  execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: der, encoding: 'utf8' });

describe('DER', () => {
  it.skipIf(!hasOpenssl)('is read back by openssl, with lengths of one, two and three bytes', () => {
    for (const length of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xff00]) {
      const text = read(derSequence(derInteger(2), derOctetString(Buffer.alloc(length, 7))));
      expect(text).toMatch(new RegExp(`l= *${length} prim: OCTET STRING`));
    }
    expect(read(derExplicit(3, derBitString(Buffer.of(1, 2))))).toMatch(/cont \[ 3 \][^]*l= *3 prim: BIT STRING/);
  });

  it('writes object identifiers whose arcs need several bytes', () => {
    expect(derObjectIdentifier('1.2.840.10045.4.3.2').toString('hex')).toBe('06082a8648ce3d040302');
    expect(derObjectIdentifier('1.3.101.112').toString('hex')).toBe('06032b6570');
  });

  it('changes the type of time with the year 2050', () => {
    expect(derTime(Date.parse('2049-12-31T23:59:59.999Z')).toString('latin1')).toBe('\x17\x0d491231235959Z');
    expect(derTime(Date.parse('2050-01-01T00:00:00Z')).toString('latin1')).toBe('\x18\x0f20500101000000Z');
    expect(() => derTime(Date.parse('1949-12-31T23:59:59Z'))).toThrow(/1950 to 9999/);
  });

  it('refuses what it does not write', () => {
    expect(() => derInteger(128)).toThrow(/one byte/);
    expect(() => derOctetString(Buffer.alloc(65_536))).toThrow(/65535/);
  });

  it('has an armour of lines of 64 from which any bytes come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const lines = pem('THING', bytes).split('\n');
        const body = lines.slice(1, -2);
        expect([lines[0], ...lines.slice(-2)]).toEqual(['-----BEGIN THING-----', '-----END THING-----', '']);
        expect(body.every((line) => line.length <= 64)).toBe(true);
        expect(new Uint8Array(Buffer.from(body.join(''), 'base64'))).toEqual(bytes);
      }),
    );
  });
});
