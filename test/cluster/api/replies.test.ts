/** Every route that shows something answers as it declares, and as recorded answers of the real product are shaped. */

import { describe, expect, it } from 'vitest';
import { apiRoutes } from '../../../src/cluster/api/routes.ts';
import { apiStory } from '../../support/api.ts';

/** Something that is there, for each part of a path that varies. */
const SAMPLES: Readonly<Record<string, string>> = {
  ':uid': '1',
  ':alert': 'cluster_even_node_count',
  ':name': 'west.local',
  ':source': '1',
};

const filled = (path: string): string =>
  path
    .replace(/^(\/v1\/nodes\/alerts\/):uid\/:alert$/, '$11/node_memory')
    .replaceAll(/:[a-z]+/g, (part) => SAMPLES[part] ?? '1');

describe('what GET shows', () => {
  it('fits the declared shape, for every route', () =>
    apiStory(async (ask, { sandbox, wait }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      await wait(15_000);
      const seen: string[] = [];
      for (const { method, path, reply } of apiRoutes) {
        if (method !== 'GET') continue;
        const answer = await ask('GET', filled(path));
        expect([200, 404, 406, 409], `${path}: ${JSON.stringify(answer.json)}`).toContain(answer.status);
        if (answer.status !== 200) continue;
        seen.push(path);
        expect(reply, `${path} declares what it shows`).toBeDefined();
        const fits = reply!.safeParse(answer.json);
        expect(fits.error?.issues, path).toBeUndefined();
      }
      expect(seen.length).toBeGreaterThan(50);
    }));

  const number = expect.any(Number);
  const text = expect.any(String);
  const flag = expect.any(Boolean);

  /** Keys and types of the answers recorded from the product that clients rely on. */
  const RECORDED: readonly (readonly [path: string, shape: object])[] = [
    [
      '/v1/users/1',
      {
        auth_method: 'regular',
        certificate_subject_line: '',
        email: 'admin@west.local',
        email_alerts: true,
        name: 'Administrator',
        password_issue_date: text,
        role: 'admin',
        role_uids: [1],
        status: 'active',
        uid: 1,
      },
    ],
    [
      '/v1/nodes/1',
      {
        accept_servers: true,
        addr: '127.0.2.1',
        architecture: text,
        bigredis_storage_path: text,
        bigstore_enabled: false,
        cores: number,
        ephemeral_storage_path: text,
        ephemeral_storage_size: number,
        external_addr: [],
        fips_enabled: false,
        flash_shard_count: 0,
        max_listeners: 100,
        max_redis_forks: -1,
        max_redis_servers: 100,
        max_slave_full_syncs: -1,
        os_family: text,
        os_name: text,
        os_semantic_version: text,
        os_version: text,
        persistent_storage_path: text,
        persistent_storage_size: number,
        rack_id: '',
        ram_shard_count: 3,
        second_rack_id: '',
        shard_count: 3,
        shard_list: [1, 2, 3],
        software_version: text,
        status: 'active',
        supported_database_versions: expect.arrayContaining([
          expect.objectContaining({ db_type: 'redis', redis_version: '7.4' }),
        ]),
        total_memory: number,
        uid: 1,
        uptime: number,
        use_internal_ipv6: false,
      },
    ],
    [
      '/v1/proxies/1',
      {
        backlog: 1024,
        client_eviction: false,
        client_keepcnt: 6,
        client_keepidle: 180,
        client_keepintvl: 30,
        conns: 500_000,
        corefile: false,
        duration_usage_threshold: 30,
        dynamic_threads_scaling: true,
        ignore_bdb_cconn_limit: false,
        ignore_bdb_cconn_output_buff_limits: false,
        incoming_connections_capacity: 0,
        incoming_connections_min_capacity: 10,
        incoming_connections_rate_limit: 0,
        log_level: 'info',
        max_listeners: 1024,
        max_servers: 4096,
        max_threads: 8,
        max_worker_client_conns: 16_384,
        max_worker_server_conns: 16_384,
        max_worker_txns: 65_536,
        maxmemory_clients: 4_294_967_296,
        threads: 3,
        threads_usage_threshold: 80,
        uid: 1,
      },
    ],
    [
      '/v1/shards/1',
      {
        assigned_slots: '0-5460',
        bdb_uid: 1,
        detailed_status: 'ok',
        loading: { status: 'idle' },
        node_uid: '1',
        redis_info: expect.any(Object),
        report_timestamp: text,
        role: 'master',
        status: 'active',
        uid: '1',
      },
    ],
    [
      '/v1/license',
      {
        activation_date: text,
        cluster_name: null,
        expiration_date: text,
        expired: false,
        features: expect.any(Array),
        flash_shards_in_use: 0,
        flash_shards_limit: null,
        key: '',
        license: expect.stringMatching(/LICENSE START/),
        owner: null,
        ram_shards_in_use: 3,
        ram_shards_limit: null,
        shards_limit: number,
      },
    ],
    [
      '/v1/cluster',
      {
        name: 'west.local',
        created_time: text,
        alert_settings: expect.objectContaining({
          cluster_certs_about_to_expire: { enabled: true, threshold: '45' },
          node_checks_error: true,
        }),
        availability_lag_tolerance_ms: 100,
        bigstore_driver: 'speedb',
        block_cluster_changes: flag,
        ccs_internode_encryption: true,
        cluster_api_internal_port: 3346,
        cluster_ssh_public_key: text,
        cm_port: 8443,
        cm_server_version: 1,
        cm_session_timeout_minutes: 15,
        cnm_http_max_threads_per_worker: 10,
        cnm_http_port: 8080,
        cnm_http_workers: 1,
        cnm_https_port: 9443,
        control_cipher_suites: 'DEFAULT:!3DES',
        control_cipher_suites_tls_1_3: text,
        crdb_coordinator_ignore_requests: false,
        crdb_coordinator_port: 9081,
        crdt_supported_featureset_version: number,
        crdt_supported_protocol_versions: expect.any(Array),
        data_cipher_list: text,
        data_cipher_suites_tls_1_3: [],
        debuginfo_path: '/tmp',
        email_alerts: false,
        encrypt_pkeys: false,
        entra_id_cache_ttl: 30,
        envoy_admin_port: 8002,
        envoy_external_authorization: false,
        envoy_max_downstream_connections: 1024,
        envoy_mgmt_server_port: 8004,
        gossip_envoy_admin_port: 8006,
        handle_metrics_redirects: false,
        handle_redirects: false,
        http_support: false,
        logrotate_settings: { maxage: 7, maxsize: '200M', rotate: 10 },
        mask_bdb_credentials: false,
        metrics_system: 0,
        min_control_TLS_version: '1.2',
        min_data_TLS_version: '1.2',
        min_sentinel_TLS_version: '1.2',
        module_upload_max_size_mb: 40,
        mtls_authorized_subjects: [],
        mtls_certificate_authentication: false,
        mtls_client_cert_subject_validation_type: 'disabled',
        multi_commands_opt: 'batch',
        options_method_forbidden: false,
        password_complexity: false,
        password_expiration_duration: 0,
        password_hashing_algorithm: 'SHA-256',
        password_min_length: 8,
        proxy_certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE/),
        rack_aware: false,
        reserved_ports: [],
        robust_crdt_syncer: true,
        s3_certificate_verification: true,
        sentinel_cipher_suites: [],
        sentinel_cipher_suites_tls_1_3: text,
        sentinel_tls_mode: 'allowed',
        slave_ha: flag,
        slave_ha_bdb_cooldown_period: 7200,
        slave_ha_cooldown_period: 3600,
        slave_ha_grace_period: 600,
        slowlog_in_sanitized_support: true,
        smtp_tls_mode: 'none',
        smtp_use_tls: false,
        syncer_certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE/),
        system_reserved_ports: expect.arrayContaining([8443, 9443, 10_050]),
        upgrade_in_progress: false,
        upgrade_mode: false,
        use_external_ipv6: true,
        use_ipv6: true,
        wait_command: true,
      },
    ],
    ['/v1/cluster/check', { cluster_test_result: true, nodes: [{ node_uid: 1, result: true }] }],
    [
      '/v1/cluster/services_configuration',
      { mdns_server: { operating_mode: 'enabled' }, pdns_server: { operating_mode: 'enabled' } },
    ],
    [
      '/v1/suffix/west.local',
      { name: 'west.local', default: true, internal: false, mdns: true, use_aaaa_ns: false, slaves: [] },
    ],
    [
      '/v1/cluster/alerts',
      {
        cluster_even_node_count: {
          enabled: false,
          state: true,
          severity: 'WARNING',
          change_time: text,
          change_value: { node_count: 1, state: true },
        },
        cluster_certs_about_to_expire: { enabled: true, state: false, severity: 'INFO', threshold: '45' },
      },
    ],
    ['/v1/nodes/1/status', { hostname: 'node1.west.local', role: 'master', node_status: 'active', cores: number }],
    [
      '/v1/cluster/stats/last',
      { available_memory: number, conns: number, cpu_idle: number, free_memory: number, total_req: number },
    ],
  ];

  it.each(RECORDED)('%s has the keys and types of recorded answers', (path, shape) =>
    apiStory(async (ask) => {
      expect((await ask('GET', path)).json).toMatchObject(shape);
    }),
  );

  it('numbers over time add up from the databases to nodes and cluster', () =>
    apiStory(async (ask, { sandbox, wait, connect }) => {
      const client = await connect(sandbox.cluster('west.local').database('orders-copy'));
      for (let count = 0; count < 50; count++) await client.ask('SET', `k${count}`, 'v');
      await wait(12_000);
      for (let count = 0; count < 50; count++) await client.ask('GET', `k${count}`);
      await wait(1_500);
      const requests = async (path: string): Promise<number> => {
        const { json } = await ask('GET', path);
        const { intervals } = Array.isArray(json) ? { intervals: json.flatMap((each) => each.intervals) } : json;
        return intervals.reduce((sum: number, each: { total_req: number }) => sum + each.total_req, 0);
      };
      const ofDatabase = await requests('/v1/bdbs/stats/1?interval=1sec');
      expect(ofDatabase).toBeGreaterThan(40);
      expect(await requests('/v1/cluster/stats?interval=1sec')).toBeCloseTo(ofDatabase);
      expect(await requests('/v1/nodes/stats?interval=1sec')).toBeCloseTo(ofDatabase);
      expect(await requests('/v1/shards/stats?interval=1sec')).toBeCloseTo(ofDatabase);
      expect((await ask('GET', '/v1/endpoints/stats?interval=1sec')).json).toMatchObject([{ uid: '1:1:1' }]);
      expect((await ask('GET', '/v1/shards/1?extra_info_keys=redis_version')).json.redis_info).toHaveProperty(
        'redis_version',
      );
      expect((await ask('GET', '/v1/shards?interval=x')).status).toBe(200);
      expect((await ask('GET', '/v1/nodes/stats?interval=2sec')).status).toBe(400);
      expect((await ask('GET', '/v1/endpoints')).status).toBe(404);
    }));
});
