/**
 * How a person is told that a source cannot be reached: cause, what was met, and what to do next, in the words of the REST API.
 *
 * One table, for the first questions and for links alike. What was presented comes with the world's detail. All of these are tried again
 * for ever, so whoever does as told need do nothing else. [RS replica-of: synchronization errors]
 */

import type { ConnectFailure } from '../../world/world.ts';

const ADVICE: Readonly<Record<ConnectFailure, string | null>> = {
  refused: null,
  timeout: null,
  reset: null,
  unresolved: null,
  unreachable: null,
  'tls-not-offered':
    'set tls_mode of the source database to "enabled" or "replica_ssl", or encryption of this source to false',
  'certificate-untrusted': 'give the present proxy certificate of the source cluster as server_cert of this source',
  'certificate-expired': 'renew the proxy certificate of the source cluster, and give the new one as server_cert',
  'certificate-not-yet-valid': 'look at the clocks of both clusters, or wait until the certificate is valid',
  'certificate-name-mismatch':
    'give one of these names as replication_tls_sni, or leave it empty: then the pinned certificate alone decides',
  'client-certificate-refused':
    "add the destination cluster's syncer certificate to authentication_ssl_client_certs of the source database, or look there why " +
    'it is refused: client_cert_subject_validation_type, mtls_allow_outdated_certs, mtls_allow_weak_hashing',
  'tls-version': 'look at min_data_TLS_version of the source cluster',
  'tls-cipher': 'look at data_cipher_list and data_cipher_suites_tls_1_3 of the source cluster',
  'tls-failed': null,
};

/** A server that takes TLS only hangs up on plain words without one of its own. */
const PLAIN_RESET =
  'if the source database has tls_mode "enabled", set encryption of this source to true and give the proxy certificate of its cluster ' +
  'as server_cert';

export const connectTroubleText = (failure: ConnectFailure, detail: string, isPlain: boolean): string => {
  const advice = isPlain && failure === 'reset' ? PLAIN_RESET : ADVICE[failure];
  return `${failure}: ${detail}${advice === null ? '' : `; ${advice}`}`;
};
