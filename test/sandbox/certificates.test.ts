/** Certificates as other programs see them: openssl against an endpoint, HTTPS against the REST API. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeClusterCertificate } from '../../src/cluster/certificates/cluster-certificates.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { SeededRandom } from '../../src/world/random.ts';
import { requestHttps } from '../../src/world/system-http.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { programAvailable } from '../support/programs.ts';
import { testSubnet } from '../support/sandboxes.ts';

const hasOpenssl = programAvailable('openssl', 'version');
const random = new SeededRandom('replacements');

const started = (): Promise<Sandbox> =>
  startSandbox({
    world: new SystemWorld(),
    clusters: [
      {
        name: 'east.local',
        subnet: testSubnet(),
        databases: [{ name: 'orders', port: 12_000, tlsMode: 'enabled', enforceClientAuthentication: false }],
      },
    ],
  });

/** What `openssl s_client` says of the endpoint, with the exported certificate as its only authority. */
const verified = (sandbox: Sandbox, host: string, certificate: string): Promise<string> => {
  const { host: address, port } = sandbox.cluster('east.local').database('orders');
  const folder = mkdtempSync(join(tmpdir(), 'antipode-exported-'));
  const file = join(folder, 'exported.pem');
  writeFileSync(file, certificate);
  const words = ['s_client', '-CAfile', file, '-verify_hostname', host, '-verify_return_error', '-brief'];
  return new Promise((resolve) => {
    const child = execFile(
      'openssl',
      [...words, '-connect', `${address}:${port}`],
      { timeout: 10_000 },
      (_, out, err) => {
        rmSync(folder, { recursive: true });
        resolve(out + err);
      },
    );
    child.stdin?.end();
  });
};

describe('certificates of a sandbox', () => {
  it.skipIf(!hasOpenssl)('the exported proxy certificate verifies an endpoint for openssl, by its name', async () => {
    await using sandbox = await started();
    const { proxyCertificate } = sandbox.cluster('east.local');
    const good = await verified(sandbox, 'redis-12000.east.local', proxyCertificate);
    expect(good).toContain('Verification: OK');
    expect(good).toContain('Verified peername: *.east.local');
    expect(await verified(sandbox, 'redis-12000.west.local', proxyCertificate)).toContain('hostname mismatch');
    const other = makeClusterCertificate({ clock: sandbox.world.clock, random }, 'east.local', 'proxy');
    expect(await verified(sandbox, 'redis-12000.east.local', other.certificate)).not.toContain('Verification: OK');
  });

  it.skipIf(!hasOpenssl)('subject, issuer, serial, lifetime and names are those of the product', async () => {
    await using sandbox = await started();
    const cluster = sandbox.cluster('east.local');
    for (const [certificate, unit] of [
      [cluster.proxyCertificate, 'redisdb'],
      [cluster.syncerCertificate, 'syncer'],
    ] as const) {
      const words = [
        'x509',
        '-noout',
        '-subject',
        '-issuer',
        '-serial',
        '-dates',
        '-ext',
        'subjectAltName,extendedKeyUsage',
      ];
      const { stdout } = spawnSync('openssl', words, { input: certificate, encoding: 'utf8' });
      const name = `CN = east.local, OU = ${unit}, O = RedisLabs Enterprise Cluster`;
      expect(stdout).toContain(`subject=${name}\n`);
      expect(stdout).toContain(`issuer=${name}\n`);
      expect(stdout).toContain('serial=01\n');
      expect(stdout).toContain('DNS:east.local, DNS:*.east.local');
      expect(stdout).toContain('TLS Web Server Authentication, TLS Web Client Authentication');
      const [from, to] = ['notBefore', 'notAfter'].map((word) =>
        Date.parse(new RegExp(`${word}=(.*)`).exec(stdout)![1]!),
      );
      expect(to! - from!).toBe(365 * 86_400_000);
    }
  });

  it('a replaced api certificate is shown to new connections of the REST API', async () => {
    await using sandbox = await started();
    const cluster = sandbox.cluster('east.local');
    const ask = (trusted: string) =>
      requestHttps({ url: `${cluster.apiUrl}/v1/cluster`, method: 'GET', trusted, timeoutMs: 5_000 });
    const old = cluster.control.state.certificates.api.certificate;
    expect(await ask(old)).toMatchObject({ ok: true, status: 401 });
    const { host } = new URL(cluster.apiUrl!);
    const addresses = [host.split(':')[0]!];
    const fresh = makeClusterCertificate({ clock: sandbox.world.clock, random }, 'east.local', 'api', { addresses });
    cluster.replaceCertificates([{ name: 'api', ...fresh }]);
    expect(await ask(fresh.certificate)).toMatchObject({ ok: true, status: 401 });
    expect(await ask(old)).toMatchObject({ ok: false, why: 'untrusted' });
  });

  it('how long each certificate is valid is known to the control plane', async () => {
    await using sandbox = await started();
    const expiries = sandbox.cluster('east.local').control.certificateExpiries();
    expect(expiries.map(({ name }) => name)).toEqual(['api', 'cm', 'metrics_exporter', 'proxy', 'syncer']);
    for (const { leftSeconds } of expiries) expect(Math.abs(leftSeconds - 365 * 86_400)).toBeLessThan(600);
  });
});
