/**
 * The licence of a cluster: until when, and for how many shards. Pure. [RS requests/license]
 *
 * A licence's text is the base64 of a JSON object between the product's own markers; nothing is signed, so that tests can write the
 * licence they need (an expired one, a trial). A sandbox begins with a development licence that no sandbox outgrows; the trial of
 * the product is `trialLicense`.
 */

import { problem, type ApplyOutcome } from './change.ts';
import type { ClusterState } from './cluster-state.ts';

const DAY_MS = 86_400_000;
const DEVELOPMENT_DAYS = 3_650;
const DEVELOPMENT_SHARDS = 10_000;
/** [RS limits: trial licence] */
const TRIAL_DAYS = 30;
const TRIAL_SHARDS = 4;
const TEXT_LENGTH_MAX = 65_536;

export interface LicenseRecord {
  /** Of the cluster it is for; null: any. */
  readonly clusterName: string | null;
  readonly owner: string | null;
  readonly activatedMs: number;
  readonly expiresMs: number;
  readonly shardsLimit: number;
  readonly features: readonly string[];
}

export const developmentLicense = (fromMs: number): LicenseRecord => ({
  clusterName: null,
  owner: null,
  activatedMs: fromMs,
  expiresMs: fromMs + DEVELOPMENT_DAYS * DAY_MS,
  shardsLimit: DEVELOPMENT_SHARDS,
  features: ['development'],
});

export const trialLicense = (fromMs: number): LicenseRecord => ({
  clusterName: null,
  owner: null,
  activatedMs: fromMs,
  expiresMs: fromMs + TRIAL_DAYS * DAY_MS,
  shardsLimit: TRIAL_SHARDS,
  features: ['trial', 'bigstore'],
});

const START = '----- LICENSE START -----';
const END = '----- LICENSE END -----';

/** What GET shows and PUT takes. */
export const licenseText = (license: LicenseRecord): string => {
  const facts = {
    cluster_name: license.clusterName,
    owner: license.owner,
    activation_date: new Date(license.activatedMs).toISOString(),
    expiration_date: new Date(license.expiresMs).toISOString(),
    shards_limit: license.shardsLimit,
    features: license.features,
  };
  return `${START}\n${Buffer.from(JSON.stringify(facts), 'utf8').toString('base64')}\n${END}\n`;
};

type LicenseOutcome =
  | { readonly ok: true; readonly license: LicenseRecord }
  | { readonly ok: false; readonly detail: string };

/** Reads a licence's text; `activation_date` may be left out and is then `nowMs`. */
export const parseLicense = (text: string, nowMs: number): LicenseOutcome => {
  if (text.length > TEXT_LENGTH_MAX) return corrupted(`longer than ${TEXT_LENGTH_MAX} characters`);
  const coded = /^-{5} (?:DEFAULT )?LICENSE START -{5}\s+([A-Za-z0-9+/=\s]+?)\s+-{5} LICENSE END -{5}\s*$/.exec(
    text,
  )?.[1];
  if (coded === undefined) return corrupted(`no base64 between "${START}" and "${END}"`);
  let facts: unknown;
  try {
    facts = JSON.parse(Buffer.from(coded, 'base64').toString('utf8'));
  } catch {
    return corrupted('what the base64 holds is not JSON');
  }
  if (facts === null || typeof facts !== 'object') return corrupted('what the base64 holds is no JSON object');
  const given = facts as Readonly<Record<string, unknown>>;
  const activatedMs = given['activation_date'] === undefined ? nowMs : timeOf(given['activation_date']);
  const expiresMs = timeOf(given['expiration_date']);
  const { shards_limit: shardsLimit, features = [], owner = null, cluster_name: clusterName = null } = given;
  if (activatedMs === null) return corrupted('activation_date is no ISO time');
  if (expiresMs === null) return corrupted('expiration_date is no ISO time');
  if (typeof shardsLimit !== 'number' || !Number.isSafeInteger(shardsLimit) || shardsLimit < 0) {
    return corrupted('shards_limit is no whole number from 0');
  }
  if (!Array.isArray(features) || !features.every((each) => typeof each === 'string')) {
    return corrupted('features is no list of texts');
  }
  if (!isTextOrNull(owner)) return corrupted('owner is no text');
  if (!isTextOrNull(clusterName)) return corrupted('cluster_name is no text');
  return { ok: true, license: { clusterName, owner, activatedMs, expiresMs, shardsLimit, features } };
};

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === 'string';

const corrupted = (why: string): LicenseOutcome => ({ ok: false, detail: `the licence is corrupted: ${why}` });

const timeOf = (value: unknown): number | null => {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) ? ms : null;
};

export const isExpired = ({ expiresMs }: LicenseRecord, nowMs: number): boolean => nowMs >= expiresMs;

/** A licence for fewer shards than there are, for another cluster, or that is over, is a violation. [RS requests/license: 406] */
export const installLicense = (state: ClusterState, atMs: number, text: string): ApplyOutcome => {
  const read = parseLicense(text, atMs);
  if (!read.ok) return problem('invalid_license', read.detail);
  const { license } = read;
  if (license.clusterName !== null && license.clusterName !== state.fqdn) {
    return problem('license_violation', `the licence is for cluster "${license.clusterName}", this is ${state.fqdn}`);
  }
  if (isExpired(license, atMs)) {
    return problem('license_violation', `the licence expired at ${new Date(license.expiresMs).toISOString()}`);
  }
  if (state.shards.length > license.shardsLimit) {
    return problem(
      'license_violation',
      `the licence is for ${license.shardsLimit} shards and the cluster has ${state.shards.length}; delete databases first`,
    );
  }
  return { ok: true, uid: 0, state: { ...state, version: state.version + 1, license } };
};

/** What the licence says against `shards` in all; null: nothing. For whoever makes shards. [RS license limits] */
export const licenseTrouble = ({ license }: ClusterState, nowMs: number, shards: number): string | null => {
  if (isExpired(license, nowMs)) {
    return `the licence expired at ${new Date(license.expiresMs).toISOString()}; install another one by PUT /v1/license`;
  }
  if (shards > license.shardsLimit) {
    return `the licence is for ${license.shardsLimit} shards, not ${shards}; install another one by PUT /v1/license`;
  }
  return null;
};
