/**
 * The rules about a database's own settings, one function each: name, memory, port, shards and hashing, passwords, TLS. Pure.
 *
 * A rule returns what is wrong, or null. Sources of a Replica Of are `source-rules.ts`.
 */

import {
  compileHashingPolicy,
  HASHING_RULES_MAX,
  LEGACY_SLOTS,
  type HashingRule,
} from '../../sharding/hashing-policy.ts';
import { SHARDS_MAX } from '../../sharding/slot-map.ts';
import { parseCertificate } from '../certificates/certificate-facts.ts';
import { problem } from './change.ts';
import { isReservedByCluster } from './cluster-rules.ts';
import { RESERVED_PORTS } from './reserved-ports.ts';
import type { ClusterState, DatabaseRecord, TlsMode } from './cluster-state.ts';

const NAME_LENGTH_MAX = 63;
const PORT_MAX = 65_535;
const PASSWORDS_MAX = 10;
const PASSWORD_LENGTH_MAX = 512;
const CLIENT_CERTIFICATES_MAX = 1_000;
const RESERVED: ReadonlySet<number> = new Set(RESERVED_PORTS);

type Refused = ReturnType<typeof problem> | null;

/** Letters, digits and inner hyphens. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;

export const checkName = (state: ClusterState, name: string, ownUid: number | null): Refused => {
  if (name === '') return problem('missing_db_name', 'a database needs a name');
  if (name.length > NAME_LENGTH_MAX)
    return problem('name_violation', `the name "${name}" is longer than ${NAME_LENGTH_MAX} characters`);
  if (!NAME.test(name)) {
    return problem('name_violation', `the name "${name}" may hold letters, digits and inner hyphens only`);
  }
  const other = state.databases.find((each) => each.name === name && each.uid !== ownUid);
  if (other !== undefined) return problem('name_violation', `the name "${name}" is taken by database ${other.uid}`);
  return null;
};

export const checkMemory = (bytes: number | undefined): Refused => {
  if (bytes === undefined) return problem('missing_memory_size', 'memory_size is missing: bytes, 0 for no limit');
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    return problem('missing_memory_size', `memory_size ${bytes} is not a number of bytes`);
  return null;
};

const isReserved = (state: ClusterState, port: number): boolean =>
  RESERVED.has(port) ||
  isReservedByCluster(state, port) ||
  (port >= state.ports.shardFirst && port <= state.ports.shardLast);

/** Ports outside the range that is given out by itself are accepted, as far as nothing else needs them. [RS bdb port] */
export const checkPort = (state: ClusterState, port: number): Refused => {
  if (!Number.isInteger(port) || port < 1 || port > PORT_MAX) {
    return problem('port_unavailable', `port ${port} is not between 1 and ${PORT_MAX}`);
  }
  if (isReserved(state, port)) {
    const { databaseFirst, databaseLast } = state.ports;
    return problem('port_unavailable', `port ${port} is reserved; choose one of ${databaseFirst} to ${databaseLast}`);
  }
  const other = state.databases.find((database) => database.port === port);
  if (other !== undefined)
    return problem('port_unavailable', `port ${port} is used by database ${other.uid} ("${other.name}")`);
  return null;
};

/** The lowest port that nobody uses; null: none is left. */
export const freePort = (state: ClusterState): number | null => {
  for (let port = state.ports.databaseFirst; port <= state.ports.databaseLast; port++) {
    if (checkPort(state, port) === null) return port;
  }
  return null;
};

export const checkSharding = (shardsCount: number, sharding: boolean, rules: readonly HashingRule[]): Refused => {
  if (!Number.isInteger(shardsCount) || shardsCount < 1 || shardsCount > SHARDS_MAX) {
    return problem('invalid_sharding', `shards_count ${shardsCount}: a database has 1 to ${SHARDS_MAX} shards`);
  }
  if (!sharding && shardsCount > 1) {
    return problem(
      'invalid_sharding',
      `shards_count ${shardsCount} needs sharding; leave sharding out or set it to true`,
    );
  }
  if (rules.length > HASHING_RULES_MAX) {
    return problem('invalid_sharding', `shard_key_regex: ${rules.length} rules; at most ${HASHING_RULES_MAX} are kept`);
  }
  if (rules[0]?.regex === LEGACY_SLOTS.regex) {
    return problem(
      'invalid_sharding',
      `shard_key_regex: "${LEGACY_SLOTS.regex}" is no rule; hash_slots_policy says it`,
    );
  }
  const compiled = compileHashingPolicy(rules);
  if (!compiled.ok) return problem('invalid_sharding', `shard_key_regex: ${compiled.detail}`);
  return null;
};

/** What cannot be changed once a database exists; saying it again is no change. */
export const checkFixed = (
  database: DatabaseRecord,
  edit: {
    readonly port?: number | undefined;
    readonly shardsCount?: number | undefined;
    readonly sharding?: boolean | undefined;
    readonly hashingRules?: readonly HashingRule[] | undefined;
    readonly replicaReadOnly?: boolean | undefined;
  },
): Refused => {
  // A port that nobody asked for is shown as 0 and may come back so.
  const samePort = edit.port === undefined || edit.port === database.port || (edit.port === 0 && !database.portWished);
  if (!samePort) return problem('port_unavailable', `the port of a database cannot be changed: it is ${database.port}`);
  if (edit.shardsCount !== undefined && edit.shardsCount !== database.shardsCount) {
    const rule =
      edit.shardsCount < database.shardsCount
        ? 'a database never has fewer shards than before'
        : 'adding shards to a database is not emulated';
    const advice = 'create another database and replicate into it';
    return problem(
      'invalid_sharding',
      `shards_count ${edit.shardsCount}: it is ${database.shardsCount}, and ${rule}; ${advice}`,
    );
  }
  if (edit.sharding !== undefined && edit.sharding !== database.sharding) {
    return problem('invalid_sharding', 'sharding cannot be turned on or off once a database exists');
  }
  if (edit.hashingRules !== undefined && JSON.stringify(edit.hashingRules) !== JSON.stringify(database.hashingRules)) {
    const text = 'the hashing rules cannot be changed once a database exists';
    return problem('invalid_sharding', `${text}; create another database and replicate into it`);
  }
  if (edit.replicaReadOnly !== undefined && edit.replicaReadOnly !== database.replica.readOnly) {
    return problem('invalid_replication', 'replica_read_only can be set when a database is created, not later');
  }
  return null;
};

export const checkPasswords = (passwords: readonly string[]): Refused => {
  if (passwords.length > PASSWORDS_MAX) {
    return problem('invalid_password', `${passwords.length} passwords: a database has at most ${PASSWORDS_MAX}`);
  }
  for (const password of passwords) {
    if (password === '') return problem('invalid_password', 'a password is empty');
    if (password.length > PASSWORD_LENGTH_MAX) {
      return problem('invalid_password', `a password is longer than ${PASSWORD_LENGTH_MAX} characters`);
    }
  }
  return null;
};

export const checkTls = (
  settings: {
    readonly tlsMode: TlsMode;
    readonly enforceClientAuthentication: boolean;
    readonly clientCertificates: readonly string[];
    readonly crdtCertificates: readonly string[];
  },
  nowMs: number,
): Refused => {
  const { tlsMode, enforceClientAuthentication } = settings;
  const clientCertificates = [...settings.clientCertificates, ...settings.crdtCertificates];
  if (clientCertificates.length > CLIENT_CERTIFICATES_MAX) {
    return problem('invalid_certificate', `more than ${CLIENT_CERTIFICATES_MAX} client certificates`);
  }
  const seen = new Set<string>();
  for (const [index, pem] of clientCertificates.entries()) {
    const read = parseCertificate(pem);
    if (!read.ok) return problem('invalid_certificate', `client certificate ${index + 1}: ${read.detail}`);
    const { validToMs, fingerprint256, subjectText } = read.certificate;
    if (validToMs < nowMs) {
      const when = new Date(validToMs).toISOString();
      return problem('certificate_expired', `client certificate ${index + 1} (${subjectText}) expired at ${when}`);
    }
    if (seen.has(fingerprint256))
      return problem('duplicated_certs', `client certificate ${index + 1} (${subjectText}) is listed twice`);
    seen.add(fingerprint256);
  }
  if (tlsMode !== 'disabled' && enforceClientAuthentication && clientCertificates.length === 0) {
    const advice =
      'add the syncer certificate of each destination cluster, or set enforce_client_authentication to disabled';
    return problem(
      'invalid_certificate',
      `client authentication is enforced and no client certificate is trusted; ${advice}`,
    );
  }
  return null;
};
