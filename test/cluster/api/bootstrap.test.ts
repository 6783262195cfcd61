import { describe, expect, it } from 'vitest';
import { licenseText, trialLicense } from '../../../src/cluster/state/license.ts';
import { startSandbox } from '../../../src/sandbox/sandbox.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { apiStory } from '../../support/api.ts';
import { askingAs, basic } from '../../support/api-people.ts';
import { inSimulation } from '../../support/sandboxes.ts';

const CREATION = {
  action: 'create_cluster',
  cluster: { nodes: [], name: 'paris.local' },
  node: {
    paths: { persistent_path: '/var/opt/redislabs/persist', ephemeral_path: '/var/opt/redislabs/tmp' },
    identity: { addr: '127.0.1.1' },
  },
  credentials: { username: 'admin@lab.local', password: 's3cret-pw' },
};

type Asking = ReturnType<typeof askingAs>;

const waiting = (told: (ask: Asking, as: (header: string) => Asking, settled: () => Promise<void>) => Promise<void>) =>
  inSimulation({ clusters: [{ name: 'paris.local', bootstrap: 'manual' }] }, ({ sandbox }) => {
    const paris = sandbox.cluster('paris.local');
    return told(
      askingAs(paris, null),
      (header) => askingAs(paris, header),
      () => paris.control.settled(),
    );
  });

describe('a node that waits', () => {
  it('answers to anybody about its bootstrap, and to nobody about anything else', () =>
    waiting(async (ask) => {
      expect(await ask('GET', '/v1/bootstrap')).toMatchObject({
        status: 200,
        json: { bootstrap_status: { state: 'idle' }, local_node_info: { uid: '1', cores: expect.any(Number) } },
      });
      for (const path of ['/v1/cluster', '/v1/bdbs', '/v1/nowhere', '/v1/users/authorize']) {
        const answer = await ask('GET', path);
        expect([answer.status, answer.json.error_code]).toEqual([503, 'not_in_cluster']);
      }
    }));

  it('becomes a cluster, whose administrator then makes databases', () =>
    waiting(async (ask, as, settled) => {
      expect((await ask('POST', '/v1/bootstrap/validate/create_cluster', CREATION)).status).toBe(200);
      expect((await ask('GET', '/v1/bootstrap')).json.bootstrap_status.state).toBe('idle');
      expect((await ask('POST', '/v1/bootstrap/create_cluster', CREATION)).status).toBe(200);
      expect((await ask('GET', '/v1/bootstrap')).status).toBe(401);
      const owner = as(basic('admin@lab.local', 's3cret-pw'));
      expect((await owner('GET', '/v1/bootstrap')).json.bootstrap_status).toEqual({
        state: 'completed',
        start_time: expect.stringMatching(/Z$/),
        end_time: expect.stringMatching(/Z$/),
      });
      expect((await owner('POST', '/v1/bootstrap/create_cluster', CREATION)).json.error_code).toBe(
        'already_bootstrapped',
      );
      const made = await owner('POST', '/v1/bdbs', { name: 'db', memory_size: 1_000_000 });
      expect(made.status).toBe(200);
      await settled();
      expect((await owner('POST', '/v1/bdbs/1/command', { command: 'PING' })).json.response).toBe(true);
    }));

  it.each([
    ['another name', { ...CREATION, cluster: { name: 'rome.local' } }, 406, 'config_error'],
    ['another address', { ...CREATION, node: { identity: { addr: '10.0.0.1' } } }, 406, 'config_error'],
    ['no credentials', { ...CREATION, credentials: undefined }, 406, 'config_error'],
    ['nodes to join', { ...CREATION, cluster: { name: 'paris.local', nodes: ['127.0.1.2'] } }, 406, 'config_error'],
    ['another action', { ...CREATION, action: 'join_cluster' }, 406, 'config_error'],
    ['a corrupted licence', { ...CREATION, license: 'nonsense' }, 400, 'invalid_license'],
    ['an unknown field', { ...CREATION, colour: 'red' }, 400, 'invalid_schema'],
  ])('refuses %s, and goes on waiting', (_, body, status, code) =>
    waiting(async (ask) => {
      expect(await ask('POST', '/v1/bootstrap/create_cluster', body)).toMatchObject({
        status,
        json: { error_code: code },
      });
      expect((await ask('GET', '/v1/bootstrap')).json.bootstrap_status.state).toBe('idle');
    }),
  );

  it('does not join or recover a cluster', () =>
    waiting(async (ask) => {
      for (const action of ['join_cluster', 'recover_cluster']) {
        const answer = await ask('POST', `/v1/bootstrap/${action}`, { ...CREATION, action });
        expect(answer.json.error_code).toBe('not_emulated');
      }
      expect((await ask('POST', '/v1/bootstrap/dance', CREATION)).status).toBe(404);
    }));

  it('has no databases before', async () => {
    const clusters = [{ name: 'paris.local', bootstrap: 'manual', databases: [{ name: 'db' }] }] as const;
    await expect(startSandbox({ world: new SimWorld({ seed: 1 }), clusters })).rejects.toThrow(/bootstrap: manual/);
  });
});

describe('/v1/license', () => {
  it('is a development licence that does not get in the way', () =>
    apiStory(async (ask) => {
      expect((await ask('GET', '/v1/license')).json).toMatchObject({ expired: false, features: ['development'] });
    }));

  it('of a trial allows four shards for thirty days', () =>
    inSimulation({ clusters: [{ name: 'west.local', license: 'trial' }] }, async ({ sandbox, wait }) => {
      const west = sandbox.cluster('west.local');
      const ask = askingAs(west, basic(west.username, west.password));
      expect((await ask('GET', '/v1/license')).json).toMatchObject({
        shards_limit: 4,
        features: ['trial', 'bigstore'],
      });
      const wish = { name: 'a', memory_size: 0, shards_count: 4 };
      expect((await ask('POST', '/v1/bdbs', wish)).status).toBe(200);
      expect(await ask('POST', '/v1/bdbs', { name: 'b', memory_size: 0 })).toMatchObject({
        status: 403,
        json: { error_code: 'license_refused', description: expect.stringContaining('4 shards') },
      });
      await ask('DELETE', '/v1/bdbs/1');
      await west.control.settled();
      await wait(1_000);
      expect((await ask('POST', '/v1/bdbs?dry_run', { name: 'b', memory_size: 0 })).status).toBe(200);
    }));

  it('that is over allows no more databases, and says so', () =>
    inSimulation({ clusters: [{ name: 'west.local' }] }, async ({ sandbox, world, wait }) => {
      const west = sandbox.cluster('west.local');
      const ask = askingAs(west, basic(west.username, west.password));
      const now = world.clock.now();
      const short = licenseText({ ...trialLicense(now), expiresMs: now + 60_000 });
      expect((await ask('PUT', '/v1/license', { license: short })).status).toBe(200);
      expect((await ask('GET', '/v1/cluster/alerts/cluster_license_about_to_expire')).json.state).toBe(true);
      await wait(61_000);
      expect((await ask('GET', '/v1/license')).json.expired).toBe(true);
      expect(await ask('POST', '/v1/bdbs', { name: 'a', memory_size: 0 })).toMatchObject({
        status: 403,
        json: { error_code: 'license_refused', description: expect.stringContaining('expired') },
      });
    }));

  it('is refused when it is corrupted, over, for another cluster, or for fewer shards than there are', () =>
    apiStory(async (ask, { world }) => {
      const now = world.clock.now();
      const trial = trialLicense(now);
      const put = async (license: string) => {
        const { status, json } = await ask('PUT', '/v1/license', { license });
        return [status, json.error_code];
      };
      expect(await put('nonsense')).toEqual([400, 'invalid_license']);
      expect(await put(licenseText({ ...trial, expiresMs: now - 1 }))).toEqual([406, 'license_violation']);
      expect(await put(licenseText({ ...trial, clusterName: 'rome.local' }))).toEqual([406, 'license_violation']);
      expect(await put(licenseText({ ...trial, shardsLimit: 2 }))).toEqual([406, 'license_violation']);
      expect(await put(licenseText(trial))).toEqual([200, undefined]);
    }));
});
