/** Our reading of cipher lists against OpenSSL's own. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ciphersOf, DEFAULT_SUITES, isCipherSuite, servesCipher } from '../../src/world/cipher-list.ts';
import { programAvailable } from '../support/programs.ts';

const hasOpenssl = programAvailable('openssl', 'version');
const RUNS = 40 * Number(process.env['ANTIPODE_RUNS'] ?? 1);

/** Of TLS 1.2, with a certificate and encryption; level 1 is that of Node.js. */
const opensslCiphers = (list: string): readonly string[] => {
  const { status, stdout } = spawnSync('openssl', ['ciphers', '-v', `${list.replace(/^-/, ':-')}:@SECLEVEL=1`], {
    encoding: 'utf8',
  });
  if (status !== 0) return [];
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '' && !/ TLSv1\.3 |Au=None|Au=PSK|Au=SRP|Kx=\S*PSK|Kx=SRP|Enc=None/.test(line));
  return lines.map((line) => line.split(' ')[0]!).toSorted();
};

const ours = (list: string): readonly string[] => [...ciphersOf(list)].toSorted();

const WORDS = [
  ...[
    'ALL',
    'HIGH',
    'MEDIUM',
    'LOW',
    'COMPLEMENTOFDEFAULT',
    'aNULL',
    'eNULL',
    'NULL',
    'EXPORT',
    'PSK',
    'SRP',
    'nonsense',
  ],
  ...['RSA', 'kRSA', 'aRSA', 'ECDSA', 'aECDSA', 'ECDHE', 'kECDHE', 'EECDH', 'DHE', 'kEDH', 'EDH', 'DSS', 'aDSS'],
  ...[
    'AES',
    'AES128',
    'AES256',
    'AESGCM',
    'AESCCM',
    'AESCCM8',
    'CHACHA20',
    'CAMELLIA',
    'CAMELLIA256',
    'ARIA',
    'ARIA128',
  ],
  ...['SHA', 'SHA1', 'SHA256', 'SHA384', 'MD5', '3DES', 'RC4', 'TLSv1.2', 'TLSv1', 'SSLv3'],
  ...['ECDHE-RSA-AES128-GCM-SHA256', 'AES256-SHA', 'DHE-DSS-AES128-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
] as const;

describe.skipIf(!hasOpenssl)('a cipher list means what it means to OpenSSL', () => {
  test('for every word alone, and for lists that people write', () => {
    const lists = [
      'COMPLEMENTOFDEFAULT+AES256-SHA',
      'AES256-SHA+COMPLEMENTOFDEFAULT',
      'COMPLEMENTOFDEFAULT+HIGH',
      'HIGH+COMPLEMENTOFDEFAULT+AES256-SHA',
      'COMPLEMENTOFDEFAULT+HIGH+COMPLEMENTOFDEFAULT',
      'HIGH:!3DES:!aNULL',
      'DEFAULT',
      'DEFAULT:!AES128',
      'ALL:-RSA:AES256-SHA',
      'EECDH+AESGCM:EDH+AESGCM',
    ];
    for (const list of [...WORDS, ...lists])
      expect({ list, ciphers: ours(list) }).toEqual({ list, ciphers: opensslCiphers(list) });
  });

  test('for generated lists', () => {
    const term = fc.tuple(
      fc.constantFrom('', '', '!', '-', '+'),
      fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 2 }).map((words) => words.join('+')),
    );
    const list = fc
      .tuple(
        fc.constantFrom('', 'DEFAULT:'),
        fc.array(term, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(':', ',', ' '),
      )
      .map(([start, terms, separator]) => start + terms.map((parts) => parts.join('')).join(separator));
    fc.assert(
      fc.property(list, (given) => {
        expect(ours(given)).toEqual(opensslCiphers(given));
      }),
      { numRuns: RUNS },
    );
  });
});

test('suites of TLS 1.3 are known by name, and a key serves its own kind of cipher', () => {
  expect(DEFAULT_SUITES.every(isCipherSuite)).toBe(true);
  expect(isCipherSuite('TLS_AES_256_GCM_SHA385')).toBe(false);
  const kinds = ['rsa', 'ec', 'ed25519', 'dsa'].map((key) =>
    ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-RSA-AES128-SHA', 'AES128-SHA', 'DHE-DSS-AES128-SHA'].map((cipher) =>
      servesCipher(key, cipher),
    ),
  );
  expect(kinds).toEqual([
    [false, true, true, false],
    [true, false, false, false],
    [true, false, false, false],
    [false, false, false, true],
  ]);
});
