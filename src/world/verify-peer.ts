/**
 * PURE: decides whether a presented certificate chain is accepted, for both worlds and both ends of a connection.
 *
 * Accepted is a chain that contains a trusted certificate byte for byte (a pin) or leads to one by signatures; every
 * certificate on that path must be valid at `nowMs` and fit the usage, and the leaf must carry the name, when one is
 * asked for. What a client is held to besides is `verify-client.ts`. Node.js does not show path length limits, name constraints or revocation, so they are not read.
 * Limits: `CHAIN_LENGTH_MAX` certificates on a path.
 */
import { X509Certificate } from 'node:crypto';

const CHAIN_LENGTH_MAX = 16;
const USAGE_OID = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
const LITERAL_ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i;

export type PeerRefusal =
  | 'certificate-untrusted'
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  | 'certificate-name-mismatch';

export type PeerVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: PeerRefusal; readonly detail: string };

export interface PeerQuestion {
  /** PEM texts, the peer's own certificate first, then whatever else it presented, in any order. */
  readonly chain: readonly string[];
  /** PEM texts; one text may hold several certificates. */
  readonly trusted: readonly string[];
  /** A DNS name or a literal address; `null`: the name does not matter. */
  readonly serverName: string | null;
  readonly nowMs: number;
  /** What the peer is: a server seen by its client, or a client seen by its server. */
  readonly usage: 'server' | 'client';
  /** Its time may be over. */
  readonly allowExpired?: boolean;
}

export const verifyPeer = (question: PeerQuestion): PeerVerdict => {
  const [leaf, ...bundled] = readCertificates(question.chain.slice(0, 1));
  if (leaf === undefined) return refused('certificate-untrusted', 'no certificate was presented');
  const path = findPath(
    leaf,
    [...bundled, ...readCertificates(question.chain.slice(1))],
    readCertificates(question.trusted),
  );
  if (path === null) {
    return refused('certificate-untrusted', `${describe(leaf)} is neither pinned nor signed by a trusted authority`);
  }
  for (const certificate of path) {
    if (!fitsUsage(certificate, question.usage)) {
      return refused('certificate-untrusted', `${describe(certificate)} is not meant for a ${question.usage}`);
    }
  }
  for (const certificate of path) {
    if (question.nowMs < Date.parse(certificate.validFrom)) {
      return refused('certificate-not-yet-valid', `${describe(certificate)} is valid from ${certificate.validFrom}`);
    }
    if (question.allowExpired !== true && question.nowMs > Date.parse(certificate.validTo)) {
      return refused('certificate-expired', `${describe(certificate)} was valid until ${certificate.validTo}`);
    }
  }
  if (question.serverName !== null && !carriesName(leaf, question.serverName)) {
    const names = leaf.subjectAltName ?? leaf.subject.replaceAll('\n', ', ');
    return refused('certificate-name-mismatch', `asked for ${question.serverName}, presented ${names}`);
  }
  return { ok: true };
};

/** `certificate CN=west.local, OU=syncer (valid until …)`, and what is wrong with it at that time, if anything. */
export const describeCertificate = (pem: string, nowMs: number): string => {
  const [leaf] = readCertificates([pem]);
  if (leaf === undefined) return 'certificate, which cannot be read';
  const { validFrom, validTo } = leaf;
  if (nowMs > Date.parse(validTo)) return `${describe(leaf)} (it expired at ${validTo})`;
  if (nowMs < Date.parse(validFrom)) return `${describe(leaf)} (it is valid from ${validFrom})`;
  return `${describe(leaf)} (valid until ${validTo})`;
};

export const isLiteralAddress = (host: string): boolean => LITERAL_ADDRESS.test(host);

/** From the leaf up to the first trusted certificate, or `null`. Trusted issuers are tried before presented ones [OpenSSL X509_V_FLAG_TRUSTED_FIRST]. */
const findPath = (
  leaf: X509Certificate,
  presented: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): readonly X509Certificate[] | null => {
  const path = [leaf];
  for (let current = leaf; path.length <= CHAIN_LENGTH_MAX; path.push(current)) {
    if (trusted.some((candidate) => candidate.raw.equals(current.raw))) return path;
    const anchor = trusted.find((candidate) => isIssuer(candidate, current));
    if (anchor !== undefined) return [...path, anchor];
    const next = presented.find((candidate) => !path.includes(candidate) && isIssuer(candidate, current));
    if (next === undefined) return null;
    current = next;
  }
  return null;
};

const isIssuer = (issuer: X509Certificate, subject: X509Certificate): boolean => {
  if (!issuer.ca) return false;
  try {
    return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
  } catch {
    return false; // a key or signature algorithm that OpenSSL does not know: not a proof
  }
};

/** Without the extension a certificate serves every purpose; `keyUsage` is what Node.js calls the extended key usage. */
const fitsUsage = (certificate: X509Certificate, usage: 'server' | 'client'): boolean => {
  const usages: readonly string[] | undefined = certificate.keyUsage;
  return usages === undefined || usages.length === 0 || usages.includes(USAGE_OID[usage]);
};

const carriesName = (leaf: X509Certificate, name: string): boolean =>
  (isLiteralAddress(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined;

export const describe = (certificate: X509Certificate): string =>
  `certificate ${certificate.subject.replaceAll('\n', ', ')}`;

const refused = (why: PeerRefusal, detail: string): PeerVerdict => ({ ok: false, why, detail });

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** What is not a certificate is left out: it can then neither be trusted nor lead anywhere. */
export const readCertificates = (texts: readonly string[]): readonly X509Certificate[] =>
  texts.flatMap(splitPem).flatMap(readCertificate);

/** The certificates of a PEM text, which may hold a whole chain, each as a text of its own. */
export const splitPem = (text: string): readonly string[] => text.match(PEM_BLOCK) ?? [];

const readCertificate = (pem: string): readonly X509Certificate[] => {
  try {
    return [new X509Certificate(pem)];
  } catch {
    return [];
  }
};
