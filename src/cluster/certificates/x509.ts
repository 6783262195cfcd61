/**
 * Makes private keys and self-signed X.509 v3 certificates for them.
 *
 * Written over node:crypto rather than with a certificate library because of start-up time: @peculiar/x509 takes
 * 150 to 400 ms to load and 5 ms a certificate, and the whole product must be ready within a second. This file takes
 * 7 ms to load and about 1 ms a certificate. It issues what `cluster-certificates.ts` asks for and is no certificate
 * authority. With Ed25519 the key is drawn from the world's chance and signing needs none, so a simulated run replays
 * byte for byte; with ECDSA neither is so.
 */

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { Random } from '../../world/world.ts';
import {
  derBitString,
  derExplicit,
  derImplicit,
  derInteger,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derSet,
  derTime,
  derUtf8String,
  pem,
} from './der.ts';

export type KeyAlgorithm = 'ecdsa-p256' | 'ed25519';

export interface CertificateAndKey {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8, not encrypted. */
  readonly key: string;
}

export interface SelfSignedRequest {
  readonly commonName: string;
  readonly organizationalUnit: string;
  readonly organization: string;
  readonly dnsNames: readonly string[];
  /** IPv4, dotted. */
  readonly addresses: readonly string[];
  readonly validFromMs: number;
  readonly validToMs: number;
}

const oid = {
  commonName: derObjectIdentifier('2.5.4.3'),
  organization: derObjectIdentifier('2.5.4.10'),
  organizationalUnit: derObjectIdentifier('2.5.4.11'),
  subjectKeyIdentifier: derObjectIdentifier('2.5.29.14'),
  authorityKeyIdentifier: derObjectIdentifier('2.5.29.35'),
  subjectAltName: derObjectIdentifier('2.5.29.17'),
  extendedKeyUsage: derObjectIdentifier('2.5.29.37'),
  serverAuth: derObjectIdentifier('1.3.6.1.5.5.7.3.1'),
  clientAuth: derObjectIdentifier('1.3.6.1.5.5.7.3.2'),
  ecdsaWithSha256: derObjectIdentifier('1.2.840.10045.4.3.2'),
  ed25519: derObjectIdentifier('1.3.101.112'),
};

const ED25519_KEY_BYTES = 32;
const KEY_IDENTIFIER_BYTES = 20;

/**
 * Real keys are OpenSSL's own chance: `Random` is not made to keep secrets, and ECDSA's signatures could not be
 * replayed anyway. Deterministic ones are drawn, and whoever knows the seed knows them.
 */
const makePrivateKey = (random: Random, algorithm: KeyAlgorithm): KeyObject => {
  if (algorithm === 'ecdsa-p256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const der = derSequence(
    derInteger(0),
    derSequence(oid.ed25519),
    derOctetString(derOctetString(random.bytes(ED25519_KEY_BYTES))),
  );
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
};

/** One relative name after the other, in the order in which people read them. */
const distinguishedName = (request: SelfSignedRequest): Buffer =>
  derSequence(
    derSet(derSequence(oid.commonName, derUtf8String(request.commonName))),
    derSet(derSequence(oid.organizationalUnit, derUtf8String(request.organizationalUnit))),
    derSet(derSequence(oid.organization, derUtf8String(request.organization))),
  );

const extension = (id: Buffer, value: Buffer): Buffer => derSequence(id, derOctetString(value));

/**
 * The key identifiers matter: a renewed certificate has the subject, issuer and serial of the old one, and where both
 * are trusted OpenSSL finds the right one only by them. Their value is free; this is [RFC 7093 2, method 4], cut short.
 */
const extensions = (request: SelfSignedRequest, keyIdentifier: Buffer): Buffer =>
  derSequence(
    extension(oid.subjectKeyIdentifier, derOctetString(keyIdentifier)),
    extension(oid.authorityKeyIdentifier, derSequence(derImplicit(0, keyIdentifier))),
    extension(oid.extendedKeyUsage, derSequence(oid.serverAuth, oid.clientAuth)),
    extension(
      oid.subjectAltName,
      derSequence(
        ...request.dnsNames.map((name) => derImplicit(2, Buffer.from(name, 'latin1'))),
        ...request.addresses.map((address) => derImplicit(7, Buffer.from(address.split('.').map(Number)))),
      ),
    ),
  );

export const makeSelfSigned = (
  random: Random,
  algorithm: KeyAlgorithm,
  request: SelfSignedRequest,
): CertificateAndKey => {
  const privateKey = makePrivateKey(random, algorithm);
  const signatureAlgorithm = derSequence(algorithm === 'ed25519' ? oid.ed25519 : oid.ecdsaWithSha256);
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const keyIdentifier = createHash('sha256').update(publicKey).digest().subarray(0, KEY_IDENTIFIER_BYTES);
  const name = distinguishedName(request);
  const body = derSequence(
    derExplicit(0, derInteger(2)), // version 3 counts from zero
    derInteger(1), // serial
    signatureAlgorithm,
    name, // issuer
    derSequence(derTime(request.validFromMs), derTime(request.validToMs)),
    name, // subject
    publicKey,
    derExplicit(3, extensions(request, keyIdentifier)),
  );
  const signature = sign(algorithm === 'ed25519' ? null : 'sha256', body, privateKey);
  return {
    certificate: pem('CERTIFICATE', derSequence(body, signatureAlgorithm, derBitString(signature))),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
};
