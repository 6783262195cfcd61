/** Export and import of a database by REST, with redis-server as the judge of the files. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { SandboxCluster } from '../../src/sandbox/cluster.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { testSubnet } from '../support/sandboxes.ts';

const KEYS = 300;

interface Shown {
  readonly status: string;
  readonly export_status: string;
  readonly export_progress: number;
  readonly import_status: string;
  readonly import_failure_reason: string;
}

const folder = async (): Promise<{ readonly path: string } & AsyncDisposable> => {
  const path = await mkdtemp(join(tmpdir(), 'antipode-dataset-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** Resolves with how it went. */
const carriedOut = async (cluster: SandboxCluster, uid: number, action: string, body: object): Promise<Shown> => {
  const { action_uid: actionUid } = (await cluster.rest('POST', `/v1/bdbs/${uid}/actions/${action}`, body)) as {
    readonly action_uid: string;
  };
  const status = async (): Promise<unknown> =>
    ((await cluster.rest('GET', `/v2/actions/${actionUid}`)) as { readonly status: string }).status;
  await expect.poll(status, { timeout: 10_000, interval: 5 }).toMatch(/^(completed|failed)$/);
  return (await cluster.rest('GET', `/v1/bdbs/${uid}`)) as Shown;
};

const files = (...paths: string[]): object => ({
  dataset_import_sources: paths.map((path) => ({ type: 'mount_point', path })),
});

describeReal('the data of a database', () => {
  it('are exported to files that redis-server loads, one for each shard', async () => {
    await using place = await folder();
    await using sandbox = await startSandbox({
      clusters: [{ name: 'east.local', subnet: testSubnet(), databases: [{ name: 'orders', shards: 3 }] }],
    });
    const east = sandbox.cluster('east.local');
    const client = await east.database('orders').client();
    for (let at = 0; at < KEYS; at++) await client.set(`key:${at}`, `value ${at}`, 'EX', 1_000 + at);
    await client.rpush('list', 'a', 'b');
    const shown = await carriedOut(east, 1, 'export', { export_location: { type: 'mount_point', path: place.path } });
    expect(shown).toMatchObject({ status: 'active', export_status: 'succeeded', export_progress: 100 });
    const names = await readdir(place.path);
    expect(names).toEqual([
      'orders-1-of-3-0-5460.rdb',
      'orders-2-of-3-5461-10922.rdb',
      'orders-3-of-3-10923-16383.rdb',
    ]);
    let keys = 0;
    for (const name of names) {
      await using redis = await startRealRedis({ args: ['--dir', place.path, '--dbfilename', name] });
      keys += Number(await redis.command('DBSIZE'));
      if ((await redis.command('EXISTS', 'key:7')) === 1) {
        expect(await redis.command('GET', 'key:7')).toBe('value 7');
        expect(Number(await redis.command('TTL', 'key:7'))).toBeGreaterThan(900);
      }
    }
    expect(keys).toBe(KEYS + 1);
    expect(await east.rest('PUT', '/v1/bdbs/1/actions/export_reset_status')).toEqual({});
    expect(await east.rest('GET', '/v1/bdbs/1?fields=export_status')).toEqual({ export_status: '' });
  });

  it('are replaced by those of files from redis-server, plain and gzipped; at a destination the source overwrites them again', async () => {
    await using place = await folder();
    await using redis = await startRealRedis({ args: ['--dir', place.path, '--dbfilename', 'dump.rdb'] });
    for (let at = 0; at < KEYS; at++) await redis.command('HSET', `hash:${at}`, 'field', at);
    await redis.command('SET', 'shared', 'of the file');
    await redis.command('SAVE');
    const dump = await readFile(join(place.path, 'dump.rdb'));
    await writeFile(join(place.path, 'dump.rdb.gz'), gzipSync(dump));
    await using sandbox = await startSandbox({
      clusters: [
        {
          name: 'east.local',
          subnet: testSubnet(),
          databases: [{ name: 'orders' }, { name: 'copy', shards: 3, replicaOf: ['east.local/orders'] }],
        },
      ],
    });
    const east = sandbox.cluster('east.local');
    const orders = await east.database('orders').client();
    const copy = await east.database('copy').client();
    await orders.set('old', 'x');
    await east.database('copy').inSync();
    for (const name of ['dump.rdb', 'dump.rdb.gz']) {
      const shown = await carriedOut(east, 2, 'import', files(join(place.path, name)));
      expect(shown).toMatchObject({ status: 'active', import_status: 'succeeded', import_failure_reason: '' });
      expect(await copy.dbsize()).toBe(KEYS + 1);
      expect([await copy.hget('hash:7', 'field'), await copy.get('old')]).toEqual(['7', null]);
    }
    await orders.set('shared', 'of the source');
    await expect.poll(() => copy.get('shared'), { timeout: 5_000, interval: 5 }).toBe('of the source');
  });

  it('stay as they were when a file is missing, damaged, or holds what the database cannot', async () => {
    await using place = await folder();
    await using redis = await startRealRedis({ args: ['--dir', place.path, '--dbfilename', 'dump.rdb'] });
    for (let at = 0; at < KEYS; at++) await redis.command('SET', `key:${at}`, 'x'.repeat(100));
    await redis.command('SAVE');
    const path = join(place.path, 'dump.rdb');
    const dump = await readFile(path);
    await redis.command('SELECT', '3');
    await redis.command('SET', 'elsewhere', '1');
    await redis.command('SAVE');
    const other = join(place.path, 'other.rdb');
    await writeFile(other, await readFile(path));
    const broken = Buffer.from(dump);
    broken[dump.length >> 1]! ^= 1;
    await writeFile(join(place.path, 'broken.rdb'), broken);
    await writeFile(join(place.path, 'short.rdb'), dump.subarray(0, dump.length - 20));
    await writeFile(join(place.path, 'false.rdb.gz'), dump);
    await using sandbox = await startSandbox({
      clusters: [{ name: 'east.local', subnet: testSubnet(), databases: [{ name: 'orders', shards: 2 }] }],
    });
    const east = sandbox.cluster('east.local');
    const client = await east.database('orders').client();
    await client.set('kept', 'yes');
    for (const [name, reason] of [
      ['missing.rdb', /cannot read .*missing/],
      ['broken.rdb', /checksum|broken\.rdb/i],
      ['short.rdb', /the file ends before its dump does/],
      ['false.rdb.gz', /is no gzip file/],
      ['other.rdb', /logical database 3/],
    ] as const) {
      const shown = await carriedOut(east, 1, 'import', files(join(place.path, name)));
      expect(shown.import_status).toBe('failed');
      expect(shown.import_failure_reason).toMatch(reason);
      expect([await client.get('kept'), await client.dbsize()]).toEqual(['yes', 1]);
    }
    const refused = (body: object): Promise<unknown> => east.rest('POST', '/v1/bdbs/1/actions/import', body);
    await expect(refused({ dataset_import_sources: [{ type: 's3', bucket: 'b' }] })).rejects.toThrow(
      /406.*not_emulated/,
    );
    await expect(refused(files('relative.rdb'))).rejects.toThrow(/400.*full path/);
    await expect(refused({ dataset_import_sources: [] })).rejects.toThrow(/400/);
  });
});
