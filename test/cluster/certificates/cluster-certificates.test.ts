import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { validateCertificatePair } from '../../../src/cluster/certificates/certificate-facts.ts';
import {
  CLUSTER_CERTIFICATE_NAMES,
  makeClusterCertificate,
  makeClusterCertificates,
  type ClusterCertificates,
} from '../../../src/cluster/certificates/cluster-certificates.ts';
import type { CertificateAndKey } from '../../../src/cluster/certificates/x509.ts';
import { programAvailable } from '../../support/programs.ts';
import { certificateWorld } from './fixtures.ts';

const hasOpenssl = programAvailable('openssl', 'version');

const FQDN = 'east.local';
const DAY_MS = 86_400_000;

const openssl = (arguments_: readonly string[], input = ''): string =>
  execFileSync('openssl', arguments_, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });

const withFiles = <Result>(texts: readonly string[], use: (...paths: string[]) => Result): Result => {
  const folder = mkdtempSync(join(tmpdir(), 'antipode-certificates-'));
  try {
    const paths = texts.map((text, index) => {
      const path = join(folder, `${index}.pem`);
      writeFileSync(path, text);
      return path;
    });
    return use(...paths);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const kinds = [
  { title: 'ECDSA', deterministicKeys: false },
  { title: 'Ed25519', deterministicKeys: true },
];

describe.each(kinds)('cluster certificates with $title keys', ({ deterministicKeys }) => {
  const certificates = makeClusterCertificates(certificateWorld(), FQDN, {
    deterministicKeys,
    addresses: ['127.0.1.1', '127.0.1.2'],
  });

  it.skipIf(!hasOpenssl).each(CLUSTER_CERTIFICATE_NAMES)('%s verifies with openssl and belongs to its key', (name) => {
    const { certificate, key } = certificates[name];
    withFiles([certificate], (path) => {
      for (const purpose of ['sslserver', 'sslclient'])
        expect(openssl(['verify', '-x509_strict', '-purpose', purpose, '-CAfile', path, path])).toContain('OK');
    });
    expect(openssl(['pkey', '-pubout'], key)).toBe(openssl(['x509', '-noout', '-pubkey'], certificate));
    expect(openssl(['pkey', '-check', '-noout'], key)).toContain('Key is valid');
  });

  it.skipIf(!hasOpenssl)('read in openssl as Redis Enterprise writes them', () => {
    const text = openssl(['x509', '-noout', '-text'], certificates.proxy.certificate);
    expect(text).toContain('Version: 3 (0x2)');
    expect(text).toContain('Serial Number: 1 (0x1)');
    expect(text).toContain(`Issuer: CN = ${FQDN}, OU = redisdb, O = RedisLabs Enterprise Cluster`);
    expect(text).toContain(`Subject: CN = ${FQDN}, OU = redisdb, O = RedisLabs Enterprise Cluster`);
    expect(text).toContain('TLS Web Server Authentication, TLS Web Client Authentication');
    expect(text).toContain(`DNS:${FQDN}, DNS:*.${FQDN}, DNS:internal.${FQDN}, DNS:*.internal.${FQDN}\n`);
    expect(openssl(['x509', '-noout', '-subject'], certificates.syncer.certificate)).toContain('OU = syncer');
  });

  it('name endpoints and nodes, and carry node addresses only where people open them by address', () => {
    const proxy = new X509Certificate(certificates.proxy.certificate);
    expect(proxy.checkHost(`redis-12000.${FQDN}`)).toBeDefined();
    expect(proxy.checkHost(`redis-12000.internal.${FQDN}`)).toBeDefined();
    expect(proxy.checkHost('redis-12000.west.local')).toBeUndefined();
    expect(proxy.checkIP('127.0.1.1')).toBeUndefined();
    const api = new X509Certificate(certificates.api.certificate);
    expect(api.checkIP('127.0.1.2')).toBe('127.0.1.2');
    expect(api.checkIP('127.0.1.3')).toBeUndefined();
  });

  it('can be installed by hand', () => {
    for (const { certificate, key } of Object.values(certificates))
      expect(validateCertificatePair(certificate, key, Date.now())).toMatchObject({ ok: true });
  });
});

const replayable = (seed: string): ClusterCertificates =>
  makeClusterCertificates(certificateWorld(seed, 1_800_000_000_000), FQDN, { deterministicKeys: true });

describe('cluster certificates', () => {
  it.skipIf(!hasOpenssl)('live for 365 days from the second they were made, in any century', () => {
    for (const madeAt of ['2026-11-22T10:00:00.999Z', '2049-06-01T00:00:00.000Z', '2051-01-01T00:00:00.000Z']) {
      const nowMs = Date.parse(madeAt);
      const { certificate, key } = makeClusterCertificate(certificateWorld('seed', nowMs), FQDN, 'proxy');
      const outcome = validateCertificatePair(certificate, key, nowMs);
      const from = Math.floor(nowMs / 1000) * 1000;
      expect(outcome).toMatchObject({ ok: true, certificate: { validFromMs: from, validToMs: from + 365 * DAY_MS } });
      const end = Math.floor(from / 1000) + 365 * 86_400;
      withFiles([certificate], (path) => {
        expect(openssl(['verify', '-attime', String(end - 1), '-CAfile', path, path])).toContain('OK');
        expect(() => openssl(['verify', '-attime', String(end + 1), '-CAfile', path, path])).toThrow(/expired/);
      });
    }
  });

  it('are the same bytes for the same seed and time when keys are deterministic', () => {
    expect(replayable('one')).toEqual(replayable('one'));
    expect(replayable('one').proxy.key).not.toBe(replayable('two').proxy.key);
  });

  it.each(kinds)('get a new $title key each time from one stream of chance', ({ deterministicKeys }) => {
    const world = certificateWorld();
    const made = [1, 2, 3].map(() => makeClusterCertificate(world, FQDN, 'syncer', { deterministicKeys }).key);
    expect(new Set(made).size).toBe(3);
  });

  it('accept the longest name and many nodes', () => {
    const fqdn = `${'a'.repeat(58)}.local`;
    const addresses = Array.from({ length: 256 }, (_, index) => `127.0.1.${index}`);
    const { api } = makeClusterCertificates(certificateWorld(), fqdn, { addresses });
    expect(new X509Certificate(api.certificate).checkIP('127.0.1.255')).toBe('127.0.1.255');
  });
});

/** Both sides present a certificate and trust only the given ones. */
const handshake = async (
  server: CertificateAndKey,
  client: CertificateAndKey,
  trust: { serverTrusts: string[]; clientTrusts: string[] },
): Promise<string> => {
  const listener = tls.createServer(
    {
      cert: server.certificate,
      key: server.key,
      ca: trust.serverTrusts,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    },
    (socket) => socket.end('hello'),
  );
  listener.on('tlsClientError', () => undefined);
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready));
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    return await new Promise<string>((done) => {
      const socket = tls.connect({
        host: '127.0.0.1',
        port,
        servername: `redis-12000.${FQDN}`,
        ca: trust.clientTrusts,
        cert: client.certificate,
        key: client.key,
      });
      socket.on('data', (data) => done(data.toString()));
      socket.on('close', () => done('closed'));
      socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    });
  } finally {
    await new Promise((closed) => listener.close(closed));
  }
};

describe.each(kinds)('TLS between two clusters with $title keys', ({ deterministicKeys }) => {
  const world = certificateWorld();
  const options = { deterministicKeys };
  const proxy = makeClusterCertificate(world, FQDN, 'proxy', options);
  const renewedProxy = makeClusterCertificate(world, FQDN, 'proxy', options);
  const syncer = makeClusterCertificate(world, 'west.local', 'syncer', options);
  const renewedSyncer = makeClusterCertificate(world, 'west.local', 'syncer', options);

  it('succeeds when each pins the other', async () => {
    const trust = { serverTrusts: [syncer.certificate], clientTrusts: [proxy.certificate] };
    expect(await handshake(proxy, syncer, trust)).toBe('hello');
  });

  it('succeeds with old and renewed certificates of one subject side by side, in any order', async () => {
    for (const serverTrusts of [
      [syncer.certificate, renewedSyncer.certificate],
      [renewedSyncer.certificate, syncer.certificate],
    ]) {
      const trust = { serverTrusts, clientTrusts: [proxy.certificate, renewedProxy.certificate] };
      expect(await handshake(proxy, syncer, trust)).toBe('hello');
      expect(await handshake(renewedProxy, renewedSyncer, trust)).toBe('hello');
    }
  });

  it('fails when the proxy presents a renewed certificate that is not pinned', async () => {
    const trust = { serverTrusts: [syncer.certificate], clientTrusts: [proxy.certificate] };
    expect(await handshake(renewedProxy, syncer, trust)).not.toBe('hello');
  });

  it('fails when the syncer presents a renewed certificate that the source does not know', async () => {
    const trust = { serverTrusts: [syncer.certificate], clientTrusts: [proxy.certificate] };
    expect(await handshake(proxy, renewedSyncer, trust)).not.toBe('hello');
  });
});
