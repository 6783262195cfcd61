import { describe, expect, it } from 'vitest';
import { sourcesOf } from '../../../src/cluster/control/database-routing.ts';
import { apiTls, endpointTls } from '../../../src/cluster/control/tls-policy.ts';
import { makeClusterCertificate } from '../../../src/cluster/certificates/cluster-certificates.ts';
import type { ClusterState } from '../../../src/cluster/state/cluster-state.ts';
import { certificateWorld } from '../certificates/fixtures.ts';
import { applied, certificates, creation, database, NOW_MS, testCluster, update } from '../state/fixtures.ts';

const other = makeClusterCertificate(certificateWorld('policy', NOW_MS), 'east.local', 'syncer');
const source = {
  uri: 'redis://admin:x@redis-12000.north.local:12000',
  encryption: true,
  serverCertificate: certificates.proxy.certificate,
};
const replicating = (more = {}): ClusterState =>
  applied(testCluster(), creation({ replicaSources: [{ ...source, ...more }], replicaSync: 'enabled' }));
const dialled = (state: ClusterState) => sourcesOf(() => state, database(state))[0]!.tls;

describe('what a syncer shows to a source', () => {
  it('is the host of the URL as SNI, unchecked, the pin and the syncer certificate of the cluster', () => {
    expect(dialled(replicating())).toEqual({
      trusted: [certificates.proxy.certificate],
      serverName: 'redis-12000.north.local',
      checkName: false,
      ...certificates.syncer,
    });
  });

  it('is a name and a certificate of its own where they are given, and nothing without encryption', () => {
    const { certificate: clientCertificate, key: clientKey } = other;
    const own = dialled(replicating({ serverName: 'front.example', clientCertificate, clientKey }));
    expect(own).toMatchObject({ serverName: 'front.example', checkName: true, ...other });
    expect(dialled(replicating({ encryption: false, serverCertificate: '' }))).toBeNull();
  });

  it('is what the cluster has at that moment', () => {
    let state = replicating();
    const [spec] = sourcesOf(() => state, database(state));
    state = applied(state, {
      kind: 'replace-certificates',
      atMs: NOW_MS,
      certificates: [{ name: 'syncer', ...other }],
    });
    expect(spec!.tls).toMatchObject(other);
  });
});

describe('what an endpoint is held to', () => {
  const state = applied(testCluster(), creation());
  const edited = (edit: Parameters<typeof update>[1]) => endpointTls(applied(state, update(1, edit)), 1);

  it('is nothing without TLS, and both kinds of trusted certificates with it', () => {
    expect(endpointTls(state, 1)).toBeNull();
    expect(endpointTls(state, 7)).toBeNull();
    const trusted = { clientCertificates: [other.certificate], crdtCertificates: [certificates.syncer.certificate] };
    expect(edited({ tlsMode: 'replica_ssl', ...trusted })).toMatchObject({
      ...certificates.proxy,
      mode: 'optional',
      clientCertificates: [other.certificate, certificates.syncer.certificate],
      clientRules: { allowExpired: false, allowWeak: false, subjects: null },
    });
    expect(edited({ tlsMode: 'enabled', enforceClientAuthentication: false })).toMatchObject({
      mode: 'required',
      clientCertificates: null,
    });
  });

  it('follows the settings of the database about client certificates', () => {
    const settings = {
      mtls_allow_outdated_certs: true,
      mtls_allow_weak_hashing: true,
      client_cert_subject_validation_type: 'full_subject',
    } as const;
    const authorizedSubjects = [{ CN: 'app', OU: ['one'] }];
    const tls = edited({ tlsMode: 'enabled', clientCertificates: [other.certificate], settings, authorizedSubjects });
    expect(tls?.clientRules).toEqual({
      allowExpired: true,
      allowWeak: true,
      subjects: { by: 'full', allowed: authorizedSubjects },
    });
  });

  it('shows the api certificate at the REST API', () => {
    expect(apiTls(state)).toMatchObject({ ...certificates.api, minVersion: 'TLSv1.2' });
  });

  it('follows the versions and ciphers that the cluster is set to', () => {
    const settings = {
      min_data_TLS_version: '1.3',
      min_control_TLS_version: '1.3',
      data_cipher_list: 'ECDHE-ECDSA-AES128-GCM-SHA256',
      control_cipher_suites: 'EECDH',
      data_cipher_suites_tls_1_3: ['TLS_AES_128_GCM_SHA256'],
    };
    const strict = applied(state, update(1, { tlsMode: 'enabled', enforceClientAuthentication: false }));
    const held = { ...strict, settings } as unknown as ClusterState;
    expect(endpointTls(held, 1)).toMatchObject({
      minVersion: 'TLSv1.3',
      ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
      cipherSuites: ['TLS_AES_128_GCM_SHA256'],
    });
    expect(apiTls(held)).toMatchObject({ minVersion: 'TLSv1.3', ciphers: 'EECDH' });
    expect(endpointTls(strict, 1)).toMatchObject({ minVersion: 'TLSv1.2' });
  });
});
