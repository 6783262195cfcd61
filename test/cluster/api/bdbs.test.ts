import { describe, expect, it } from 'vitest';
import { bdbReply } from '../../../src/cluster/api/bdb-fields.ts';
import { apiRoutes } from '../../../src/cluster/api/routes.ts';
import { METRIC_NAMES } from '../../../src/cluster/control/database-counters.ts';
import { apiStory, asking, type Ask } from '../../support/api.ts';
import { inSimulation } from '../../support/sandboxes.ts';

/** As the documentation lists the fields, independent of our own table. */
const FIELDS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    number: `uid port memory_size shards_count replica_sync_connection_alarm_timeout_seconds sync_dedicated_threads
      gradual_src_max_sources gradual_sync_max_shards_per_source max_connections maxclients max_pipelined max_client_pipeline conns
      import_progress export_progress backup_progress recovery_wait_time group_uid topology_epoch tracking_table_max_keys
      max_aof_file_size max_aof_load_time backup_history backup_interval bigstore_ram_size slave_ha_priority
      throughput_ingress crdt_replica_id crdt_config_version active_defrag_cycle_max`,
    string: `name type hash_slots_policy shards_placement replica_sync sync crdt_sync syncer_mode gradual_src_mode gradual_sync_mode
      syncer_log_level tls_mode enforce_client_authentication client_cert_subject_validation_type authentication_redis_pass
      authentication_admin_pass authentication_sasl_uname authentication_sasl_pass data_persistence aof_policy eviction_policy
      proxy_policy oss_cluster_api_preferred_endpoint_type oss_cluster_api_preferred_ip_type conns_type sched_policy
      repl_backlog_size slave_buffer status import_status export_status backup_status import_failure_reason
      export_failure_reason backup_failure_reason created_time last_changed_time version redis_version activedefrag
      active_defrag_ignore_bytes multi_commands_opt skip_import_analyze crdt_guid crdt_modules crdt_replicas`,
    boolean: `sharding implicit_shard_key replication crdt replica_read_only replica_sync_dist support_syncer_reconf ssl default_user
      oss_cluster mkms resp3 flush_on_fullsync use_selective_flush shard_block_foreign_keys shard_block_crossslot_keys
      rack_aware bigstore auto_upgrade master_persistence slave_ha wait_command internal email_alerts backup
      data_internode_encryption mtls_allow_outdated_certs mtls_allow_weak_hashing metrics_export_all oss_sharding`,
    array: `shard_key_regex shard_list replica_sources sync_sources crdt_sources authentication_ssl_client_certs
      authentication_ssl_crdt_certs authorized_subjects roles_permissions acl snapshot_policy endpoints module_list
      background_op tags dns_suffixes dataset_import_sources`,
  }).flatMap(([type, names]) => names.split(/\s+/).map((name) => [name, type])),
);

const DEFAULTS = {
  sharding: false,
  shards_placement: 'dense',
  hash_slots_policy: '16k',
  replica_sync: 'disabled',
  sync_dedicated_threads: 5,
  syncer_log_level: 'info',
  tls_mode: 'disabled',
  eviction_policy: 'volatile-lru',
  proxy_policy: 'single',
  mkms: true,
  resp3: true,
  maxclients: 10_000,
  max_client_pipeline: 200,
  repl_backlog_size: 'auto',
  slave_buffer: 'auto',
  recovery_wait_time: -1,
  tracking_table_max_keys: 1_000_000,
};

const wish = { name: 'cache', memory_size: 1_000_000 };

describe('a database in the API', () => {
  it('has every documented field with its type and default', () =>
    apiStory(async (ask) => {
      await ask('POST', '/v1/bdbs', wish);
      const { json } = await ask('GET', '/v1/bdbs/2');
      const types = Object.fromEntries(
        Object.keys(FIELDS).map((name) => [name, Array.isArray(json[name]) ? 'array' : typeof json[name]]),
      );
      expect(types).toEqual(FIELDS);
      expect(json).toMatchObject(DEFAULTS);
      bdbReply.parse(json);
    }));

  it('comes back unchanged when what GET gave is PUT, with or without sharding', () =>
    apiStory(async (ask) => {
      await ask('POST', '/v1/bdbs', wish);
      for (const uid of [1, 2]) {
        const { json } = await ask('GET', `/v1/bdbs/${uid}`);
        const put = await ask('PUT', `/v1/bdbs/${uid}`, json);
        expect(put).toMatchObject({ status: 200 });
        const after = (await ask('GET', `/v1/bdbs/${uid}`)).json;
        expect({ ...after, action_uid: 0, status: 0 }).toEqual({ ...json, action_uid: 0, status: 0 });
      }
    }));

  it('shows port 0 when it was chosen by itself, and the wish otherwise', () =>
    apiStory(async (ask) => {
      const chosen = (await ask('POST', '/v1/bdbs', wish)).json;
      expect([chosen.port, chosen.endpoints[0].port]).toEqual([0, 10_000]);
      const asked = (await ask('POST', '/v1/bdbs', { ...wish, name: 'two', port: 12_345 })).json;
      expect([asked.port, asked.endpoints[0].port]).toEqual([12_345, 12_345]);
    }));

  it('keeps its port', () =>
    apiStory(async (ask) => {
      const { status, json } = await ask('PUT', '/v1/bdbs/1', { port: 12_001 });
      expect([status, json.error_code]).toEqual([406, 'port_unavailable']);
      expect(json.description).toContain('cannot be changed: it is 12000');
    }));

  it('is created by /v2/bdbs wrapped and unwrapped, without the files of another', () =>
    apiStory(async (ask) => {
      expect((await ask('POST', '/v2/bdbs', { bdb: wish })).json).toMatchObject({ uid: 2, name: 'cache' });
      expect((await ask('POST', '/v2/bdbs', { ...wish, name: 'two' })).json).toMatchObject({ uid: 3, name: 'two' });
      const plan = { recovery_plan: { data_files: [{ filename: 'a', node_uid: '1', shard_slots: '0-16383' }] } };
      const refused = await ask('POST', '/v2/bdbs', { bdb: { ...wish, name: 'three' }, ...plan });
      expect([refused.status, refused.json.error_code]).toEqual([406, 'not_emulated']);
      expect((await ask('POST', '/v2/bdbs', { bdb: wish, shard: 1 })).status).toBe(400);
    }));

  it('reads the older form of sources with a name before the URL, and mirrors it', () =>
    apiStory(async (ask) => {
      const uri = 'redis://admin:x@redis-12000.east.local:12000';
      const sources = [{ uri: `orders: ${uri}` }];
      const { json } = await ask('POST', '/v1/bdbs', { ...wish, sync: 'enabled', sync_sources: sources });
      expect(json).toMatchObject({ sync: 'enabled', replica_sync: 'enabled' });
      expect(json.replica_sources).toMatchObject([{ uri }]);
      expect(json.replica_sources).toEqual(json.sync_sources);
    }));

  it('gives all that a source URL is made of, and such a URL replicates', () =>
    apiStory(async (ask, { sandbox }) => {
      const [source] = (await asking(sandbox.cluster('east.local'))('GET', '/v1/bdbs')).json;
      const [{ dns_name: host, port }] = source.endpoints;
      const uri = `redis://admin:${source.authentication_admin_pass}@${host}:${port}`;
      const sync = { replica_sync: 'enabled', replica_sources: [{ uri }] };
      expect((await ask('POST', '/v1/bdbs', { ...wish, ...sync })).status).toBe(200);
      await sandbox.cluster('west.local').control.settled();
      await sandbox.cluster('west.local').database('cache').inSync();
      expect((await ask('GET', '/v1/bdbs/2')).json.replica_sources[0]).toMatchObject({
        status: 'in-sync',
        last_error: '',
      });
    }));

  it('lets RedisInsight see that a database is a source: its endpoint is in the URI of another', () =>
    apiStory(async (ask, { sandbox }) => {
      const [source] = (await asking(sandbox.cluster('east.local'))('GET', '/v1/bdbs')).json;
      const [copy] = (await ask('GET', '/v1/bdbs')).json;
      const external = source.endpoints.find((each: { addr_type: string }) => each.addr_type === 'external');
      expect(copy.replica_sources[0].uri).toContain(`${external.dns_name}:${external.port}`);
    }));
});

describe('what a database may not be', () => {
  const rules: readonly (readonly [string, object, number, string])[] = [
    ['a second one of the same uid', { uid: 1 }, 409, 'uid_exists'],
    ['of a uid beyond all others', { uid: Number.MAX_SAFE_INTEGER }, 406, 'invalid_setting'],
    ['nameless', { name: '' }, 406, 'missing_db_name'],
    ['of a name with blanks', { name: 'a b' }, 406, 'name_violation'],
    ['without a memory size', { memory_size: undefined }, 406, 'missing_memory_size'],
    ['on a reserved port', { port: 10_050 }, 406, 'port_unavailable'],
    ['sharded without rules', { sharding: true, shards_count: 2 }, 406, 'invalid_sharding'],
    ['of 513 shards', { shards_count: 513 }, 406, 'invalid_sharding'],
    ['larger than the nodes', { shards_count: 512 }, 406, 'insufficient_resources'],
    ['rack-aware', { rack_aware: true }, 406, 'not_rack_aware'],
    ['of another version', { redis_version: '6.2' }, 406, 'invalid_version'],
    ['persistent in an unknown way', { data_persistence: 'tape' }, 406, 'invalid_data_persistence'],
    ['snapshotted without a policy', { data_persistence: 'snapshot' }, 406, 'invalid_data_persistence'],
    ['behind an unknown proxy policy', { proxy_policy: 'none' }, 406, 'invalid_proxy_policy'],
    ['with half of the SASL credentials', { authentication_sasl_uname: 'u' }, 406, 'invalid_sasl_credentials'],
    ['replicated on one node', { replication: true }, 406, 'replication_node_violation'],
    ['Active-Active without replication', { crdt: true }, 406, 'replication_violation'],
    ['evicting by an unknown rule', { eviction_policy: 'volatile-lrm' }, 406, 'eviction_policy_violation'],
    ['an OSS cluster', { oss_cluster: true }, 406, 'invalid_oss_cluster_configuration'],
    ['memcached', { type: 'memcached' }, 406, 'not_emulated'],
    ['memcached with modules', { type: 'memcached', module_list: [{ module_name: 'bf' }] }, 406, 'memcached_cannot_use_modules'],
    ['with a module', { module_list: [{ module_name: 'search' }] }, 406, 'missing_module'],
    ['backed up without an interval', { backup: true }, 406, 'missing_backup_interval'],
    ['tagged twice alike', { tags: [{ key: 'a', value: '1' }, { key: 'a', value: '2' }] }, 406, 'invalid_bdb_tags'],
    ['guarded by a certificate that is none', { authentication_ssl_client_certs: [{ client_cert: 'x' }] }, 406, 'invalid_certificate'],
    ['buffering by an unknown measure', { slave_buffer: '1:2' }, 406, 'invalid_replication'],
    ['compressed at level 7', { replica_sources: [{ uri: 'redis://h:1', compression: 7 }] }, 406, 'invalid_replication'],
    ['with a source of another scheme', { replica_sources: [{ uri: 'http://h:1' }] }, 406, 'invalid_replication'],
    ['with a source whose host is no name', { replica_sources: [{ uri: 'redis://a\u0000b:1' }] }, 406, 'invalid_replication'],
    ['with a source without a port', { replica_sources: [{ uri: 'redis://h' }] }, 406, 'invalid_replication'],
    ['its own source', { port: 12_009, replica_sources: [{ uri: 'redis://redis-12009.west.local:12009' }] }, 406, 'invalid_replication'],
    [
      'of 33 sources',
      { replica_sources: Array.from({ length: 33 }, (_, index) => ({ uri: `redis://h:${index + 1}` })) },
      406,
      'invalid_replication',
    ],
    ['encrypted without a certificate to trust', { replica_sources: [{ uri: 'redis://h:1', encryption: true }] }, 406, 'invalid_certificate'],
    ['stopped by hand', { replica_sync: 'stopped' }, 406, 'invalid_replication'],
    ['paused from the start', { replica_sync: 'paused', replica_sources: [{ uri: 'redis://h:1' }] }, 406, 'invalid_replication'],
    ['of an unknown field', { shardz: 1 }, 400, 'invalid_schema'],
    ['of a field of the wrong type', { memory_size: '1gb' }, 400, 'invalid_schema'],
    ['of a value out of range', { sync_dedicated_threads: 11 }, 400, 'invalid_schema'],
  ]; // prettier-ignore

  it.each(rules)('%s', (_, body, status, code) =>
    apiStory(async (ask, { sandbox }) => {
      const { control } = sandbox.cluster('west.local');
      await control.settled();
      const before = control.state;
      const answer = await ask('POST', '/v1/bdbs', { ...wish, ...body });
      expect([answer.status, answer.json.error_code]).toEqual([status, code]);
      expect(answer.json.description).not.toBe('');
      expect(control.state).toBe(before);
    }),
  );

  it('placed otherwise than the policy places it', () =>
    apiStory(async (ask) => {
      const fitting = (await ask('GET', '/v1/bdbs/1/actions/optimize_shards_placement')).json;
      const put = (body: object) => ask('PUT', '/v1/bdbs/1', body);
      expect((await put({ shards_blueprint: fitting.toReversed(), use_nodes: ['1'], avoid_nodes: [] })).status).toBe(
        200,
      );
      expect((await put({ shards_blueprint: fitting.slice(1) })).json.error_code).toBe('bad_shards_blueprint');
      expect((await put({ avoid_nodes: ['1'] })).json.error_code).toBe('not_emulated');
      expect((await put({ use_nodes: ['2'] })).json.error_code).toBe('insufficient_resources');
    }));

  it('read-only later, sharded otherwise, or of fewer shards', () =>
    apiStory(async (ask) => {
      for (const [body, code] of [
        [{ replica_read_only: true }, 'invalid_replication'],
        [{ shards_count: 2 }, 'invalid_sharding'],
        [{ shards_count: 6 }, 'invalid_sharding'],
        [{ sharding: false }, 'invalid_sharding'],
        [{ shard_key_regex: [{ regex: '(?<tag>.*)' }] }, 'invalid_sharding'],
        [{ hash_slots_policy: 'legacy' }, 'invalid_sharding'],
        [{ rack_aware: true }, 'rack_awareness_violation'],
      ] as const) {
        expect(await ask('PUT', '/v1/bdbs/1', body)).toMatchObject({ status: 406, json: { error_code: code } });
      }
    }));
});

describe('an action', () => {
  const uidOf = (json: { action_uid: string }): string => json.action_uid;

  it('is told with the change, and completed when the database is active', () =>
    apiStory(async (ask, { sandbox }) => {
      const created = (await ask('POST', '/v1/bdbs', wish)).json;
      expect(created).toMatchObject({ status: 'pending', action_uid: expect.stringMatching(/^[0-9a-f-]{36}$/) });
      const path = `/v1/actions/${uidOf(created)}`;
      expect((await ask('GET', path)).json).toMatchObject({ name: 'SMCreateBDB', object_name: 'bdb:2' });
      await sandbox.cluster('west.local').control.settled();
      expect((await ask('GET', path)).json).toMatchObject({ status: 'completed', progress: '100', error: null });
      expect((await ask('GET', `/v2/actions/${uidOf(created)}`)).json).toMatchObject({
        status: 'completed',
        progress: 100,
      });
      const database = (await ask('GET', '/v1/bdbs/2')).json;
      expect([database.status, database.action_uid]).toEqual(['active', undefined]);
      const ofTwo = (await ask('GET', '/v1/actions/bdb/2')).json['state-machines'];
      expect(ofTwo.map(uidOf)).toEqual([uidOf(created)]);
      expect((await ask('GET', '/v2/actions')).json.map(uidOf)).toContain(uidOf(created));
      expect((await ask('GET', '/v1/actions')).json.actions).toEqual([]);
      expect((await ask('GET', '/v1/actions/none')).status).toBe(404);
    }));

  it('ends with the database when that is deleted, and nothing else may begin meanwhile', () =>
    apiStory(async (ask, { sandbox }) => {
      await ask('POST', '/v1/bdbs', wish);
      const { control } = sandbox.cluster('west.local');
      await control.settled();
      const deleted = (await ask('DELETE', '/v1/bdbs/2')).json;
      expect(deleted.status).toBe('delete-pending');
      expect(await ask('PUT', '/v1/bdbs/2', { name: 'x' })).toMatchObject({
        status: 409,
        json: { error_code: 'busy' },
      });
      expect(await ask('DELETE', '/v1/bdbs/2')).toMatchObject({ status: 409, json: { error_code: 'busy' } });
      await control.settled();
      expect((await ask('GET', '/v1/bdbs/2')).status).toBe(404);
      expect((await ask('GET', `/v1/actions/${uidOf(deleted)}`)).json.status).toBe('completed');
    }));

  it('stops the traffic of a database, and lets it through again', () =>
    apiStory(async (ask, { sandbox, connect, wait }) => {
      const west = sandbox.cluster('west.local');
      const client = await connect(west.database('orders-copy'));
      const stopped = await ask('POST', '/v1/bdbs/1/actions/stop_traffic', {});
      expect(stopped.json.action_uid).toMatch(/^[0-9a-f-]{36}$/);
      await west.control.settled();
      await wait(100);
      expect(client.closed).toBe(true);
      await expect(connect(west.database('orders-copy'))).rejects.toThrow(/refused/);
      expect((await ask('GET', '/v1/bdbs/1')).json.traffic_manually_disabled).toBe(true);
      expect(await ask('GET', '/v1/bdbs/1/availability')).toMatchObject({
        status: 503,
        json: { error_code: 'bdb_unavailable' },
      });
      await ask('POST', '/v1/bdbs/1/actions/resume_traffic');
      await west.control.settled();
      expect(await (await connect(west.database('orders-copy'))).ask('PING')).toBe('PONG');
      expect((await ask('GET', '/v1/bdbs/1/availability')).status).toBe(200);
      expect((await ask('GET', '/v1/local/bdbs/1/endpoint/availability')).status).toBe(200);
      expect((await ask('GET', '/v1/bdbs/9/availability')).json.error_code).toBe('db_not_found');
    }));

  it('shows where shards would go, and finds them there', () =>
    apiStory(async (ask) => {
      const { json } = await ask('GET', '/v1/bdbs/1/actions/optimize_shards_placement');
      expect(json.map((each: { slot_range: string }) => each.slot_range)).toEqual([
        '0-5460',
        '5461-10922',
        '10923-16383',
      ]);
      expect((await ask('GET', '/v1/bdbs/1/actions/optimize_shards_placement?shards_count=500')).status).toBe(406);
      expect((await ask('PUT', '/v1/bdbs/1/actions/rebalance?dry_run=true')).json).toEqual(json);
      const { action_uid: uid } = (await ask('PUT', '/v1/bdbs/1/actions/rebalance', {})).json;
      expect((await ask('GET', `/v1/actions/${uid}`)).json.status).toBe('completed');
      expect((await ask('POST', '/v1/bdbs/1/actions/recover', {})).status).toBe(409);
      expect((await ask('POST', '/v1/bdbs/1/upgrade', {})).json).toMatchObject({
        uid: 1,
        action_uid: expect.any(String),
      });
      expect((await ask('PUT', '/v1/bdbs/1/upgrade', { redis_version: '8.0' })).json.error_code).toBe(
        'invalid_version',
      );
    }));
});

describe('passwords', () => {
  const login = async (story: Parameters<Parameters<typeof apiStory>[0]>[1], password: string) =>
    (await story.connect(story.sandbox.cluster('west.local').database('orders-copy'))).ask('AUTH', password);

  it('are set, added and removed, and any of them lets in', () =>
    apiStory(async (ask, story) => {
      const path = '/v1/bdbs/1/passwords';
      expect((await ask('PUT', path, { password: 'one' })).status).toBe(200);
      expect((await ask('POST', path, { password: 'two' })).status).toBe(200);
      expect([await login(story, 'one'), await login(story, 'two')]).toEqual(['OK', 'OK']);
      expect((await ask('POST', path, { password: 'two' })).json.error_code).toBe('invalid_password');
      expect((await ask('GET', '/v1/bdbs/1')).json.authentication_redis_pass).toBe('one');
      expect((await ask('PUT', '/v1/bdbs/1', { authentication_redis_pass: 'one' })).status).toBe(200);
      expect(await login(story, 'two')).toBe('OK');
      expect((await ask('DELETE', path, { password: 'one' })).status).toBe(200);
      expect(await login(story, 'one')).toMatch(/^WRONGPASS/);
      expect((await ask('DELETE', path, { password: 'one' })).status).toBe(406);
      expect((await ask('DELETE', path)).status).toBe(400);
      await ask('PUT', path, { password: 'three' });
      expect(await login(story, 'two')).toMatch(/^WRONGPASS/);
    }));
});

describe('commands through the API', () => {
  it('are answered as a client of the endpoint would be', () =>
    apiStory(async (ask) => {
      const command = async (words: string, ...args: (string | number)[]) => {
        const { status, json } = await ask('POST', '/v1/bdbs/1/command', { command: words, args });
        return status === 200 ? json.response : [status, json.error_code, json.description];
      };
      expect(await command('PING')).toBe(true);
      expect(await command('SET', 'käse', 'grün')).toBe(true);
      expect(await command('GET', 'käse')).toBe('grün');
      expect(await command('GET none')).toBe(null);
      expect(await command('INCRBY', 'n', 5)).toBe(5);
      expect(await command('MGET', 'n', 'käse')).toEqual(['5', 'grün']);
      expect(await command('LPUSH', 'n', 'x')).toEqual([400, 'command_failed', expect.stringMatching(/^WRONGTYPE/)]);
      expect(await command('SHUTDOWN')).toEqual([400, 'command_failed', expect.stringMatching(/SHUTDOWN/i)]);
      expect(await command('SUBSCRIBE', 'c')).toEqual([400, 'command_failed', expect.stringContaining('endpoint')]);
    }));

  it('are let in with the password of the database', () =>
    apiStory(async (ask) => {
      await ask('PUT', '/v1/bdbs/1/passwords', { password: 'geheim' });
      expect((await ask('POST', '/v1/bdbs/1/command', { command: 'PING' })).json).toEqual({ response: true });
    }));

  it('need no certificate where clients need one', () =>
    apiStory(async (ask, { sandbox }) => {
      const certs = [{ client_cert: sandbox.cluster('east.local').syncerCertificate }];
      const tls = {
        tls_mode: 'enabled',
        enforce_client_authentication: 'enabled',
        authentication_ssl_client_certs: certs,
      };
      expect((await ask('PUT', '/v1/bdbs/1', tls)).status).toBe(200);
      await sandbox.cluster('west.local').control.settled();
      expect((await ask('POST', '/v1/bdbs/1/command', { command: 'PING' })).json).toEqual({ response: true });
    }));

  it('are refused while no endpoint is open', () =>
    apiStory(async (ask, { sandbox }) => {
      await ask('POST', '/v1/bdbs/1/actions/stop_traffic');
      await sandbox.cluster('west.local').control.settled();
      expect(await ask('POST', '/v1/bdbs/1/command', { command: 'PING' })).toMatchObject({
        status: 503,
        json: { error_code: 'bdb_unavailable' },
      });
    }));

  it('include emptying the database', () =>
    apiStory(async (ask) => {
      await ask('POST', '/v1/bdbs/1/command', { command: 'MSET', args: ['a', '1', 'b', '2', 'c', '3'] });
      expect((await ask('PUT', '/v1/bdbs/1/flush', {})).json).toMatchObject({ uid: 1, action_uid: expect.any(String) });
      expect((await ask('POST', '/v1/bdbs/1/command', { command: 'DBSIZE' })).json.response).toBe(0);
      expect((await ask('PUT', '/v1/bdbs/9/flush')).status).toBe(404);
    }));
});

describe('numbers', () => {
  it('are kept in every resolution, all of them numbers', () =>
    apiStory(async (ask, { sandbox, connect, wait }) => {
      const client = await connect(sandbox.cluster('west.local').database('orders-copy'));
      for (let second = 0; second < 25; second++) {
        await client.ask('SET', `k${second % 4}`, 'v');
        await client.ask('GET', 'k0');
        await wait(1_000);
      }
      const { json } = await ask('GET', '/v1/bdbs/stats/1');
      expect(json.uid).toBe('1');
      const of = (name: string) => json.intervals.filter((each: { interval: string }) => each.interval === name);
      expect([of('1sec').length, of('10sec').length, of('5min').length]).toEqual([10, 2, 0]);
      const {
        interval,
        stime,
        etime,
        last_req_time: lastRequest,
        last_res_time: lastReply,
        ...metrics
      } = of('1sec').at(-1);
      expect([interval, stime < etime, lastRequest >= stime, lastReply]).toEqual(['1sec', true, true, lastRequest]);
      for (const name of METRIC_NAMES) expect(metrics[name], name).toEqual(expect.any(Number));
      expect(Object.values(metrics).every((value) => typeof value === 'number')).toBe(true);
      expect(metrics).toMatchObject({ no_of_keys: 4, conns: 1, write_req: 1, read_req: 1, read_hits: 1 });
      expect((await ask('GET', '/v1/bdbs/stats?interval=10sec')).json[0].intervals).toEqual(of('10sec'));
      expect((await ask('GET', '/v1/bdbs/stats/1?interval=2sec')).status).toBe(400);
      const narrow = `/v1/bdbs/stats/1?interval=1sec&stime=${encodeURIComponent(etime)}`;
      expect((await ask('GET', narrow)).json.intervals).toHaveLength(1);
      const last = (await ask('GET', '/v1/bdbs/stats/last/1?metrics=no_of_keys,used_memory')).json[1];
      expect(Object.keys(last).toSorted()).toEqual(['etime', 'interval', 'no_of_keys', 'stime', 'used_memory']);
    }));

  it('of replica sources are bytes and lag, by the text of their uid', () =>
    apiStory(async (ask, { sandbox, connect, wait }) => {
      const client = await connect(sandbox.cluster('east.local').database('orders'));
      for (let second = 0; second < 12; second++) {
        await client.ask('SET', 'k', 'v'.repeat(1_000));
        await wait(1_000);
      }
      const { json } = await ask('GET', '/v1/bdbs/1/sync_source_stats?interval=1sec');
      const [source] = json.sync_source_stats;
      expect(source.uid).toBe('1');
      const latest = source.intervals.at(-1);
      expect(latest.ingress_bytes).toBeGreaterThan(1_000);
      expect(latest.local_ingress_lag_time).toEqual(expect.any(Number));
      expect((await ask('GET', '/v1/bdbs/1/sync_source_stats/1?interval=10sec')).json.intervals).toHaveLength(1);
      expect((await ask('GET', '/v1/bdbs/1/sync_source_stats/7')).status).toBe(404);
    }));

  it('of peers there are none: a database is not Active-Active', () =>
    apiStory(async (ask) => {
      expect(await ask('GET', '/v1/bdbs/1/peer_stats')).toMatchObject({
        status: 406,
        json: { error_code: 'not_crdb' },
      });
      expect((await ask('GET', '/v1/bdbs/1/peer_stats/1')).status).toBe(406);
      expect((await ask('GET', '/v1/bdbs/crdt_sources/alerts')).json).toEqual({});
      expect((await ask('GET', '/v1/bdbs/crdt_sources/alerts/9')).status).toBe(404);
    }));
});

describe('alerts', () => {
  const orders = 'redis://10.9.9.9:6379';

  it('have settings that are kept, and are raised by what is seen', () =>
    apiStory(async (ask, { wait }) => {
      const set = await ask('POST', '/v1/bdbs/alerts/1', { bdb_low_throughput: { enabled: true, threshold: '1' } });
      expect(set.json.bdb_low_throughput).toMatchObject({ enabled: true, threshold: '1', state: false });
      await wait(3_000);
      const alert = (await ask('GET', '/v1/bdbs/alerts/1/bdb_low_throughput')).json;
      expect(alert).toMatchObject({
        state: true,
        severity: 'WARNING',
        change_value: { state: true, threshold: '1', throughput: 0 },
      });
      expect((await ask('GET', '/v1/bdbs/alerts')).json['1'].bdb_low_throughput).toEqual(alert);
      expect((await ask('GET', '/v1/logs')).json).toContainEqual(
        expect.objectContaining({ type: 'bdb_low_throughput', bdb_uid: '1' }),
      );
      expect((await ask('GET', '/v1/bdbs/alerts/1/none')).status).toBe(404);
      expect((await ask('GET', '/v1/bdbs/alerts/1/__proto__')).status).toBe(404);
      expect((await ask('GET', '/v1/bdbs/alerts/1/constructor')).status).toBe(404);
      const bad = { bdb_size: { enabled: true, threshold: 'much' } };
      expect((await ask('POST', '/v1/bdbs/alerts/1', bad)).json.error_code).toBe('invalid_alert');
      await ask('POST', '/v1/bdbs/alerts/1?dry_run', { bdb_size: { threshold: '5' } });
      expect((await ask('GET', '/v1/bdbs/alerts/1/bdb_size')).json.threshold).toBe('80');
    }));

  it('about a source that cannot be reached come after the patience that is set, in three shapes', () =>
    apiStory(async (ask, { wait }) => {
      const name = 'replica_src_syncer_connection_error';
      await ask('PUT', '/v1/bdbs/1', {
        replica_sources: [{ uri: orders }],
        replica_sync_connection_alarm_timeout_seconds: 60,
      });
      await wait(50_000);
      expect((await ask('GET', `/v1/bdbs/replica_sources/alerts/1`)).json[name].state).toBe(false);
      await wait(60_000);
      const [source] = (await ask('GET', '/v1/bdbs/1')).json.replica_sources;
      expect(source.last_error).not.toBe('');
      const all = (await ask('GET', '/v1/bdbs/replica_sources/alerts')).json;
      expect(all['1'][name]).toMatchObject({ enabled: true, state: true, severity: 'ERROR' });
      const ofDatabase = (await ask('GET', '/v1/bdbs/replica_sources/alerts/1')).json;
      const ofSource = (await ask('GET', `/v1/bdbs/replica_sources/alerts/1/${source.uid}`)).json;
      const single = (await ask('GET', `/v1/bdbs/replica_sources/alerts/1/${source.uid}/${name}`)).json;
      expect([ofDatabase[name].state, ofSource[name], single.state]).toEqual([true, single, true]);
      expect((await ask('GET', '/v1/bdbs/alerts/1/bdb_syncer_connection_error')).json.state).toBe(true);
      expect((await ask('GET', '/v1/bdbs/replica_sources/alerts/1/9')).status).toBe(404);
      expect((await ask('GET', '/v1/bdbs/replica_sources/alerts/1/x/y')).status).toBe(404);
    }));

  it('about a Replica Of that the system has stopped say so, and the log why', () =>
    apiStory(async (ask, { sandbox, wait }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      await ask('POST', '/v1/bdbs/1/command', { command: 'SET', args: ['k', 'a text'] });
      const east = asking(sandbox.cluster('east.local'));
      await east('POST', '/v1/bdbs/1/command', { command: 'LPUSH', args: ['k', 'an entry'] });
      await wait(5_000);
      const { json } = await ask('GET', '/v1/bdbs/1');
      expect(json.replica_sync).toBe('stopped');
      expect(json.replica_sources[0].last_error).toMatch(/WRONGTYPE/);
      const alerts = (await ask('GET', '/v1/bdbs/replica_sources/alerts/1')).json;
      expect(alerts.replica_src_syncer_general_error.state).toBe(true);
      expect((await ask('GET', '/v1/bdbs/alerts/1/bdb_syncer_general_error')).json.state).toBe(true);
      const types = (await ask('GET', '/v1/logs')).json.map((each: { type: string }) => each.type);
      expect(types).toContain('replica_src_syncer_general_error');
    }));

  it('about authentication are entries of the log', () =>
    apiStory(async (ask, { sandbox, wait }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      await asking(sandbox.cluster('east.local'))('PUT', '/v1/bdbs/1/reset_admin_pass');
      await wait(30_000);
      expect((await ask('GET', '/v1/bdbs/1')).json).toMatchObject({ replica_sync: 'stopped' });
      const types = (await ask('GET', '/v1/logs')).json.map((each: { type: string }) => each.type);
      expect(types).toContain('authentication_err');
    }));

  it('about lag are raised beyond their threshold of seconds', () =>
    apiStory(async (ask, { sandbox, wait }) => {
      const east = sandbox.cluster('east.local');
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      await ask('POST', '/v1/bdbs/alerts/1', { bdb_replica_src_high_syncer_lag: { enabled: true, threshold: '5' } });
      // The destination's shards stand still: what arrives is not applied.
      for (const shard of sandbox.cluster('west.local').control.shards(1)) shard.hold(20_000);
      await asking(east)('POST', '/v1/bdbs/1/command', { command: 'SET', args: ['k', 'v'] });
      await wait(10_000);
      const path = '/v1/bdbs/replica_sources/alerts/1/1/replica_src_high_syncer_lag';
      expect((await ask('GET', path)).json).toMatchObject({ state: true, change_value: { lag: expect.any(Number) } });
      await wait(20_000);
      expect((await ask('GET', path)).json.state).toBe(false);
    }));
});

describe('what else is seen of a database', () => {
  const keys = (json: object): readonly string[] => Object.keys(json).toSorted();

  it('is the state of its shards', () =>
    apiStory(async (ask) => {
      const { json } = await ask('GET', '/v1/bdbs/1/shards');
      expect(json).toHaveLength(3);
      expect(json[0]).toMatchObject({
        uid: '1',
        bdb_uid: 1,
        node_uid: '1',
        role: 'master',
        assigned_slots: '0-5460',
        status: 'active',
        detailed_status: 'ok',
        loading: { status: 'idle' },
        redis_info: { used_memory: expect.any(Number) },
      });
    }));

  it('is how far a migration is', () =>
    apiStory(async (ask, { sandbox }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      const { migration } = (await ask('GET', '/v1/migrations/1')).json;
      expect(keys(migration)).toEqual([
        'error', 'flush_counter', 'lag', 'rdb_size', 'rdb_transferred', 'run_id', 'source_shards', 'status',
      ]); // prettier-ignore
      expect(migration).toMatchObject({ status: 'in-sync', flush_counter: 1, error: {} });
      expect(migration.source_shards[0]).toMatchObject({ replication_id: expect.stringMatching(/^[0-9a-f]{40}$/) });
      expect((await ask('GET', '/v1/migrations/7')).status).toBe(404);
    }));

  it('is the state of its syncer', () =>
    apiStory(async (ask, { sandbox }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      const { json } = await ask('GET', '/v1/bdbs/1/syncer_state/replica');
      expect(json).toMatchObject({ DB: 1, RunID: expect.any(String), full_syncs: 1 });
      expect((await ask('GET', '/v1/bdbs/1/syncer_state/crdt')).status).toBe(404);
    }));

  it('is its availability with the lag of its sources', () =>
    apiStory(async (ask, { sandbox }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      const path = '/v1/bdbs/1/availability?extend_check=lag&availability_lag_tolerance_ms=100';
      expect((await ask('GET', path)).status).toBe(200);
      await ask('PUT', '/v1/bdbs/1', { replica_sources: [{ uri: 'redis://10.9.9.9:6379' }] });
      await sandbox.cluster('west.local').control.settled();
      expect((await ask('GET', path)).status).toBe(503);
      expect((await ask('GET', '/v1/bdbs/1/availability?extend_check=all')).status).toBe(400);
    }));
});

it('every answer about databases has the shape that its route declares', () =>
  apiStory(async (ask, { sandbox, wait }) => {
    await sandbox.cluster('west.local').database('orders-copy').inSync();
    await ask('POST', '/v1/bdbs', {
      ...wish,
      tags: [{ key: 'a', value: 'b' }],
      authorized_subjects: [{ CN: 'x', OU: ['y'] }],
    });
    await wait(12_000);
    const { action_uid: action } = (await ask('PUT', '/v1/bdbs/1/actions/rebalance')).json;
    const values: Readonly<Record<string, string>> = { uid: '1', source: '1', peer: '1' };
    const routes = apiRoutes.filter(
      ({ method, reply, path }) => method === 'GET' && reply !== undefined && /bdb|action|migr/.test(path),
    );
    expect(routes.length).toBeGreaterThan(20);
    for (const { path, reply } of routes) {
      const alert = path.includes('replica_sources') ? 'replica_src_high_syncer_lag' : 'bdb_size';
      const uid = /^.v[12].actions.:uid$/.test(path) ? action : '1';
      const asked = path.replaceAll(/:([a-z]+)/g, (_, name: string) => ({ ...values, alert, uid })[name] ?? '');
      const { status, json } = await ask('GET', asked);
      expect([status, asked]).toEqual([200, asked]);
      const read = reply!.safeParse(json);
      expect(read.success ? '' : `${asked}: ${read.error.message}`).toBe('');
    }
  }));

it('an empty cluster has no stats', () =>
  inSimulation({ clusters: [{ name: 'one.local' }] }, async ({ sandbox }) => {
    const ask: Ask = asking(sandbox.cluster('one.local'));
    for (const path of ['/v1/bdbs/stats', '/v1/bdbs/stats/last']) expect((await ask('GET', path)).status).toBe(404);
    expect((await ask('GET', '/v1/bdbs/alerts')).json).toEqual({});
  }));
