/**
 * PURE: whether a listener lets the owner of a client certificate in, for both worlds: trust and time as for any peer
 * (`verify-peer.ts`), then strength and subject. Strength is asked of the client's own certificate, not of its authorities.
 */
import type { X509Certificate } from 'node:crypto';
import { describe, readCertificates, verifyPeer } from './verify-peer.ts';
import type { PeerRefusal } from './verify-peer.ts';
import type { CertificateSubject, ClientCertificateRules } from './world.ts';

/** Shorter RSA keys count as weak. */
const RSA_BITS_MIN = 2048;
const STRICT: ClientCertificateRules = { allowExpired: false, allowWeak: false, subjects: null };

export type ClientRefusal = PeerRefusal | 'certificate-weak' | 'certificate-subject';

export type ClientVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: ClientRefusal; readonly detail: string };

export interface ClientQuestion {
  /** PEM texts, the client's own certificate first. */
  readonly chain: readonly string[];
  readonly trusted: readonly string[];
  readonly nowMs: number;
  readonly rules: ClientCertificateRules | undefined;
  readonly letsAnonymousIn: boolean | undefined;
}

export const verifyClient = ({
  chain,
  trusted,
  nowMs,
  rules = STRICT,
  letsAnonymousIn,
}: ClientQuestion): ClientVerdict => {
  if (letsAnonymousIn === true && chain.length === 0) return { ok: true };
  const { allowExpired, allowWeak, subjects } = rules;
  const verdict = verifyPeer({ chain, trusted, serverName: null, nowMs, usage: 'client', allowExpired });
  if (!verdict.ok) return verdict;
  const leaf = readCertificates(chain.slice(0, 1))[0]!;
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength;
  if (!allowWeak && bits !== undefined && bits < RSA_BITS_MIN) {
    const detail = `${describe(leaf)} has a key of ${bits} bits, fewer than ${RSA_BITS_MIN}`;
    return { ok: false, why: 'certificate-weak', detail };
  }
  if (subjects !== null && !isAllowedSubject(leaf, subjects)) {
    const detail = `${describe(leaf)} is trusted, but its subject is not an authorized one`;
    return { ok: false, why: 'certificate-subject', detail };
  }
  return { ok: true };
};

type Subjects = NonNullable<ClientCertificateRules['subjects']>;

/** Letters count as they are, upper or lower. [RS objects/bdb] */
const isAllowedSubject = (certificate: X509Certificate, { by, allowed }: Subjects): boolean => {
  const subject = subjectParts(certificate);
  if (by === 'full') return allowed.some((entry) => matchesFully(subject, entry));
  const names = [...(subject.get('CN') ?? []), ...dnsNames(certificate)];
  return allowed.some((entry) => names.includes(entry.CN));
};

const matchesFully = (subject: ReadonlyMap<string, readonly string[]>, entry: CertificateSubject): boolean => {
  const isThere = (part: 'CN' | 'O' | 'L' | 'ST' | 'C'): boolean =>
    entry[part] === undefined || subject.get(part)?.includes(entry[part]) === true;
  return (['CN', 'O', 'L', 'ST', 'C'] as const).every(isThere) && sameUnits(subject.get('OU') ?? [], entry.OU ?? []);
};

const sameUnits = (units: readonly string[], wanted: readonly string[]): boolean =>
  wanted.length === 0 || wanted.toSorted().join('\n') === units.toSorted().join('\n');

/** By attribute; each may occur several times. Node.js gives an attribute that occurs once as a text, otherwise as a list. */
const subjectParts = (certificate: X509Certificate): ReadonlyMap<string, readonly string[]> => {
  const given = (certificate.toLegacyObject().subject ?? {}) as Readonly<Record<string, string | readonly string[]>>;
  return new Map(
    Object.entries(given).map(([part, value]) => [part, typeof value === 'string' ? [value] : value] as const),
  );
};

const dnsNames = ({ subjectAltName }: X509Certificate): readonly string[] =>
  (subjectAltName ?? '').split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : []));
