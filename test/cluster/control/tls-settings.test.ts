/** A cluster that is set to certain versions and ciphers of TLS, as clients of its endpoints meet it, in both worlds. */
import { expect, test } from 'vitest';
import { makeClusterCertificates } from '../../../src/cluster/certificates/cluster-certificates.ts';
import { ControlPlane } from '../../../src/cluster/control/control-plane.ts';
import type { ClusterSettings } from '../../../src/cluster/state/cluster-settings.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import type { ClientTls, World } from '../../../src/world/world.ts';
import { testSubnet } from '../../support/sandboxes.ts';
import { testCluster } from '../state/fixtures.ts';

const PORT = 12_000;
const ECDSA_128 = 'ECDHE-ECDSA-AES128-GCM-SHA256';

/** What clients get: the version they agree on, or why not. */
const meet = async (
  world: World,
  changed: Partial<ClusterSettings>,
  clients: readonly Partial<ClientTls>[],
): Promise<readonly string[]> => {
  const host = `${testSubnet()}.1`;
  const certificates = makeClusterCertificates(world, 'east.local');
  const cluster = testCluster(1);
  const settings = { ...cluster.settings, ...changed };
  const state = { ...cluster, nodes: [{ uid: 1, address: host }], certificates, settings };
  const control = new ControlPlane(world, state);
  try {
    const wish = {
      name: 'orders',
      memorySizeBytes: 0,
      port: PORT,
      tlsMode: 'enabled',
      enforceClientAuthentication: false,
    } as const;
    expect(control.submit(control.creation(wish)).ok).toBe(true);
    await control.settled();
    const met: string[] = [];
    for (const client of clients) {
      const tls = { trusted: [certificates.proxy.certificate], serverName: 'redis-12000.east.local', ...client };
      const outcome = await world.network.connect({ host, port: PORT }, { tls, timeoutMs: 5_000 });
      met.push(outcome.ok ? (outcome.connection.tls?.version ?? 'plain') : `${outcome.why}: ${outcome.detail}`);
      if (outcome.ok) outcome.connection.destroy();
    }
    return met;
  } finally {
    await control.close();
  }
};

const tell = async (world: World): Promise<void> => {
  const old = { maxVersion: 'TLSv1.2' } as const;
  expect(await meet(world, {}, [{}, old])).toEqual(['TLSv1.3', 'TLSv1.2']);
  expect(await meet(world, { min_data_TLS_version: '1.3' }, [{}, old])).toEqual([
    'TLSv1.3',
    'tls-version: the far side allows none of the TLS versions that we offered: TLSv1.2',
  ]);
  const asked = [{}, { ...old, ciphers: ECDSA_128 }, { ...old, ciphers: 'AES256' }];
  expect(await meet(world, { data_cipher_list: ECDSA_128 }, asked)).toEqual([
    'TLSv1.3',
    'TLSv1.2',
    'tls-cipher: the far side allows none of the ciphers that we offered: AES256',
  ]);
  const suites = ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'].map((suite) => ({ cipherSuites: [suite] }));
  expect(await meet(world, { data_cipher_suites_tls_1_3: ['TLS_AES_256_GCM_SHA384'] }, [...suites, old])).toEqual([
    'TLSv1.3',
    'tls-cipher: the far side allows none of the ciphers that we offered: TLS_AES_128_GCM_SHA256',
    'TLSv1.2',
  ]);
};

test('an endpoint keeps to the versions and ciphers that its cluster is set to, in the simulated world', () => {
  const world = new SimWorld({ seed: 1 });
  return world.run(() => tell(world));
});

test('an endpoint keeps to the versions and ciphers that its cluster is set to, on real sockets', () =>
  tell(new SystemWorld()));
