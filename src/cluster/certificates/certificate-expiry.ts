/**
 * When the certificates of a cluster expire, for alerts and metrics. [RS node_cert_expiration_seconds]
 *
 * Pure: whoever asks says what time it is.
 */

import { parseCertificate } from './certificate-facts.ts';
import type { ClusterCertificates } from './cluster-certificates.ts';

/** Where the real product keeps them on a node: names of files that do not exist here, which dashboards show. */
const FOLDER = '/etc/opt/redislabs';

export interface CertificateExpiry {
  /** `proxy`, `syncer`, … */
  readonly name: string;
  /** `/etc/opt/redislabs/proxy_cert.pem` */
  readonly path: string;
  readonly validToMs: number;
  /** Whole seconds, negative when it has expired. */
  readonly leftSeconds: number;
}

/** Of every certificate that the cluster has, by name. */
export const certificateExpiries = (certificates: ClusterCertificates, nowMs: number): readonly CertificateExpiry[] =>
  Object.entries(certificates)
    .flatMap(([name, { certificate }]) => {
      const read = parseCertificate(certificate);
      if (!read.ok) return []; // nothing unreadable is ever installed
      const { validToMs } = read.certificate;
      const leftSeconds = Math.floor((validToMs - nowMs) / 1000);
      return [{ name, path: `${FOLDER}/${name}_cert.pem`, validToMs, leftSeconds }];
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
