/**
 * What a database is where nobody has said otherwise: the record that creation begins with, and what a record kept by an older version
 * lacks. Pure.
 */

import { STANDARD_HASHING_RULES } from '../../sharding/hashing-policy.ts';
import type { DatabaseRecord } from './cluster-state.ts';
import { DEFAULT_SETTINGS } from './database-settings.ts';
import { NO_REPLICA } from './replica-rules.ts';

type Decided =
  | 'uid'
  | 'name'
  | 'port'
  | 'portWished'
  | 'endpointNodeUid'
  | 'shardsCount'
  | 'sharding'
  | 'adminPassword'
  | 'createdMs'
  | 'changedMs';

export const DATABASE_DEFAULTS: Omit<DatabaseRecord, Decided> = {
  status: 'pending',
  trouble: '',
  memorySizeBytes: 0,
  hashingRules: STANDARD_HASHING_RULES,
  passwords: [],
  adminPasswordEpoch: 0,
  tlsMode: 'disabled',
  enforceClientAuthentication: true,
  clientCertificates: [],
  settings: DEFAULT_SETTINGS,
  snapshotPolicy: [],
  authorizedSubjects: [],
  crdtCertificates: [],
  rolePermissions: [],
  tags: [],
  alerts: {},
  trafficStopped: false,
  replica: NO_REPLICA,
};
