/**
 * Reads what a PEM certificate says, and judges a certificate and key that somebody wants to install.
 *
 * Whether a peer's certificate is trusted on a connection is the world's affair; this file never connects. The text
 * may hold a chain: its first certificate is the one that counts, the others must be readable, strong and in time.
 */

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** A chain of certificates or a key; more is refused unread. */
export const PEM_LENGTH_MAX = 65_536;
export const CHAIN_LENGTH_MAX = 10;
/** Shorter RSA keys count as weak. */
const RSA_BITS_MIN = 2048;

/** The parts by which a database may authorise subjects; `OU` may occur several times. */
export interface DistinguishedName {
  readonly CN: string | null;
  readonly O: string | null;
  readonly OU: readonly string[];
  readonly L: string | null;
  readonly ST: string | null;
  readonly C: string | null;
}

export interface CertificateFacts {
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** `CN=east.local, OU=syncer, O=RedisLabs Enterprise Cluster`, in the certificate's own order. */
  readonly subjectText: string;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** Hexadecimal. */
  readonly serial: string;
  /** Hexadecimal pairs with colons. */
  readonly fingerprint256: string;
  /** `rsa`, `ec`, `ed25519`, … */
  readonly keyType: string;
  readonly keyBits: number;
}

export type CertificateOutcome =
  | { readonly ok: true; readonly certificate: CertificateFacts }
  | { readonly ok: false; readonly why: 'invalid'; readonly detail: string };

export type CertificatePairOutcome =
  | { readonly ok: true; readonly certificate: CertificateFacts }
  | {
      readonly ok: false;
      readonly why: 'invalid' | 'weak' | 'broken-chain' | 'expired' | 'not-yet-valid' | 'key-mismatch';
      readonly detail: string;
    };

type Chain =
  | { readonly ok: true; readonly leaf: X509Certificate; readonly all: readonly X509Certificate[] }
  | { readonly ok: false; readonly why: 'invalid'; readonly detail: string };

const invalid = (detail: string) => ({ ok: false, why: 'invalid', detail }) as const;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

const readChain = (pem: string): Chain => {
  if (pem.length > PEM_LENGTH_MAX) return invalid(`longer than ${PEM_LENGTH_MAX} characters`);
  const blocks = pem.match(CERTIFICATE_BLOCK) ?? [];
  if (blocks.length > CHAIN_LENGTH_MAX) return invalid(`more than ${CHAIN_LENGTH_MAX} certificates`);
  try {
    const all = blocks.map((block) => new X509Certificate(block));
    const leaf = all[0];
    return leaf === undefined ? invalid('no PEM certificate in the text') : { ok: true, leaf, all };
  } catch (error) {
    return invalid(`not a certificate: ${messageOf(error)}`);
  }
};

/** Node.js gives a text for a part that occurs once, a list for one that occurs more often. */
const partsOf = (part: string | readonly string[] | undefined): readonly string[] =>
  part === undefined ? [] : typeof part === 'string' ? [part] : part;

const nameOf = (parts: object | undefined): DistinguishedName => {
  const found = (parts ?? {}) as Partial<Record<keyof DistinguishedName, string | string[]>>;
  const first = (key: keyof DistinguishedName): string | null => partsOf(found[key])[0] ?? null;
  return { CN: first('CN'), O: first('O'), OU: partsOf(found.OU), L: first('L'), ST: first('ST'), C: first('C') };
};

const CURVE_BITS: Readonly<Record<string, number>> = {
  prime256v1: 256,
  secp256k1: 256,
  secp384r1: 384,
  secp521r1: 521,
};
const FIXED_BITS: Readonly<Record<string, number>> = { ed25519: 256, ed448: 456, x25519: 256, x448: 448 };

/** 0 where the algorithm has no size we know. */
const bitsOf = (key: KeyObject): number => {
  const details = key.asymmetricKeyDetails;
  return (
    details?.modulusLength ?? CURVE_BITS[details?.namedCurve ?? ''] ?? FIXED_BITS[key.asymmetricKeyType ?? ''] ?? 0
  );
};

const subjectOf = (certificate: X509Certificate): string => certificate.subject.replaceAll('\n', ', ');

const factsOf = (certificate: X509Certificate): CertificateFacts => {
  const legacy = certificate.toLegacyObject();
  return {
    subject: nameOf(legacy.subject),
    issuer: nameOf(legacy.issuer),
    subjectText: subjectOf(certificate),
    validFromMs: Date.parse(certificate.validFrom),
    validToMs: Date.parse(certificate.validTo),
    serial: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    keyType: certificate.publicKey.asymmetricKeyType ?? 'unknown',
    keyBits: bitsOf(certificate.publicKey),
  };
};

export const parseCertificate = (pem: string): CertificateOutcome => {
  const chain = readChain(pem);
  if (!chain.ok) return chain;
  try {
    return { ok: true, certificate: factsOf(chain.leaf) };
  } catch (error) {
    // A certificate may be well formed and still hold a key that OpenSSL cannot read.
    return invalid(messageOf(error));
  }
};

/** May this certificate and key be installed, as seen at `nowMs`? The chain must lead from each certificate to the next. */
export const validateCertificatePair = (
  certificatePem: string,
  keyPem: string,
  nowMs: number,
): CertificatePairOutcome => {
  const chain = readChain(certificatePem);
  if (!chain.ok) return chain;
  const judged = judgeChain(chain, nowMs);
  if (!judged.ok) return judged;
  if (keyPem.length > PEM_LENGTH_MAX) return invalid(`key longer than ${PEM_LENGTH_MAX} characters`);
  try {
    if (!chain.leaf.checkPrivateKey(createPrivateKey(keyPem))) {
      const detail = `the key does not belong to the certificate ${judged.certificate.subjectText}`;
      return { ok: false, why: 'key-mismatch', detail };
    }
  } catch (error) {
    return invalid(`not a private key, or an encrypted one: ${messageOf(error)}`);
  }
  for (const [index, issuer] of chain.all.slice(1).entries()) {
    const issued = chain.all[index]!;
    if (isIssuedBy(issued, issuer)) continue;
    const detail = `certificate ${index + 1} (${subjectOf(issued)}) is not issued by the next one (${subjectOf(issuer)})`;
    return { ok: false, why: 'broken-chain', detail };
  }
  return judged;
};

/** As above, for certificates that come without a key: authorities, in any order. */
export const validateCertificate = (certificatePem: string, nowMs: number): CertificatePairOutcome => {
  const chain = readChain(certificatePem);
  return chain.ok ? judgeChain(chain, nowMs) : chain;
};

const judgeChain = (chain: Extract<Chain, { readonly ok: true }>, nowMs: number): CertificatePairOutcome => {
  try {
    const leaf = factsOf(chain.leaf);
    for (const certificate of chain.all) {
      const facts = certificate === chain.leaf ? leaf : factsOf(certificate);
      if (facts.keyType === 'rsa' && facts.keyBits < RSA_BITS_MIN) {
        const detail = `${facts.subjectText} has an RSA key of ${facts.keyBits} bits; at least ${RSA_BITS_MIN} are needed`;
        return { ok: false, why: 'weak', detail };
      }
      if (nowMs > facts.validToMs) {
        return { ok: false, why: 'expired', detail: `${facts.subjectText} was valid until ${certificate.validTo}` };
      }
      if (nowMs < facts.validFromMs) {
        return {
          ok: false,
          why: 'not-yet-valid',
          detail: `${facts.subjectText} is valid from ${certificate.validFrom}`,
        };
      }
    }
    return { ok: true, certificate: leaf };
  } catch (error) {
    // A certificate may be well formed and still hold a key that OpenSSL cannot read.
    return invalid(messageOf(error));
  }
};

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean => {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false; // an algorithm that OpenSSL does not know: no proof
  }
};
