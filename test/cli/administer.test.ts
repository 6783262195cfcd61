/** The verbs that administer a running sandbox: db, replica-of, source-url, wait and events, each as people type it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Home } from '../support/program-home.ts';

const started = async (): Promise<Home> => {
  const home = await Home.make();
  await home.start('up', '--json', '--config', await home.config()).firstLine;
  return home;
};

const json = async (home: Home, ...words: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await home.run(...words, '--json');
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' });
  return JSON.parse(stdout);
};

describe('antipode db', () => {
  it('makes, changes, shows, lists and deletes databases', async () => {
    await using home = await started();
    const made = [
      'db',
      'create',
      'extra',
      '--cluster',
      'west.local',
      '--shards',
      '2',
      '--memory',
      '100mb',
      '--port',
      '12001',
    ];
    expect(await json(home, ...made, '--dry-run')).toMatchObject({ name: 'extra' });
    expect((await home.run('db', 'list')).stdout).not.toContain('extra');
    expect(await json(home, ...made)).toMatchObject({ status: 'active', shards_count: 2, memory_size: 104_857_600 });
    expect(await json(home, 'db', 'update', 'extra', '--set', 'max_connections=7', '--password', 'pw')).toMatchObject({
      max_connections: 7,
      authentication_redis_pass: 'pw',
    });
    expect((await home.run('db', 'show', 'west.local/extra', '--field', 'max_connections')).stdout).toBe('7\n');
    expect((await home.run('db', 'list')).stdout).toContain('west.local/extra  uid 2  redis-12001.west.local:12001');
    expect(await json(home, 'db', 'delete', 'extra')).toEqual({ deleted: true, cluster: 'west.local', uid: 2 });
    expect((await home.run('db', 'list')).stdout).not.toContain('extra');
  });
});

describe('the verbs that administer', () => {
  let home: Home;
  beforeAll(async () => {
    home = await started();
  });
  afterAll(() => home[Symbol.asyncDispose]());

  it.each([
    [['db', 'show', 'nope'], /no database "nope"; there are: east\.local\/orders, west\.local\/orders-copy/],
    [['db', 'show', '1'], /"1" names several databases; say which: east\.local\/orders, west\.local\/orders-copy/],
    [['db', 'create', 'x'], /which cluster\? the sandbox has: east\.local, west\.local; name one with --cluster/],
    [['db', 'create', 'x', '--cluster', 'north.local'], /no cluster "north\.local"/],
    [['db', 'create', 'x', '--cluster', 'east.local', '--port', '12000'], /406.*port_unavailable.*12000/],
    [['db', 'create', 'x', '--cluster', 'east.local', '--memory', 'much'], /--memory "much" is no size/],
    [['db', 'update', 'orders', '--set', 'nonsense=1'], /nonsense/],
    [['db', 'update', 'orders', '--set', 'nonsense'], /write field=value/],
    [['db', 'update', 'orders'], /nothing to change/],
    [['db', 'show', 'orders', '--field', 'nope'], /no field "nope"/],
    [['replica-of', 'set', 'orders-copy', 'rediss://h:1'], /406.*invalid_replication/],
    [['replica-of', 'set', 'orders-copy', 'orders', '--compression', 'much'], /--compression "much"/],
    [
      ['replica-of', 'set', 'orders-copy', 'orders', '--server-cert', '/nowhere'],
      /--server-cert: cannot read \/nowhere/,
    ],
    [['replica-of', 'remove', 'orders-copy', '9'], /has no source 9; it has: 1/],
    [['wait', '--for', 'peace'], /what can be waited for is in-sync/],
    [['wait', 'orders', '--for', 'in-sync'], /does not replicate/],
  ] as const)('refuses %j with the reason', async (words, reason) => {
    const { code, stdout, stderr } = await home.run(...words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(reason);
  });
});

describe('antipode replica-of and source-url', () => {
  it('connect, pause, restart, extend and end replication; a regenerated password stops it until the URL is renewed', async () => {
    await using home = await started();
    await home.run('wait', '--for', 'in-sync');
    const before = (await home.run('source-url', 'orders')).stdout;
    expect(before).toMatch(/^redis:\/\/admin:[A-Za-z0-9]{48}@redis-12000\.east\.local:12000\n$/);

    expect(await json(home, 'replica-of', 'pause', 'orders-copy')).toMatchObject({ replica_sync: 'paused' });
    expect((await home.run('wait', '--for', 'in-sync')).stderr).toContain('replica_sync paused');
    await json(home, 'replica-of', 'start', 'orders-copy');
    expect((await home.run('wait', 'orders-copy', '--for', 'in-sync')).stdout).toBe('in sync\n');

    const renewed = await home.run('source-url', 'orders', '--regenerate');
    expect(renewed.stdout).not.toBe(before);
    await expect
      .poll(async () => (await home.run('replica-of', 'show', 'orders-copy')).stdout, { timeout: 10_000, interval: 50 })
      .toMatch(/replica_sync stopped\n {2}1 {2}redis:\/\/admin:\*\*\*@.*auth-failed/);
    expect((await home.run('events', '--cluster', 'west.local')).stdout).toContain('authentication_err');
    await json(home, 'replica-of', 'set', 'orders-copy', renewed.stdout.trim());
    await json(home, 'wait', 'orders-copy', '--for', 'in-sync');

    await json(home, 'db', 'create', 'second', '--cluster', 'west.local');
    expect(await json(home, 'replica-of', 'add', 'orders-copy', 'second')).toMatchObject({
      replica_sources: [{ uid: 1 }, { uid: 2 }],
    });
    await json(home, 'wait', 'orders-copy', '--for', 'in-sync');
    expect(await json(home, 'replica-of', 'remove', 'orders-copy', '2')).toMatchObject({
      replica_sources: [{ uid: 1 }],
    });
    expect(await json(home, 'replica-of', 'remove', 'orders-copy', '1')).toMatchObject({
      replica_sync: 'disabled',
      replica_sources: [],
    });
  });

  it('connect databases of TLS by name completely', async () => {
    await using home = await started();
    await json(home, 'db', 'create', 'safe', '--cluster', 'east.local', '--tls', 'enabled', '--no-client-auth');
    await json(home, 'db', 'create', 'safe-copy', '--cluster', 'west.local');
    expect(await json(home, 'replica-of', 'set', 'safe-copy', 'east.local/safe')).toMatchObject({
      replica_sources: [{ encryption: true }],
    });
    await json(home, 'wait', 'safe-copy', '--for', 'in-sync');
  });
});
