import { beforeAll, describe, expect, test } from 'vitest';
import { certificateExpiries } from '../../../src/cluster/certificates/certificate-expiry.ts';
import { makeClusterCertificate } from '../../../src/cluster/certificates/cluster-certificates.ts';
import type { CertificateWish, Change } from '../../../src/cluster/state/change.ts';
import { generateCertificate, type TestCertificate } from '../../support/certificates.ts';
import { certificateWorld } from '../certificates/fixtures.ts';
import { applied, NOW_MS, refused, testCluster } from './fixtures.ts';

const DAY_MS = 86_400_000;
const replacement = (...certificates: CertificateWish[]): Change => ({
  kind: 'replace-certificates',
  atMs: NOW_MS,
  certificates,
});
const removal = (name: string): Change => ({ kind: 'delete-certificate', atMs: NOW_MS, name });
const at = (days: number): Date => new Date(NOW_MS + days * DAY_MS);
const inTime = { notBefore: at(-1), notAfter: at(30) };

const fresh = makeClusterCertificate(certificateWorld('fresh', NOW_MS), 'east.local', 'proxy');
const syncer = makeClusterCertificate(certificateWorld('syncer', NOW_MS), 'east.local', 'syncer');

describe('replacing certificates of a cluster', () => {
  let root: TestCertificate;
  let leaf: TestCertificate;
  beforeAll(async () => {
    root = await generateCertificate({ cn: 'root', authority: true, ...inTime });
    leaf = await generateCertificate({ cn: 'east.local', san: ['*.east.local'], issuer: root, ...inTime });
  });

  test('a replaced certificate takes the place of the old one and of no other', () => {
    const before = testCluster();
    const after = applied(before, replacement({ name: 'proxy', ...fresh }));
    expect(after.certificates).toEqual({ ...before.certificates, proxy: fresh });
    expect(after.version).toBe(before.version + 1);
  });

  test('several are checked before any is applied', () => {
    const before = testCluster();
    const both = applied(before, replacement({ name: 'proxy', ...fresh }, { name: 'syncer', ...syncer }));
    expect([both.certificates.proxy, both.certificates.syncer]).toEqual([fresh, syncer]);
    const halfWrong = replacement({ name: 'proxy', ...fresh }, { name: 'syncer', ...syncer, key: fresh.key });
    expect(refused(before, halfWrong)).toEqual({
      code: 'invalid_cluster_certificate',
      description:
        'certificate "syncer": the key does not belong to the certificate CN=east.local, OU=syncer, O=RedisLabs Enterprise Cluster',
    });
  });

  test('a chain is accepted in the order in which one issues the other, and in no other', () => {
    const { certificate, key } = leaf;
    const good = replacement({ name: 'proxy', certificate: certificate + root.certificate, key });
    expect(applied(testCluster(), good).certificates.proxy.certificate).toBe(certificate + root.certificate);
    const foreign = replacement({ name: 'proxy', certificate: certificate + fresh.certificate, key });
    expect(refused(testCluster(), foreign)).toMatchObject({
      code: 'invalid_cluster_certificate',
      description: expect.stringContaining('certificate 1 (CN=east.local) is not issued by the next one'),
    });
  });

  test('what cannot be served is refused with its cause', async () => {
    const old = await generateCertificate({ cn: 'old', notBefore: at(-3), notAfter: at(-2) });
    const future = await generateCertificate({ cn: 'new', notBefore: at(2), notAfter: at(3) });
    const weak = await generateCertificate({ cn: 'weak', rsaBits: 1024, ...inTime });
    const strong = await generateCertificate({ cn: 'strong', rsaBits: 2048, ...inTime });
    const cases: readonly [CertificateWish[], string, string][] = [
      [[], 'invalid_cluster_certificate', 'no certificate is given'],
      [[{ name: 'proxies', ...fresh }], 'unknown_certificate', 'there is no certificate "proxies"; there are: api'],
      [[{ name: 'toString', ...fresh }], 'unknown_certificate', 'there is no certificate "toString"'],
      [
        [
          { name: 'api', ...fresh },
          { name: 'api', ...fresh },
        ],
        'invalid_cluster_certificate',
        '"api" is given twice',
      ],
      [[{ name: 'cm', certificate: fresh.certificate }], 'invalid_cluster_certificate', 'its key is missing'],
      [[{ name: 'cm', certificate: 'x', key: fresh.key }], 'invalid_cluster_certificate', 'no PEM certificate'],
      [[{ name: 'cm', certificate: fresh.certificate, key: 'x' }], 'invalid_cluster_certificate', 'not a private key'],
      [[{ name: 'cm', ...old }], 'certificate_expired', 'CN=old was valid until'],
      [[{ name: 'cm', ...future }], 'invalid_cluster_certificate', 'CN=new is valid from'],
      [[{ name: 'cm', ...weak }], 'invalid_cluster_certificate', 'CN=weak has an RSA key of 1024 bits'],
    ];
    for (const [wishes, code, part] of cases) {
      expect(refused(testCluster(), replacement(...wishes))).toMatchObject({
        code,
        description: expect.stringContaining(part),
      });
    }
    const { certificate, key } = strong;
    const accepted = applied(testCluster(), replacement({ name: 'cm', certificate, key }));
    expect(accepted.certificates.cm).toEqual({ certificate, key });
  });

  test('an authority comes without a key and can be deleted; a certificate that a cluster needs cannot', () => {
    const given = applied(testCluster(), replacement({ name: 'mtls_trusted_ca', certificate: root.certificate }));
    expect(given.certificates.mtls_trusted_ca).toEqual({ certificate: root.certificate, key: '' });
    const without = applied(given, removal('mtls_trusted_ca'));
    expect(without.certificates).toEqual(testCluster().certificates);
    expect(refused(without, removal('mtls_trusted_ca')).code).toBe('certificate_not_found');
    expect(refused(without, removal('nonsense')).code).toBe('certificate_not_found');
    expect(refused(without, removal('proxy'))).toEqual({
      code: 'required_certificate',
      description: 'certificate "proxy" cannot be deleted; a cluster needs it: replace it',
    });
  });

  test('the expiry of every certificate is known, also of one that somebody brought', () => {
    const { certificate } = root;
    const state = applied(testCluster(), replacement({ name: 'sso_issuer', certificate }));
    const expiries = certificateExpiries(state.certificates, NOW_MS + DAY_MS);
    expect(expiries.map(({ name }) => name)).toEqual([
      'api',
      'cm',
      'metrics_exporter',
      'proxy',
      'sso_issuer',
      'syncer',
    ]);
    expect(expiries.find(({ name }) => name === 'proxy')).toEqual({
      name: 'proxy',
      path: '/etc/opt/redislabs/proxy_cert.pem',
      validToMs: NOW_MS + 365 * DAY_MS,
      leftSeconds: 364 * 86_400,
    });
    expect(expiries.find(({ name }) => name === 'sso_issuer')?.leftSeconds).toBe(29 * 86_400);
    const later = certificateExpiries(state.certificates, NOW_MS + 366 * DAY_MS);
    expect(later.find(({ name }) => name === 'api')?.leftSeconds).toBe(-86_400);
  });
});
