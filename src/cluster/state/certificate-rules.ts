/**
 * The rules about a cluster's own certificates: which may be replaced by what, and which may be taken away. Pure.
 *
 * All certificates of a change are checked before any is applied [RS requests/cluster/certificates]. What a replacement means for
 * connections follows from the state: new ones show the new certificate, running ones live on. Certificates of a database (its clients,
 * its sources) are `database-rules.ts` and `source-rules.ts`.
 */

import { validateCertificate, validateCertificatePair } from '../certificates/certificate-facts.ts';
import {
  CLUSTER_CERTIFICATE_NAMES,
  isClusterCertificate,
  isOptionalCertificate,
  OPTIONAL_CERTIFICATES,
  type ClusterCertificateName,
  type ClusterCertificates,
  type OptionalCertificateName,
} from '../certificates/cluster-certificates.ts';
import { problem, type ApplyOutcome, type CertificateWish } from './change.ts';
import type { ClusterState } from './cluster-state.ts';

type CertificateName = ClusterCertificateName | OptionalCertificateName;

const ALL_NAMES = [...CLUSTER_CERTIFICATE_NAMES, ...Object.keys(OPTIONAL_CERTIFICATES)].join(', ');

const isCertificateName = (name: string): name is CertificateName =>
  isClusterCertificate(name) || isOptionalCertificate(name);

const needsKey = (name: CertificateName): boolean =>
  isClusterCertificate(name) || OPTIONAL_CERTIFICATES[name] === 'with-key';

export const replaceCertificates = (
  state: ClusterState,
  atMs: number,
  wishes: readonly CertificateWish[],
): ApplyOutcome => {
  if (wishes.length === 0) {
    return problem('invalid_cluster_certificate', 'no certificate is given; give at least one, by name');
  }
  let { certificates } = state;
  const seen = new Set<string>();
  for (const { name, certificate, key = '' } of wishes) {
    if (!isCertificateName(name)) {
      return problem('unknown_certificate', `there is no certificate "${name}"; there are: ${ALL_NAMES}`);
    }
    if (seen.has(name)) return problem('invalid_cluster_certificate', `certificate "${name}" is given twice`);
    seen.add(name);
    const refused = checkReplacement(name, certificate, key, atMs);
    if (refused !== null) return refused;
    certificates = { ...certificates, [name]: { certificate, key: needsKey(name) ? key : '' } };
  }
  return changed(state, certificates);
};

const checkReplacement = (
  name: CertificateName,
  certificate: string,
  key: string,
  atMs: number,
): ReturnType<typeof problem> | null => {
  if (needsKey(name) && key === '') {
    return problem(
      'invalid_cluster_certificate',
      `certificate "${name}": its key is missing; give certificate and key`,
    );
  }
  const judged = needsKey(name)
    ? validateCertificatePair(certificate, key, atMs)
    : validateCertificate(certificate, atMs);
  if (judged.ok) return null;
  const code = judged.why === 'expired' ? 'certificate_expired' : 'invalid_cluster_certificate';
  return problem(code, `certificate "${name}": ${judged.detail}`);
};

export const deleteCertificate = (state: ClusterState, name: string): ApplyOutcome => {
  if (isClusterCertificate(name)) {
    return problem('required_certificate', `certificate "${name}" cannot be deleted; a cluster needs it: replace it`);
  }
  if (!isOptionalCertificate(name) || state.certificates[name] === undefined) {
    return problem('certificate_not_found', `the cluster has no certificate "${name}"`);
  }
  const { [name]: _, ...others } = state.certificates;
  return changed(state, others);
};

const changed = (state: ClusterState, certificates: ClusterCertificates): ApplyOutcome => ({
  ok: true,
  uid: 0,
  state: { ...state, version: state.version + 1, certificates },
});
