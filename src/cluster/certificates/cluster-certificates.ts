/**
 * The certificates that a cluster makes for itself when it is created: subjects, names and lifetime as Redis
 * Enterprise gives them [RS certificates]; keys are ECDSA P-256 where the real product has RSA 4096, for speed.
 *
 * How a certificate is encoded and signed is `x509.ts`; judging certificates that people bring is
 * `certificate-facts.ts`. Certificates for node-to-node encryption are not made: nodes share a process.
 */

import assert from 'node:assert';
import type { Clock, Random } from '../../world/world.ts';
import { makeSelfSigned, type CertificateAndKey } from './x509.ts';

/** In the order of the real product's list. Names are those of its API. */
export const CLUSTER_CERTIFICATE_NAMES = ['api', 'cm', 'metrics_exporter', 'proxy', 'syncer'] as const;

export type ClusterCertificateName = (typeof CLUSTER_CERTIFICATE_NAMES)[number];

/** Those that a cluster has only when somebody brings them, and whether a key comes with each. */
export const OPTIONAL_CERTIFICATES = {
  ldap_client: 'with-key',
  mtls_trusted_ca: 'without-key',
  sso_issuer: 'without-key',
  sso_service: 'with-key',
} as const;

export type OptionalCertificateName = keyof typeof OPTIONAL_CERTIFICATES;

/** The key is empty where none belongs to it. */
export type ClusterCertificates = Readonly<
  Record<ClusterCertificateName, CertificateAndKey> & Partial<Record<OptionalCertificateName, CertificateAndKey>>
>;

export const isClusterCertificate = (name: string): name is ClusterCertificateName =>
  CLUSTER_CERTIFICATE_NAMES.some((known) => known === name);

export const isOptionalCertificate = (name: string): name is OptionalCertificateName =>
  Object.hasOwn(OPTIONAL_CERTIFICATES, name);

export interface ClusterCertificateOptions {
  /**
   * Ed25519 keys drawn from `random`, so that the same chance gives the same bytes: for simulations. They are no
   * secret, and browsers do not accept them.
   */
  readonly deterministicKeys?: boolean;
  /** The nodes' IPv4 addresses, for the certificates of services that people open by address. */
  readonly addresses?: readonly string[];
}

/** What is needed of a `World`. */
export interface CertificateWorld {
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
}

const DAY_MS = 86_400_000;
const LIFETIME_MS = 365 * DAY_MS;
/** A node list longer than any cluster's; keeps the certificate within its encoding. */
const ADDRESSES_MAX = 256;
const ORGANIZATION = 'RedisLabs Enterprise Cluster';

/** The proxy's unit is `redisdb` [RS certificates]; of the others only `syncer` is recorded. */
const unitOf = (name: ClusterCertificateName): string => (name === 'proxy' ? 'redisdb' : name);

/** A database is reached by name, through the proxy; these three also by a node's address. */
const servedByAddress: ReadonlySet<ClusterCertificateName> = new Set(['api', 'cm', 'metrics_exporter']);

/**
 * One certificate, valid for a year from now. Draws from `world.random` itself, so a renewal from the same stream gets
 * a new key.
 */
export const makeClusterCertificate = (
  world: CertificateWorld,
  fqdn: string,
  name: ClusterCertificateName,
  options: ClusterCertificateOptions = {},
): CertificateAndKey => {
  const { deterministicKeys = false, addresses = [] } = options;
  assert(addresses.length <= ADDRESSES_MAX, `a certificate has at most ${ADDRESSES_MAX} addresses`);
  const validFromMs = world.clock.now();
  return makeSelfSigned(world.random, deterministicKeys ? 'ed25519' : 'ecdsa-p256', {
    commonName: fqdn,
    organizationalUnit: unitOf(name),
    organization: ORGANIZATION,
    dnsNames: [fqdn, `*.${fqdn}`, `internal.${fqdn}`, `*.internal.${fqdn}`],
    addresses: servedByAddress.has(name) ? addresses : [],
    validFromMs,
    validToMs: validFromMs + LIFETIME_MS,
  });
};

export const makeClusterCertificates = (
  world: CertificateWorld,
  fqdn: string,
  options: ClusterCertificateOptions = {},
): ClusterCertificates => {
  const make = (name: ClusterCertificateName): CertificateAndKey => makeClusterCertificate(world, fqdn, name, options);
  return {
    api: make('api'),
    cm: make('cm'),
    metrics_exporter: make('metrics_exporter'),
    proxy: make('proxy'),
    syncer: make('syncer'),
  };
};
