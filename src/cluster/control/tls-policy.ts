/**
 * What TLS of a cluster is held to: from its state, for those who accept and those who dial. Pure.
 *
 * Read afresh for each connection, so that a change concerns new connections only [RS tls: new connections]. Judging a certificate is
 * the world's affair (`src/world/verify-peer.ts`, `src/world/verify-client.ts`).
 */

import type { SourceUrl } from '../../replication/replica-of/source-url.ts';
import type { ClientCertificateRules, ClientTls, ServerTls, TlsVersion } from '../../world/world.ts';
import { databaseByUid, type ClusterState, type DatabaseRecord, type SourceRecord } from '../state/cluster-state.ts';

interface TlsPolicy {
  readonly minDataVersion: TlsVersion;
  readonly minControlVersion: TlsVersion;
  readonly dataCiphers: string;
  readonly controlCiphers: string;
  readonly dataSuites: readonly string[];
}

/** [RS tls-protocols, ciphers] */
const tlsPolicyOf = ({ settings }: ClusterState): TlsPolicy => ({
  minDataVersion: `TLSv${settings.min_data_TLS_version}`,
  minControlVersion: `TLSv${settings.min_control_TLS_version}`,
  dataCiphers: settings.data_cipher_list,
  controlCiphers: settings.control_cipher_suites,
  /** Empty: OpenSSL's own. */
  dataSuites: settings.data_cipher_suites_tls_1_3,
});

/** What a new connection to a database's endpoint meets; null: no TLS. [RS tls_mode] */
export const endpointTls = (state: ClusterState, databaseUid: number): ServerTls | null => {
  const database = databaseByUid(state, databaseUid);
  if (database === undefined || database.tlsMode === 'disabled') return null;
  const policy = tlsPolicyOf(state);
  return {
    ...state.certificates.proxy,
    // Clients may stay plain on the same port; who replicates is held to TLS by the endpoint itself.
    mode: database.tlsMode === 'enabled' ? 'required' : 'optional',
    clientCertificates: database.enforceClientAuthentication
      ? [...database.clientCertificates, ...database.crdtCertificates]
      : null,
    clientRules: clientRulesOf(database),
    minVersion: policy.minDataVersion,
    ciphers: policy.dataCiphers,
    cipherSuites: policy.dataSuites,
  };
};

const clientRulesOf = ({ settings, authorizedSubjects: allowed }: DatabaseRecord): ClientCertificateRules => ({
  allowExpired: settings.mtls_allow_outdated_certs,
  allowWeak: settings.mtls_allow_weak_hashing,
  subjects: {
    disabled: null,
    san_cn: { by: 'name', allowed } as const,
    full_subject: { by: 'full', allowed } as const,
  }[settings.client_cert_subject_validation_type],
});

/** What the REST API's HTTPS shows and allows. */
export const apiTls = (state: ClusterState) => {
  const { minControlVersion: minVersion, controlCiphers: ciphers } = tlsPolicyOf(state);
  return { ...state.certificates.api, minVersion, ciphers };
};

/** How a syncer dials a source; null: plain. [RS objects/bdb, syncer_sources] */
export const sourceTls = (state: ClusterState, source: SourceRecord, url: SourceUrl): ClientTls | null => {
  if (!source.encryption) return null;
  const own = { certificate: source.clientCertificate, key: source.clientKey };
  return {
    trusted: [source.serverCertificate],
    serverName: source.serverName === '' ? url.host : source.serverName,
    // Unless a name was given, the pinned certificate alone decides. [RS tls: SNI]
    checkName: source.serverName !== '',
    ...(source.clientCertificate === '' ? state.certificates.syncer : own),
  };
};
