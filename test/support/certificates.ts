/**
 * Certificates for tests: EC P-256 or RSA, self-signed or signed by another one made here. Short-lived and trusted by nobody.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const RSA = { name: 'RSASSA-PKCS1-v1_5', publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const USAGES = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth } as const;

export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
  /** For signing others. */
  readonly parts: {
    readonly x509: x509.X509Certificate;
    readonly keys: webcrypto.CryptoKeyPair;
    readonly algorithm: typeof ALGORITHM | typeof RSA;
  };
}

export interface CertificateWish {
  readonly cn: string;
  /** The rest of the subject, as in `OU=one, OU=two, O=Example`. */
  readonly more?: string;
  /** An RSA key of this size instead of EC. */
  readonly rsaBits?: number;
  /** DNS names, or addresses when they look like one. */
  readonly san?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly issuer?: TestCertificate;
  readonly authority?: boolean;
  readonly usages?: readonly ('server' | 'client')[];
}

export const generateCertificate = async (wish: CertificateWish): Promise<TestCertificate> => {
  const algorithm = wish.rsaBits === undefined ? ALGORITHM : { ...RSA, modulusLength: wish.rsaBits };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const subject = wish.more === undefined ? `CN=${wish.cn}` : `CN=${wish.cn}, ${wish.more}`;
  const extensions: x509.Extension[] = [];
  if (wish.authority === true) extensions.push(new x509.BasicConstraintsExtension(true, undefined, true));
  if (wish.usages !== undefined) {
    extensions.push(new x509.ExtendedKeyUsageExtension(wish.usages.map((usage) => USAGES[usage])));
  }
  if (wish.san !== undefined) {
    const names = wish.san.map((value) => ({
      type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const),
      value,
    }));
    extensions.push(new x509.SubjectAlternativeNameExtension(names));
  }
  const made = await x509.X509CertificateGenerator.create({
    subject,
    issuer: wish.issuer?.parts.x509.subject ?? subject,
    notBefore: wish.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: wish.notAfter ?? new Date(Date.now() + DAY_MS),
    publicKey: keys.publicKey,
    signingKey: wish.issuer?.parts.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: wish.issuer?.parts.algorithm ?? algorithm,
    extensions,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const body = pkcs8.toString('base64').match(/.{1,64}/g) ?? [];
  const key = `-----BEGIN PRIVATE KEY-----\n${body.join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { certificate: `${made.toString('pem')}\n`, key, parts: { x509: made, keys, algorithm } };
};
