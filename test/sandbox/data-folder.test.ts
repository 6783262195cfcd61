/** What is kept in a folder, over orderly ends, crashes at any moment, and folders that cannot be used; in the simulated world. */

import { describe, expect, it } from 'vitest';
import { makeClusterCertificate } from '../../src/cluster/certificates/cluster-certificates.ts';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { SimWorld } from '../../src/world/sim-world.ts';

const DATA = '/data';

const start = (world: SimWorld, more: SandboxOptions = {}): Promise<Sandbox> =>
  startSandbox({ world, data: DATA, ...more });

/** Everything decided, but for how far its carrying out is. */
const decided = (sandbox: Sandbox) =>
  sandbox.clusters.map(({ control: { state } }) => ({
    ...state,
    version: 0,
    databases: state.databases.map(({ status: _status, ...database }) => ({
      ...database,
      replica: { ...database.replica, restart: null },
    })),
  }));

const bytesOf = async (world: SimWorld, folder: string, name: string): Promise<Buffer> => {
  const read = await world.files.folder(folder).read(name);
  if (!read.ok) throw new Error(read.detail);
  return read.value;
};

const post = (sandbox: Sandbox, path: string, body: object): Promise<Response> => {
  const cluster = sandbox.cluster('east.local');
  const authorization = `Basic ${Buffer.from(`${cluster.username}:${cluster.password}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  return cluster.api(new Request(`https://east${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
};

describe('a data folder', () => {
  it('gives back everything an administrator set', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await start(world);
      const east = first.cluster('east.local');
      await east.createDatabase({
        name: 'sessions',
        port: 12_345,
        shardsCount: 3,
        memorySizeBytes: 50_000_000,
        passwords: ['secret ü'],
        tlsMode: 'enabled',
        enforceClientAuthentication: false,
        hashingRules: [{ regex: '.*\\{(?<tag>.*)\\}.*' }, { regex: '(?<tag>.*)' }],
      });
      await east.regeneratePassword('orders');
      await first.cluster('west.local').updateDatabase('orders-copy', { replicaSync: 'paused' });
      await east.deleteDatabase((await east.createDatabase({ name: 'gone' })).uid);
      const before = decided(first);
      const versions = first.clusters.map(({ control }) => control.state.version);
      await first.close();

      await using second = await start(world, { clusters: [{ name: 'other.local' }] });
      expect(second.data).toEqual({ path: DATA, isRestored: true });
      expect(decided(second)).toEqual(before);
      for (const [index, { control }] of second.clusters.entries()) {
        expect(control.state.databases.map(({ status }) => status)).not.toContain('pending');
        expect(control.state.version).toBeGreaterThanOrEqual(versions[index]!);
      }
      expect(second.cluster('east.local').database('sessions').port).toBe(12_345);
    });
  });

  it('gives back what REST was told: people, settings, certificates, alerts and sources', async () => {
    const world = new SimWorld({ seed: 4 });
    await world.run(async () => {
      const first = await start(world);
      const west = first.cluster('west.local');
      const own = makeClusterCertificate(world, 'west.local', 'proxy');
      const ann = { email: 'ann@lab.local', password: 'Secret-word-1', name: 'Ann', role_uids: [1] };
      await west.rest('POST', '/v1/redis_acls', { name: 'Cache', acl: '+@read ~cache:*' });
      await west.rest('POST', '/v1/roles', { name: 'Reader', management: 'db_viewer' });
      await west.rest('POST', '/v1/users', ann);
      west.replaceCertificates([{ name: 'proxy', ...own }]);
      await west.rest('PUT', '/v1/cluster', {
        reserved_ports: ['13000-13010'],
        alert_settings: { node_memory: { enabled: true, threshold: '80' } },
        min_data_TLS_version: '1.3',
      });
      await west.rest('PUT', '/v1/cluster/policy', { default_sharded_proxy_policy: 'all-nodes' });
      const { replica_sources: sources } = (await west.rest('GET', '/v1/bdbs/1')) as { replica_sources: object[] };
      await west.rest('PUT', '/v1/bdbs/1', {
        replica_sources: sources.map((source) => ({ ...source, compression: 3 })),
        tags: [{ key: 'team', value: 'a' }],
        slave_buffer: '100',
      });
      await west.control.settled();
      const paths = [
        ...['cluster', 'cluster/policy', 'users', 'roles', 'redis_acls', 'license', 'cluster/certificates', 'nodes'],
        'bdbs?fields=uid,name,tags,slave_buffer,authentication_admin_pass,shard_key_regex,port,proxy_policy',
      ];
      const shown = (sandbox: Sandbox) =>
        Promise.all(paths.map((path) => sandbox.cluster('west.local').rest('GET', `/v1/${path}`)));
      const before = await shown(first);
      expect(JSON.stringify(before)).toMatch(/ann@lab.*Reader.*Cache/);
      await first.close();
      await using second = await start(world, { clusters: [{ name: 'other.local' }] });
      expect(await shown(second)).toEqual(before);
      const again = second.cluster('west.local');
      expect(again.proxyCertificate).toBe(own.certificate);
      const authorization = `Basic ${Buffer.from(`${ann.email}:${ann.password}`).toString('base64')}`;
      const asAnn = await again.api(new Request('https://west/v1/cluster', { headers: { authorization } }));
      expect(asAnn.status).toBe(200);
      await again.database('orders-copy').inSync();
      expect(again.control.sources(1)).toMatchObject([{ compression: 3 }]);
    });
  });

  it('gives no uid twice and draws no password twice', async () => {
    const world = new SimWorld({ seed: 2 });
    await world.run(async () => {
      const seen = new Set<string>();
      const uids = new Set<number>();
      for (let round = 0; round < 3; round++) {
        await using sandbox = await start(world, { clusters: [{ name: 'east.local' }] });
        const database = await sandbox.cluster('east.local').createDatabase({ name: `d${round}` });
        for (const shard of sandbox.cluster('east.local').control.state.shards) uids.add(shard.uid);
        seen.add(database.sourceUrl().split('@')[0]!);
        seen.add(sandbox.cluster('east.local').control.shards(database.uid)[0]!.runId);
      }
      expect(seen.size).toBe(6);
      expect(uids.size).toBe(3);
    });
  });

  it('loses nothing that REST has answered, at whatever moment the machine crashes', async () => {
    for (let seed = 0; seed < 15; seed++) {
      const world = new SimWorld({ seed });
      const acknowledged = await world.run(async () => {
        const sandbox = await start(world, { clusters: [{ name: 'east.local' }] });
        const names: string[] = [];
        const over = { isOver: false };
        world.clock.after(world.random.fork('crash').integer(0, 60), () => {
          over.isOver = true;
          world.files.crash(DATA);
        });
        for (let index = 0; !over.isOver && index < 1000; index++) {
          const answer = await post(sandbox, '/v1/bdbs', { name: `d${index}`, memory_size: 1_000_000 });
          if (answer.status === 200) names.push(`d${index}`);
          else expect(await answer.json()).toMatchObject({ error_code: 'not_saved' });
        }
        await sandbox.close();
        return names;
      });
      await world.run(async () => {
        await using again = await start(world);
        const found = again.cluster('east.local').databases.map(({ name }) => name);
        expect(found, `seed ${seed}`).toEqual(expect.arrayContaining(acknowledged));
        // What was not answered may be there or not, but only the one that was under way.
        expect(found.length - acknowledged.length).toBeLessThanOrEqual(1);
      });
    }
  });

  it('of a start that was cut off is begun anew', async () => {
    const outcomes = new Set<boolean>();
    for (let seed = 0; seed < 12; seed++) {
      const world = new SimWorld({ seed });
      await world.run(async () => {
        const crash = world.clock.after(world.random.fork('crash').integer(1, 25), () => world.files.crash(DATA));
        const first = await start(world).catch(() => null);
        crash.cancel();
        outcomes.add(first !== null);
        await first?.close();
      });
      await world.run(async () => {
        await using again = await start(world);
        expect(again.clusters.map((cluster) => cluster.databases.length)).toEqual([1, 1]);
      });
    }
    expect([...outcomes]).toContain(false);
  });

  it('that is full makes REST say so, and what was changed is kept once there is room', async () => {
    const world = new SimWorld({ seed: 3 });
    await world.run(async () => {
      const sandbox = await start(world, { clusters: [{ name: 'east.local' }] });
      world.files.fill(DATA);
      const answer = await post(sandbox, '/v1/bdbs', { name: 'late', memory_size: 1_000_000 });
      expect(answer.status).toBe(507);
      expect(await answer.json()).toMatchObject({
        error_code: 'not_saved',
        description: expect.stringContaining('full'),
      });
      world.files.free(DATA);
      expect((await sandbox.cluster('east.local').control.saved()).ok).toBe(true);
      world.files.crash(DATA);
      await sandbox.close();
      await using again = await start(world);
      expect(again.cluster('east.local').databases.map(({ name }) => name)).toEqual(['late']);
    });
  });

  it('serves one sandbox at a time', async () => {
    const world = new SimWorld({ seed: 4 });
    await world.run(async () => {
      const first = await start(world);
      await expect(start(world)).rejects.toThrow(/data folder \/data is in use.*antipode down/);
      await first.close();
      await (await start(world)).close();
    });
  });

  it('that is damaged, newer or somebody else’s is refused with cause and place, and left as it is', async () => {
    const world = new SimWorld({ seed: 5 });
    await world.run(async () => {
      await (await start(world, { clusters: [{ name: 'east.local' }] })).close();
      const folder = `${DATA}/clusters/east.local`;
      const whole = await bytesOf(world, folder, 'state.json');
      const damages: readonly (readonly [Buffer, RegExp])[] = [
        [whole.subarray(0, whole.length - 5), /state\.json: it has \d+ bytes after its first line/],
        [Buffer.from(whole.toString().replace('"east.local"', '"EAST.local"')), /checksum does not fit/],
        [Buffer.from(whole.toString().replace('"schema":1', '"schema":99')), /newer version \(schema 99/],
        [Buffer.from('hello'), /first line is not that of a cluster's state/],
      ];
      for (const [bytes, cause] of damages) {
        await world.files.folder(folder).replace('state.json', bytes);
        const failure = await start(world).then(
          () => null,
          (error: unknown) => error as Error,
        );
        expect(failure?.message).toMatch(cause);
        expect(failure?.message).toContain('/data cannot be used');
        expect((await bytesOf(world, folder, 'state.json')).equals(bytes)).toBe(true);
      }
      await world.files.folder(folder).replace('state.json', whole);
      await (await start(world)).close();
      const home = world.files.folder('/home');
      await home.make();
      await home.replace('letter.txt', Buffer.from('x'));
      await expect(start(world, { data: '/home' })).rejects.toThrow(/\/home is not empty \(letter\.txt\)/);
    });
  });
});
