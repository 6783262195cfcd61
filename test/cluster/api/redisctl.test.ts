/**
 * What redisctl needs: the fields that its client library cannot do without, with the types that it reads them as, and the types of
 * those that it reads if they are there. The list is our own, made by reading its structures.
 */

import { expect, it } from 'vitest';
import { apiStory } from '../../support/api.ts';

/** `?` before a type: may be absent or null. `u`: a whole number from 0, `i`: any whole number. */
type Wanted = 'text' | 'flag' | 'number' | 'u' | 'i' | 'any' | 'texts' | 'us' | 'list' | 'object';
type Fields = Readonly<Record<string, Wanted | `?${Wanted}`>>;

const holds: Readonly<Record<Wanted, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  flag: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  u: (value) => Number.isInteger(value) && (value as number) >= 0,
  i: (value) => Number.isInteger(value),
  any: () => true,
  list: (value) => Array.isArray(value),
  texts: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  us: (value) => Array.isArray(value) && value.every((each) => Number.isInteger(each) && each >= 0),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

const NEEDED: readonly (readonly [path: string, fields: Fields])[] = [
  [
    '/v1/cluster',
    {
      name: 'text',
      rack_aware: '?flag',
      cnm_http_port: '?u',
      cnm_https_port: '?u',
      cm_port: '?u',
      cm_server_version: '?u',
      cluster_api_internal_port: '?u',
      cluster_ssh_public_key: '?text',
      control_cipher_suites: '?text',
      crdt_supported_featureset_version: '?u',
      crdt_supported_protocol_versions: '?texts',
      created_time: '?text',
      data_cipher_suites_tls_1_3: '?list',
      metrics_system: '?u',
      mtls_authorized_subjects: '?texts',
      password_expiration_duration: '?u',
      reserved_ports: '?us',
      sentinel_cipher_suites: '?texts',
      slave_ha: '?flag',
      slave_ha_grace_period: '?u',
      system_reserved_ports: '?us',
      upgrade_in_progress: '?flag',
      wait_command: '?flag',
    },
  ],
  [
    '/v1/cluster/policy',
    {
      auto_recovery: '?flag',
      bigstore_migrate_node_threshold: '?u',
      data_internode_encryption: '?flag',
      db_conns_auditing: '?flag',
      default_concurrent_restore_actions: '?u',
      default_non_sharded_proxy_policy: '?text',
      default_sharded_proxy_policy: '?text',
      default_provisioned_redis_version: '?text',
      default_recovery_wait_time: '?u',
      default_shards_placement: '?text',
      max_saved_events_per_type: '?u',
      max_simultaneous_backups: '?u',
      redis_migrate_node_threshold: '?text',
      redis_migrate_node_threshold_p: '?u',
      redis_provision_node_threshold: '?text',
      redis_provision_node_threshold_p: '?u',
      resp3_default: '?flag',
      show_internals: '?flag',
    },
  ],
  [
    '/v1/nodes/1',
    {
      uid: 'u',
      status: 'text',
      addr: '?text',
      accept_servers: '?flag',
      cores: '?u',
      external_addr: '?texts',
      total_memory: '?u',
      ephemeral_storage_size: '?number',
      persistent_storage_size: '?number',
      shard_count: '?u',
      shard_list: '?us',
      max_redis_forks: '?i',
      uptime: '?u',
      software_version: '?text',
      supported_database_versions: '?list',
    },
  ],
  ['/v1/bootstrap', { bootstrap_status: 'object', local_node_info: '?object' }],
  [
    '/v1/shards/1',
    {
      uid: 'text',
      bdb_uid: 'u',
      node_uid: 'text',
      role: 'text',
      status: 'text',
      assigned_slots: '?text',
      redis_info: '?any',
      all_nodes: '?us',
      roles: '?texts',
    },
  ],
  [
    '/v1/license',
    {
      expired: 'flag',
      key: '?text',
      license: '?text',
      type: '?text',
      shards_limit: '?u',
      ram_shards_in_use: '?u',
      ram_shards_limit: '?u',
      flash_shards_limit: '?u',
      features: '?texts',
    },
  ],
  [
    '/v1/users/1',
    {
      uid: 'u',
      email: 'text',
      role: 'text',
      name: '?text',
      status: '?text',
      auth_method: '?text',
      password_issue_date: '?text',
      email_alerts: '?flag',
      role_uids: '?us',
      bdbs: '?us',
      password_expiration_duration: '?u',
    },
  ],
  ['/v1/roles/1', { uid: 'u', name: 'text', management: '?text', data_access: '?text', cluster_roles: '?texts' }],
  ['/v1/redis_acls/1', { uid: 'u', name: 'text', acl: 'text', description: '?text', bdbs: '?us' }],
  ['/v1/suffix/west.local', { name: 'text', dns_suffix: '?text', use_internal_addr: '?flag' }],
  ['/v1/proxies/1', { uid: 'u' }],
];

it.each(NEEDED)('%s has what redisctl reads, as it reads it', (path, fields) =>
  apiStory(async (ask) => {
    const { status, json } = await ask('GET', path);
    expect(status).toBe(200);
    const wrong = Object.entries(fields).filter(([name, wanted]) => {
      const value: unknown = json[name];
      const isOptional = wanted.startsWith('?');
      if (value === undefined || value === null) return !isOptional;
      return !holds[wanted.replace('?', '') as Wanted](value);
    });
    expect(wrong).toEqual([]);
  }),
);

it('the log has time and type of each event, and a policy that was read may be written back', () =>
  apiStory(async (ask) => {
    for (const event of (await ask('GET', '/v1/logs')).json) {
      expect(event).toMatchObject({ time: expect.stringMatching(/^\d{4}-.*Z$/), type: expect.any(String) });
    }
    const policy = (await ask('GET', '/v1/cluster/policy')).json;
    expect(await ask('PUT', '/v1/cluster/policy', policy)).toMatchObject({ status: 200, json: policy });
  }));

it('its way to a first database works: cluster, database, PING', () =>
  apiStory(async (ask, { sandbox }) => {
    expect((await ask('POST', '/v1/bootstrap/create_cluster', { action: 'create_cluster' })).status).toBe(409);
    const made = await ask('POST', '/v1/bdbs', { name: 'first', memory_size: 104_857_600 });
    expect(made.json).toMatchObject({ uid: 2, name: 'first' });
    await sandbox.cluster('west.local').control.settled();
    expect((await ask('GET', `/v1/actions/${made.json.action_uid}`)).json.status).toBe('completed');
    expect((await ask('POST', '/v1/bdbs/2/command', { command: 'PING' })).status).toBe(200);
  }));
