import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHAIN_LENGTH_MAX,
  parseCertificate,
  PEM_LENGTH_MAX,
  validateCertificatePair,
} from '../../../src/cluster/certificates/certificate-facts.ts';
import { makeClusterCertificate } from '../../../src/cluster/certificates/cluster-certificates.ts';
import { programAvailable } from '../../support/programs.ts';
import { certificateWorld } from './fixtures.ts';

const hasOpenssl = programAvailable('openssl', 'version');

const NOW = Date.parse('2026-11-02T03:04:05.678Z');
const YEAR_MS = 365 * 86_400_000;
const world = certificateWorld('facts', NOW);
const syncer = makeClusterCertificate(world, 'west.local', 'syncer');
const other = makeClusterCertificate(world, 'west.local', 'syncer');

/** A certificate made by openssl, with a subject of our choice. */
const foreign = (subject: string): { certificate: string; key: string } => {
  const folder = mkdtempSync(join(tmpdir(), 'antipode-certificates-'));
  try {
    const [keyPath, certificatePath] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const making = `req -x509 -newkey rsa:2048 -nodes -days 3 -set_serial 0x1234abcd -keyout ${keyPath} -out ${certificatePath} -subj`;
    execFileSync('openssl', [...making.split(' '), subject], { stdio: 'ignore' });
    return { certificate: readFileSync(certificatePath, 'utf8'), key: readFileSync(keyPath, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

describe('the facts of a certificate', () => {
  it('are those it was made with', () => {
    const name = { CN: 'west.local', O: 'RedisLabs Enterprise Cluster', OU: ['syncer'], L: null, ST: null, C: null };
    expect(parseCertificate(syncer.certificate)).toEqual({
      ok: true,
      certificate: {
        subject: name,
        issuer: name,
        subjectText: 'CN=west.local, OU=syncer, O=RedisLabs Enterprise Cluster',
        validFromMs: Date.parse('2026-11-02T03:04:05Z'),
        validToMs: Date.parse('2027-11-02T03:04:05Z'),
        serial: '01',
        fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
        keyType: 'ec',
        keyBits: 256,
      },
    });
  });

  it.skipIf(!hasOpenssl)('are read from certificates of other makers: RSA, several units, all parts', () => {
    const { certificate, key } = foreign('/C=DE/ST=Bavaria/L=Munich/O=Example, Inc./OU=one/OU=two/CN=app.example');
    expect(parseCertificate(certificate)).toMatchObject({
      ok: true,
      certificate: {
        subject: { CN: 'app.example', O: 'Example, Inc.', OU: ['one', 'two'], L: 'Munich', ST: 'Bavaria', C: 'DE' },
        serial: '1234ABCD',
        keyType: 'rsa',
        keyBits: 2048,
      },
    });
    expect(validateCertificatePair(certificate, key, Date.now() + 60_000)).toMatchObject({ ok: true });
    expect(validateCertificatePair(syncer.certificate, key, NOW)).toMatchObject({ ok: false, why: 'key-mismatch' });
  });

  it('are those of the first certificate of a chain, whatever text stands around it', () => {
    const own = parseCertificate(syncer.certificate);
    expect(parseCertificate(`subject=x\n${syncer.certificate}\n${other.certificate}`)).toEqual(own);
    expect(parseCertificate(syncer.certificate.replaceAll('\n', '\r\n'))).toEqual(own);
  });
});

const damaged = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.nat(text.length - 1), fc.constantFrom('A', '/', '-', '\n', '\0', 'é')), { maxLength: 4 })
    .map((edits) => {
      const chars = text.split('');
      for (const [at, char] of edits) chars[at] = char;
      return chars.join('');
    });

describe('a certificate and key', () => {
  it('are accepted from the first second to the last', () => {
    const first = Math.floor(NOW / 1000) * 1000;
    expect(validateCertificatePair(syncer.certificate, syncer.key, first)).toMatchObject({ ok: true });
    expect(validateCertificatePair(syncer.certificate, syncer.key, first + YEAR_MS)).toMatchObject({ ok: true });
  });

  it('are refused with the reason', () => {
    const why = (certificate: string, key: string, nowMs = NOW): string => {
      const outcome = validateCertificatePair(certificate, key, nowMs);
      return outcome.ok ? 'accepted' : outcome.why;
    };
    expect(why(syncer.certificate, syncer.key, NOW + YEAR_MS + 1000)).toBe('expired');
    expect(why(syncer.certificate, syncer.key, NOW - 1000)).toBe('not-yet-valid');
    expect(why(syncer.certificate, other.key)).toBe('key-mismatch');
    expect(why(syncer.certificate, syncer.certificate)).toBe('invalid');
    expect(why(syncer.key, syncer.key)).toBe('invalid');
    expect(why('', '')).toBe('invalid');
    expect(why(syncer.certificate, '')).toBe('invalid');
    expect(
      why(`${syncer.certificate}${syncer.certificate.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA')}`, syncer.key),
    ).toBe('invalid');
    const expiredIssuer = makeClusterCertificate(certificateWorld('old', NOW - 2 * YEAR_MS), 'west.local', 'proxy');
    expect(why(`${syncer.certificate}${expiredIssuer.certificate}`, syncer.key)).toBe('expired');
  });

  it('are refused unread beyond the limits', () => {
    const long = syncer.certificate + ' '.repeat(PEM_LENGTH_MAX);
    expect(parseCertificate(long)).toMatchObject({ ok: false, detail: expect.stringContaining('longer than') });
    expect(validateCertificatePair(syncer.certificate, long, NOW)).toMatchObject({ ok: false, why: 'invalid' });
    const chain = syncer.certificate.repeat(CHAIN_LENGTH_MAX + 1);
    expect(parseCertificate(chain)).toMatchObject({ ok: false, detail: expect.stringContaining('more than 10') });
  });

  it('never throw, however they are damaged', () => {
    fc.assert(
      fc.property(damaged(syncer.certificate), damaged(syncer.key), (certificate, key) => {
        const outcome = validateCertificatePair(certificate, key, NOW);
        expect(outcome.ok || outcome.detail.length > 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
