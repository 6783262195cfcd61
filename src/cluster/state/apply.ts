/**
 * The one function that changes a cluster's state: every rule is checked here, whoever asks. Pure.
 *
 * Rules are in `database-rules.ts` and `source-rules.ts`; what follows from a state is `plan.ts`. A message from the system that
 * comes too late (its database is gone, its configuration replaced) changes nothing and is no problem.
 */

import assert from 'node:assert';
import { editDatabaseAlerts } from './database-alerts.ts';
import { changeAccounts, checkRolePermissions } from './account-rules.ts';
import { bootstrapCluster } from './bootstrap-rules.ts';
import { problem, type ApplyOutcome, type Change, type DatabaseEdit, type DatabaseWish } from './change.ts';
import { updateCluster } from './cluster-rules.ts';
import { DATABASES_MAX, databaseByUid, type ClusterState, type DatabaseRecord } from './cluster-state.ts';
import { deleteCertificate, replaceCertificates } from './certificate-rules.ts';
import {
  checkFixed,
  checkMemory,
  checkName,
  checkPasswords,
  checkPort,
  checkSharding,
  checkTls,
  freePort,
} from './database-rules.ts';
import { DATABASE_DEFAULTS } from './database-defaults.ts';
import { editSettings } from './database-settings.ts';
import { setMdnsMissing } from './name-services.ts';
import { installLicense, licenseTrouble } from './license.ts';
import { updateNode } from './node-settings.ts';
import { placementDefaults, placeShards } from './placement.ts';
import { editReplica } from './replica-rules.ts';
import { checkSettings } from './setting-rules.ts';

/** Beyond it numbers are given out by themselves, so that nobody's wish uses them up. */
const DATABASE_UID_MAX = 100_000_000;

export const apply = (state: ClusterState, change: Change): ApplyOutcome => {
  switch (change.kind) {
    case 'create-database':
      return create(state, change.atMs, change.adminPassword, change.wish);
    case 'update-database':
      return update(state, change.atMs, change.uid, change.edit);
    case 'regenerate-password': {
      const { adminPassword, atMs } = change;
      return edited(state, change.uid, (database) => ({
        ...database,
        adminPassword,
        adminPasswordEpoch: database.adminPasswordEpoch + 1,
        changedMs: atMs,
      }));
    }
    case 'update-alerts': {
      const database = databaseByUid(state, change.uid);
      if (database === undefined) return missing(change.uid);
      const next = editDatabaseAlerts(database.alerts, change.edit);
      // Nothing that runs depends on it.
      return next.ok ? replaced(state, { ...database, alerts: next.alerts }) : next;
    }
    case 'set-traffic':
      return edited(state, change.uid, (database) => ({
        ...database,
        trafficStopped: change.stopped,
        changedMs: change.atMs,
      }));
    case 'delete-database':
      return edited(state, change.uid, (database) => ({
        ...database,
        status: 'delete-pending',
        changedMs: change.atMs,
      }));
    case 'replace-certificates':
      return replaceCertificates(state, change.atMs, change.certificates);
    case 'update-cluster':
      return updateCluster(state, change.edit);
    case 'bootstrap-cluster':
      return bootstrapCluster(state, change.atMs, change.wish);
    case 'update-node':
      return updateNode(state, change);
    case 'install-license':
      return installLicense(state, change.atMs, change.text);
    case 'create-user':
    case 'update-user':
    case 'delete-user':
    case 'change-password':
    case 'create-role':
    case 'update-role':
    case 'delete-role':
    case 'create-redis-acl':
    case 'update-redis-acl':
    case 'delete-redis-acl':
      return changeAccounts(state, change);
    case 'delete-certificate':
      return deleteCertificate(state, change.name);
    case 'set-mdns-missing':
      return setMdnsMissing(state, change);
    case 'database-ready':
      return told(state, change.uid, (database) =>
        database.status === 'delete-pending' || (database.status === 'active' && database.trouble === '')
          ? database
          : { ...database, status: 'active', trouble: '' },
      );
    case 'database-troubled':
      return told(state, change.uid, (database) =>
        database.trouble === change.trouble
          ? database
          : {
              ...database,
              trouble: change.trouble,
              status: database.status === 'pending' ? 'creation-failed' : database.status,
            },
      );
    case 'database-removed':
      return remove(state, change.uid);
    case 'full-sync-begun':
      return told(state, change.uid, (database) =>
        database.replica.generation !== change.generation || database.replica.restart !== change.cause
          ? database
          : { ...database, replica: { ...database.replica, restart: null } },
      );
    case 'replica-stopped':
      return told(state, change.uid, (database) => {
        const { replica } = database;
        if (replica.generation !== change.generation || replica.sync !== 'enabled') return database;
        const stopped = { cause: change.cause, detail: change.detail };
        return { ...database, replica: { ...replica, sync: 'stopped', stopped } };
      });
  }
};

const create = (state: ClusterState, atMs: number, adminPassword: string, wish: DatabaseWish): ApplyOutcome => {
  assert(/^[A-Za-z0-9]{48}$/.test(adminPassword), 'an internal password is 48 letters and digits');
  if (state.databases.length >= DATABASES_MAX) {
    return problem('insufficient_resources', `a cluster has at most ${DATABASES_MAX} databases`);
  }
  const uid = wish.uid ?? state.nextDatabaseUid;
  if (!Number.isInteger(uid) || uid < 1 || (wish.uid !== undefined && uid > DATABASE_UID_MAX)) {
    return problem('invalid_setting', `uid ${uid}: a whole number from 1 to ${DATABASE_UID_MAX}`);
  }
  if (databaseByUid(state, uid) !== undefined) return problem('uid_exists', `database ${uid} exists already`);
  const portWished = wish.port !== undefined && wish.port !== 0;
  const port = portWished ? wish.port : freePort(state);
  if (port === null) return problem('port_unavailable', 'every port of the range for databases is taken');
  const shardsCount = wish.shardsCount ?? 1;
  const name = wish.name ?? '';
  const refused = checkName(state, name, null) ?? checkMemory(wish.memorySizeBytes) ?? checkPort(state, port);
  if (refused !== null) return refused;
  const sharding = wish.sharding ?? (shardsCount > 1 || wish.hashingRules !== undefined);
  const draft: DatabaseRecord = {
    ...DATABASE_DEFAULTS,
    uid,
    name,
    memorySizeBytes: wish.memorySizeBytes ?? 0,
    port,
    portWished,
    endpointNodeUid: 0,
    shardsCount,
    sharding,
    hashingRules: wish.hashingRules ?? DATABASE_DEFAULTS.hashingRules,
    adminPassword,
    settings: { ...DATABASE_DEFAULTS.settings, ...placementDefaults(state, sharding) },
    replica: { ...DATABASE_DEFAULTS.replica, readOnly: wish.replicaReadOnly ?? false },
    createdMs: atMs,
    changedMs: atMs,
  };
  const settled = settle(state, draft, wish, atMs, true);
  if (!settled.ok) return settled;
  const wrong = checkSharding(shardsCount, draft.sharding, draft.hashingRules);
  if (wrong !== null) return wrong;
  const unlicensed = licenseTrouble(state, atMs, state.shards.length + shardsCount);
  if (unlicensed !== null) return problem('license_refused', unlicensed);
  const { shards_placement: placement } = settled.database.settings;
  const shards = placeShards(state, uid, shardsCount, placement);
  if (shards === null) {
    return problem(
      'insufficient_resources',
      `the nodes have no room for ${shardsCount} more shards; add nodes or delete databases`,
    );
  }
  const database = { ...settled.database, endpointNodeUid: shards[0]!.nodeUid };
  return {
    ok: true,
    uid,
    state: {
      ...state,
      version: state.version + 1,
      databases: [...state.databases, database].toSorted((a, b) => a.uid - b.uid),
      shards: [...state.shards, ...shards],
      nextDatabaseUid: Math.max(state.nextDatabaseUid, uid + 1),
      nextShardUid: state.nextShardUid + shardsCount,
    },
  };
};

const update = (state: ClusterState, atMs: number, uid: number, edit: DatabaseEdit): ApplyOutcome => {
  const database = databaseByUid(state, uid);
  if (database === undefined) return missing(uid);
  if (database.status === 'delete-pending') return busy(uid);
  const refused =
    (edit.name === undefined ? null : checkName(state, edit.name, uid)) ??
    (edit.memorySizeBytes === undefined ? null : checkMemory(edit.memorySizeBytes)) ??
    checkFixed(database, edit);
  if (refused !== null) return refused;
  const settled = settle(state, { ...database, name: edit.name ?? database.name }, edit, atMs, false);
  if (!settled.ok) return settled;
  return replaced(state, { ...settled.database, changedMs: atMs, status: changing(database) });
};

/** The settings that creation and update have in common. */
const settle = (
  state: ClusterState,
  database: DatabaseRecord,
  edit: DatabaseEdit,
  atMs: number,
  isNew: boolean,
): { readonly ok: true; readonly database: DatabaseRecord } | Extract<ApplyOutcome, { readonly ok: false }> => {
  const passwords = edit.passwords ?? database.passwords;
  const tls = {
    tlsMode: edit.tlsMode ?? database.tlsMode,
    enforceClientAuthentication: edit.enforceClientAuthentication ?? database.enforceClientAuthentication,
    clientCertificates: edit.clientCertificates ?? database.clientCertificates,
    crdtCertificates: edit.crdtCertificates ?? database.crdtCertificates,
  };
  // Certificates accepted earlier may expire since; that must not block other edits.
  const touchesTls =
    edit.tlsMode !== undefined ||
    edit.enforceClientAuthentication !== undefined ||
    edit.clientCertificates !== undefined ||
    edit.crdtCertificates !== undefined;
  const refused =
    checkPasswords(passwords) ??
    (touchesTls ? checkTls(tls, atMs) : null) ??
    checkRolePermissions(state, edit.rolePermissions ?? []);
  if (refused !== null) return refused;
  const edited = editSettings(database.settings, edit.settings ?? {}, isNew);
  if (!edited.ok) return problem(edited.code, edited.trouble);
  const replica = editReplica(state, database, edit);
  if (!replica.ok) return replica;
  const next: DatabaseRecord = {
    ...database,
    memorySizeBytes: edit.memorySizeBytes ?? database.memorySizeBytes,
    passwords,
    ...tls,
    settings: edited.settings,
    snapshotPolicy: edit.snapshotPolicy ?? database.snapshotPolicy,
    authorizedSubjects: edit.authorizedSubjects ?? database.authorizedSubjects,
    crdtCertificates: edit.crdtCertificates ?? database.crdtCertificates,
    rolePermissions: edit.rolePermissions ?? database.rolePermissions,
    tags: edit.tags ?? database.tags,
    replica: replica.replica,
  };
  return checkSettings(state, next, edit, isNew) ?? { ok: true, database: next };
};

const remove = (state: ClusterState, uid: number): ApplyOutcome => {
  const database = databaseByUid(state, uid);
  if (database === undefined) return { ok: true, state, uid };
  assert(database.status === 'delete-pending', 'only a database that is being deleted can be gone');
  return {
    ok: true,
    uid,
    state: {
      ...state,
      version: state.version + 1,
      databases: state.databases.filter((each) => each.uid !== uid),
      shards: state.shards.filter((shard) => shard.databaseUid !== uid),
    },
  };
};

const edited = (
  state: ClusterState,
  uid: number,
  change: (database: DatabaseRecord) => DatabaseRecord,
): ApplyOutcome => {
  const database = databaseByUid(state, uid);
  if (database === undefined) return missing(uid);
  if (database.status === 'delete-pending') return busy(uid);
  const next = change(database);
  return replaced(state, next.status === 'delete-pending' ? next : { ...next, status: changing(database) });
};

const told = (state: ClusterState, uid: number, change: (database: DatabaseRecord) => DatabaseRecord): ApplyOutcome => {
  const database = databaseByUid(state, uid);
  if (database === undefined) return { ok: true, state, uid };
  const next = change(database);
  return next === database ? { ok: true, state, uid } : replaced(state, next);
};

const changing = (database: DatabaseRecord): DatabaseRecord['status'] =>
  database.status === 'active' ? 'active-change-pending' : database.status;

const replaced = (state: ClusterState, database: DatabaseRecord): ApplyOutcome => ({
  ok: true,
  uid: database.uid,
  state: {
    ...state,
    version: state.version + 1,
    databases: state.databases.map((each) => (each.uid === database.uid ? database : each)),
  },
});

const missing = (uid: number): ApplyOutcome => problem('db_not_exist', `there is no database ${uid}`);
const busy = (uid: number): ApplyOutcome => problem('busy', `database ${uid} is being deleted`);
