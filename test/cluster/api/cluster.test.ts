import { get } from 'node:http';
import { describe, expect, it } from 'vitest';
import { makeClusterCertificate } from '../../../src/cluster/certificates/cluster-certificates.ts';
import { startSandbox } from '../../../src/sandbox/sandbox.ts';
import { SeededRandom } from '../../../src/world/random.ts';
import { apiStory } from '../../support/api.ts';
import { askingAs, basic } from '../../support/api-people.ts';
import { eventually } from '../../support/eventually.ts';
import { testSubnet } from '../../support/sandboxes.ts';

const pairAt = (nowMs: number, seed = 'new') =>
  makeClusterCertificate({ clock: { now: () => nowMs }, random: new SeededRandom(seed) }, 'west.local', 'proxy', {
    deterministicKeys: true,
  });

describe('/v1/cluster', () => {
  it('takes what it has given, and changes what is changed', () =>
    apiStory(async (ask) => {
      const shown = (await ask('GET', '/v1/cluster')).json;
      expect((await ask('PUT', '/v1/cluster', shown)).json).toEqual(shown);
      const changed = await ask('PUT', '/v1/cluster', {
        email_alerts: true,
        reserved_ports: ['12001', '13000-13010'],
        alert_settings: { node_failed: true, node_memory: { enabled: true, threshold: '80' } },
      });
      expect(changed.json).toMatchObject({
        email_alerts: true,
        alert_settings: { node_failed: true, node_memory: { enabled: true, threshold: '80' }, node_checks_error: true },
      });
      expect((await ask('POST', '/v1/bdbs', { name: 'x', memory_size: 0, port: 13_005 })).json.error_code).toBe(
        'port_unavailable',
      );
      expect((await ask('GET', '/v1/cluster')).json).toEqual(changed.json);
    }));

  it.each([
    [{ shoe_size: 42 }, 400, 'invalid_schema'],
    [{ min_data_TLS_version: '1.1' }, 400, 'invalid_schema'],
    [{ password_min_length: 7 }, 400, 'invalid_schema'],
    [{ reserved_ports: ['x'] }, 400, 'invalid_schema'],
    [{ reserved_ports: ['13010-13000'] }, 406, 'invalid_setting'],
    [{ reserved_ports: ['70000'] }, 406, 'invalid_setting'],
    [{ data_cipher_list: 'NONSENSE' }, 406, 'invalid_setting'],
    [{ data_cipher_suites_tls_1_3: ['TLS_NONSENSE'] }, 406, 'invalid_setting'],
    [{ alert_settings: { nonsense: true } }, 400, 'invalid_schema'],
    [{ alert_settings: { node_memory: true } }, 400, 'invalid_schema'],
    [{ debuginfo_path: 'tmp' }, 400, 'bad_debuginfo_path'],
    [{ cnm_https_port: 9444 }, 400, 'bad_nginx_conf'],
    [{ mtls_authorized_subjects: [{ CN: 'x' }] }, 406, 'not_emulated'],
  ])('refuses %j and stays as it is', (body, status, code) =>
    apiStory(async (ask, { sandbox }) => {
      const { control } = sandbox.cluster('west.local');
      const before = control.state;
      expect(await ask('PUT', '/v1/cluster', body)).toMatchObject({ status, json: { error_code: code } });
      expect(control.state).toBe(before);
    }),
  );

  it('checks without changing anything in a dry run', () =>
    apiStory(async (ask, { sandbox }) => {
      const { control } = sandbox.cluster('west.local');
      const before = control.state;
      expect((await ask('PUT', '/v1/cluster?dry_run=true', { email_alerts: true })).json.email_alerts).toBe(true);
      expect(control.state).toBe(before);
    }));

  it('gives new databases what its policy says', () =>
    apiStory(async (ask) => {
      const policy = { default_non_sharded_proxy_policy: 'all-nodes', default_shards_placement: 'sparse' };
      expect((await ask('PUT', '/v1/cluster/policy', policy)).json).toMatchObject(policy);
      const made = (await ask('POST', '/v1/bdbs', { name: 'x', memory_size: 0 })).json;
      expect([made.proxy_policy, made.shards_placement]).toEqual(['all-nodes', 'sparse']);
    }));

  it('turns its name services off and on', () =>
    apiStory(async (ask, { world, sandbox }) => {
      const [node] = sandbox.cluster('east.local').nodes;
      const resolves = async () => (await world.network.from(node!.address).resolve('redis-12000.west.local')).ok;
      expect(await resolves()).toBe(true);
      const off = await ask('PUT', '/v1/cluster/services_configuration', {
        mdns_server: { operating_mode: 'disabled' },
      });
      expect(off.json.mdns_server).toEqual({ operating_mode: 'disabled' });
      expect(await resolves()).toBe(false);
      await ask('PUT', '/v1/cluster/services_configuration', { mdns_server: { operating_mode: 'enabled' } });
      expect(await resolves()).toBe(true);
    }));

  it('answers by plain HTTP while http_support is on', async () => {
    await using sandbox = await startSandbox({ clusters: [{ name: 'west.local', subnet: testSubnet() }] });
    const west = sandbox.cluster('west.local');
    const host = west.nodes[0]!.address;
    const status = (): Promise<number> =>
      new Promise((resolve) => {
        const headers = { authorization: basic(west.username, west.password) };
        get({ host, port: 8080, path: '/v1/cluster', headers, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        }).on('error', () => resolve(0));
      });
    expect(await status()).toBe(0);
    await west.rest('PUT', '/v1/cluster', { http_support: true });
    await eventually(async () => (await status()) === 200, { what: 'HTTP answers', withinMs: 5_000 });
    await west.rest('PUT', '/v1/cluster', { http_support: false });
    await eventually(async () => (await status()) === 0, { what: 'HTTP is closed', withinMs: 5_000 });
  });
});

describe('/v1/cluster/certificates', () => {
  it('shows certificates to everybody and keys to those who may see them', () =>
    apiStory(async (ask, { sandbox }) => {
      const west = sandbox.cluster('west.local');
      const all = (await ask('GET', '/v1/cluster/certificates')).json;
      expect(all).toMatchObject({
        proxy_cert: west.proxyCertificate,
        syncer_cert: west.syncerCertificate,
        proxy_key: expect.stringMatching(/PRIVATE KEY/),
        api_cert: expect.any(String),
        cm_cert: expect.any(String),
        metrics_exporter_cert: expect.any(String),
      });
      expect((await ask('GET', '/v1/cluster')).json.syncer_certificate).toBe(west.syncerCertificate);
      await ask('POST', '/v1/users', { email: 'v@lab.local', password: 'viewer-word', role: 'cluster_viewer' });
      const seen = (await askingAs(west, basic('v@lab.local', 'viewer-word'))('GET', '/v1/cluster/certificates')).json;
      expect(Object.keys(seen).filter((name) => name.endsWith('_key'))).toEqual([]);
    }));

  it('are replaced, by the newer and by the older route', () =>
    apiStory(async (ask, { sandbox, world }) => {
      const west = sandbox.cluster('west.local');
      const first = pairAt(world.clock.now(), 'first');
      expect(
        (await ask('PUT', '/v1/cluster/certificates', { certificates: [{ name: 'proxy', ...first }] })).status,
      ).toBe(200);
      expect(west.proxyCertificate).toBe(first.certificate);
      const second = pairAt(world.clock.now(), 'second');
      expect((await ask('PUT', '/v1/cluster/update_cert', { name: 'syncer', ...second })).status).toBe(200);
      expect(west.syncerCertificate).toBe(second.certificate);
      expect((await ask('GET', '/v1/logs?order=desc&limit=1')).json).toMatchObject([{ type: 'cluster_updated' }]);
    }));

  it('are refused with the code of what is wrong, all or none', () =>
    apiStory(async (ask, { sandbox, world }) => {
      const now = world.clock.now();
      const good = { name: 'proxy', ...pairAt(now) };
      const put = async (...certificates: object[]) => {
        const { status, json } = await ask('PUT', '/v1/cluster/certificates', { certificates });
        return [status, json.error_code];
      };
      const before = sandbox.cluster('west.local').control.state;
      expect(await put(good, { ...good, name: 'nonsense' })).toEqual([403, 'unknown_certificate']);
      expect(await put({ ...good, certificate: 'x' })).toEqual([400, 'invalid_cluster_certificate']);
      expect(await put({ ...good, key: pairAt(now, 'other').key })).toEqual([400, 'invalid_cluster_certificate']);
      expect(await put({ name: 'proxy', ...pairAt(now - 400 * 86_400_000) })).toEqual([406, 'certificate_expired']);
      expect(sandbox.cluster('west.local').control.state).toBe(before);
      expect(await ask('DELETE', '/v1/cluster/certificates/proxy')).toMatchObject({ status: 403 });
      expect(await ask('DELETE', '/v1/cluster/certificates/ldap_client')).toMatchObject({ status: 404 });
    }));

  it('about to expire raise an alert', () =>
    apiStory(async (ask) => {
      const alert = async () => (await ask('GET', '/v1/cluster/alerts/cluster_certs_about_to_expire')).json;
      expect(await alert()).toMatchObject({
        state: false,
        threshold: '45',
        change_value: { certs_about_to_expire: [] },
      });
      await ask('PUT', '/v1/cluster', {
        alert_settings: { cluster_certs_about_to_expire: { enabled: true, threshold: '366' } },
      });
      expect(await alert()).toMatchObject({
        state: true,
        severity: 'WARNING',
        change_value: { certs_about_to_expire: ['api', 'cm', 'metrics_exporter', 'proxy', 'syncer'] },
      });
    }));
});

describe('/v1/nodes and /v1/proxies', () => {
  it('keep what is set, and a node that accepts no servers gets no shards', () =>
    apiStory(async (ask) => {
      expect((await ask('PUT', '/v1/nodes/1', { rack_id: 'a', accept_servers: false })).json).toMatchObject({
        rack_id: 'a',
        accept_servers: false,
      });
      expect((await ask('POST', '/v1/bdbs', { name: 'x', memory_size: 0 })).json.error_code).toBe(
        'insufficient_resources',
      );
      expect((await ask('PUT', '/v1/proxies/1', { threads: 4 })).json.threads).toBe(4);
      expect((await ask('GET', '/v1/proxies')).json).toMatchObject([{ uid: 1, threads: 4 }]);
      expect((await ask('PUT', '/v1/proxies/1', { threads: 'many' })).status).toBe(400);
      expect((await ask('PUT', '/v1/nodes/9', {})).status).toBe(404);
    }));
});

describe('/v1/logs', () => {
  it('keeps of each type as many events as the policy says', () =>
    apiStory(async (ask) => {
      await ask('PUT', '/v1/cluster/policy', { max_saved_events_per_type: 2 });
      for (const name of ['a', 'b', 'c']) await ask('PUT', '/v1/bdbs/1', { name });
      const events = (await ask('GET', '/v1/logs')).json;
      expect(events.filter(({ type }: { type: string }) => type === 'bdb_name_updated')).toEqual([
        expect.objectContaining({ bdb_uid: '1', old_val: 'a', new_val: 'b' }),
        expect.objectContaining({ bdb_uid: '1', old_val: 'b', new_val: 'c' }),
      ]);
      expect(events.some(({ type }: { type: string }) => type === 'bdb_created')).toBe(true);
    }));

  it('gives a part of the events, in either order, within times', () =>
    apiStory(async (ask, { wait }) => {
      for (const name of ['a', 'b', 'c']) {
        await wait(10_000);
        await ask('PUT', '/v1/bdbs/1', { name });
      }
      const names = async (query: string) =>
        (await ask('GET', `/v1/logs?${query}`)).json.map((event: { type: string }) => event.type);
      const all = await names('');
      expect(all).toContain('bdb_created');
      expect(all.filter((type: string) => type === 'bdb_name_updated')).toHaveLength(3);
      expect(await names('order=desc')).toEqual(all.toReversed());
      expect(await names('offset=1&limit=2')).toEqual(all.slice(1, 3));
      const [last] = (await ask('GET', '/v1/logs?order=desc&limit=1')).json;
      expect(await names(`stime=${last.time}`)).toHaveLength(1);
      expect(await names(`etime=${last.time}`)).toEqual(all);
      const before = new Date(Date.parse(last.time) - 1_000).toISOString();
      expect(await names(`etime=${before}`)).toEqual(all.slice(0, -1));
      for (const wrong of ['order=up', 'limit=x', 'stime=yesterday']) {
        expect((await ask('GET', `/v1/logs?${wrong}`)).status).toBe(400);
      }
    }));
});
