/**
 * Certificates for tests: EC P-256, self-signed or signed by another one made here. Short-lived and trusted by nobody.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const USAGES = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth } as const;

export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
  /** For signing others. */
  readonly parts: { readonly x509: x509.X509Certificate; readonly keys: webcrypto.CryptoKeyPair };
}

export interface CertificateWish {
  readonly cn: string;
  /** DNS names, or addresses when they look like one. */
  readonly san?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly issuer?: TestCertificate;
  readonly authority?: boolean;
  readonly usages?: readonly ('server' | 'client')[];
}

export const generateCertificate = async (wish: CertificateWish): Promise<TestCertificate> => {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
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
    subject: `CN=${wish.cn}`,
    issuer: wish.issuer?.parts.x509.subject ?? `CN=${wish.cn}`,
    notBefore: wish.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: wish.notAfter ?? new Date(Date.now() + DAY_MS),
    publicKey: keys.publicKey,
    signingKey: wish.issuer?.parts.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const body = pkcs8.toString('base64').match(/.{1,64}/g) ?? [];
  const key = `-----BEGIN PRIVATE KEY-----\n${body.join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { certificate: `${made.toString('pem')}\n`, key, parts: { x509: made, keys } };
};
