import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Home, PROGRAM } from '../support/program-home.ts';
import { testSubnet } from '../support/sandboxes.ts';

describe('antipode up', () => {
  it('prints one document on one line when everything is in sync, and ends cleanly on SIGINT', async () => {
    await using home = await Home.make();
    const { child, firstLine, finished } = home.start('up', '--json', '--config', await home.config());
    const document = JSON.parse(await firstLine);
    expect(document).toMatchObject({
      ready: true,
      clusters: [
        {
          name: 'east.local',
          api: `https://${home.subnets[0]}.1:9443`,
          ui: `https://${home.subnets[0]}.1:8443`,
          username: 'admin@east.local',
          databases: [
            {
              uid: 1,
              name: 'orders',
              endpoint: 'redis-12000.east.local:12000',
              host: `${home.subnets[0]}.1`,
              port: 12_000,
              shards: 2,
              source_url: expect.stringMatching(/^redis:\/\/admin:[A-Za-z0-9]{48}@redis-12000\.east\.local:12000$/),
              replica_sync: 'disabled',
            },
          ],
        },
        { name: 'west.local', databases: [{ name: 'orders-copy', shards: 3, replica_sync: 'enabled' }] },
      ],
    });
    const redis = new Redis(12_000, `${home.subnets[0]}.1`);
    expect(await redis.set('k', 'v')).toBe('OK');
    redis.disconnect();
    child.kill('SIGINT');
    const { code, stdout, stderr } = await finished;
    expect({ code, stderr, lines: stdout.trim().split('\n').length }).toEqual({ code: 0, stderr: '', lines: 1 });
    expect(await home.leftBehind).toEqual([]);
  });

  it('prints clusters, endpoints, credentials and the state of Replica Of for people', async () => {
    await using home = await Home.make();
    const { child, firstLine, printed, finished } = home.start('up', '--config', await home.config());
    await firstLine;
    await expect.poll(printed, { timeout: 10_000, interval: 5 }).toContain('DNS for west.local');
    child.kill('SIGTERM');
    const { code, stdout } = await finished;
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^east\.local\n {2}REST API {3}https:\/\/127\.[\d.]+:9443 {2}user admin@east\.local {2}password \w{16}\n/,
    );
    expect(stdout).toContain('orders-copy  redis-12000.west.local:12000, 3 shards');
    expect(stdout).toMatch(/Replica Of source 1 (in-sync|syncing|out-of-sync)/);
  });

  it.each([
    [
      'a malformed config',
      'clusters:\n  - name: east.local\n    nodes: many\n',
      /sandbox\.yaml:3:12: clusters\.0\.nodes: .*"many"/,
    ],
    [
      'a rule that the clusters check',
      'clusters:\n  - name: a.local\n    databases:\n      - name: x\n        port: 10050\n',
      /sandbox\.yaml:5:15: .*10050 is reserved/,
    ],
    [
      'one source of many',
      'clusters:\n  - name: a.local\n    databases:\n      - name: x\n        replica_of:\n          - redis://h:1\n          - redis://h\n',
      /sandbox\.yaml:7:13: .*replica source 2: the port is missing/,
    ],
    [
      'two clusters at the same addresses',
      'clusters:\n  - { name: a.local, subnet: 127.99.1 }\n  - { name: b.local, subnet: 127.99.1 }\n',
      /sandbox\.yaml:3:30: subnet 127\.99\.1 belongs to a\.local already/,
    ],
    [
      'an unknown source',
      'clusters:\n  - name: a.local\n    databases:\n      - name: x\n        replica_of: b.local/x\n',
      /sandbox\.yaml:5:21: .*no cluster "b\.local"/,
    ],
  ])('refuses %s with line and column', async (_, text, words) => {
    await using home = await Home.make();
    const { code, stdout, stderr } = await home.run('up', '--config', await home.config(text));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(words);
  });

  it('goes on when nobody reads what it prints', async () => {
    await using home = await Home.make();
    const { child, finished } = home.start('up', '--config', await home.config());
    child.stdout!.destroy();
    child.stderr!.destroy();
    const hasPrinted = async (): Promise<boolean> => {
      const { code, stdout } = await home.run('names', '--json');
      return code === 0 && (JSON.parse(stdout) as { services: unknown }).services !== null;
    };
    await eventually(hasPrinted, { withinMs: 25_000, what: 'names are answered, of which the banner tells' });
    expect((await home.run('status')).stdout).toContain('orders-copy');
    child.kill('SIGINT');
    expect((await finished).code).toBe(0);
    expect(await home.leftBehind).toEqual([]);
  });

  it('ends when the shell that npm has started it with is gone', async () => {
    await using home = await Home.make();
    const env = { ...process.env, ANTIPODE_HOME: join(home.directory, 'home'), npm_command: 'exec' };
    const words = [process.execPath, PROGRAM, 'up', '--json', '--config', await home.config()];
    const shell = spawn('sh', ['-c', '"$@"; exit 0', 'sh', ...words], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(shell.stdout, 'data');
    expect(await home.leftBehind).toHaveLength(1);
    shell.kill('SIGKILL');
    await once(shell.stdout, 'close'); // the sandbox held it too
    expect(await home.leftBehind).toEqual([]);
  });

  it('names a config file that it cannot read', async () => {
    await using home = await Home.make();
    expect(await home.run('up', '--config', '/nowhere/x.yaml')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('/nowhere/x.yaml'),
    });
  });

  it('names the port that another program has', async () => {
    await using home = await Home.make();
    const server = createServer().listen(12_000, `${home.subnets[1]}.1`);
    await once(server, 'listening');
    const { code, stderr } = await home.run('up', '--config', await home.config());
    server.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /sandbox\.yaml:7:44: database "orders-copy" of west\.local: .*12000 \(in-use\).*choose another port/,
    );
  });
});

describe('antipode status and down', () => {
  it('show the running sandbox and end it', async () => {
    await using home = await Home.make();
    const { firstLine, finished } = home.start('up', '--json', '--config', await home.config());
    await firstLine;
    const [file = ''] = await home.leftBehind;
    expect((await stat(join(home.directory, 'home', file))).mode & 0o777).toBe(0o600);
    const { stdout } = await home.run('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      clusters: [
        {
          name: 'east.local',
          databases: [{ name: 'orders', status: 'active', shards: 2, keys: 0, replica_sync: 'disabled', sources: [] }],
        },
        {
          name: 'west.local',
          databases: [
            {
              name: 'orders-copy',
              replica_sync: 'enabled',
              full_syncs: 1,
              sources: [{ uid: 1, status: 'in-sync', lag_bytes: 0, percent: 100, last_error: '' }],
            },
          ],
        },
      ],
    });
    const forPeople = await home.run('status');
    expect(forPeople.stdout).toContain('redis://admin:***@redis-12000.east.local:12000  in-sync');
    expect(await home.run('down', '--json')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\{"ended":true,"pid":\d+\}\n$/),
    });
    expect((await finished).code).toBe(0);
    const none = await home.run('status');
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('start one: antipode up') });
  });

  it('speak to the sandbox that was first when a second one starts, which says so', async () => {
    await using home = await Home.make();
    await home.start('up', '--json', '--config', await home.config()).firstLine;
    const [subnet, file] = [testSubnet(), join(home.directory, 'second.yaml')];
    await writeFile(file, `clusters: [{ name: second.local, subnet: ${subnet} }]`);
    const second = home.start('up', '--json', '--config', file);
    await second.firstLine;
    const { stdout } = await home.run('status');
    expect(stdout).toContain('east.local');
    second.child.kill('SIGTERM');
    expect(await second.finished).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/sandbox of process \d+ is running too.*ANTIPODE_HOME/),
    });
    expect(await home.leftBehind).toHaveLength(1);
  });

  it('show colours neither to a pipe nor in CI, unless they are asked for', async () => {
    await using home = await Home.make();
    await home.start('up', '--json', '--config', await home.config()).firstLine;
    const shown = async (more: Readonly<Record<string, string>>): Promise<boolean> =>
      (await home.startWith({ NO_COLOR: '', ...more }, 'status').finished).stdout.includes('\u001B[');
    expect([await shown({ CI: '1' }), await shown({ CI: '' }), await shown({ FORCE_COLOR: '1' })]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('do not believe the file of a process that has died', async () => {
    await using home = await Home.make();
    const { child, firstLine, finished } = home.start('up', '--json', '--config', await home.config());
    await firstLine;
    child.kill('SIGKILL');
    await finished;
    expect(await home.leftBehind).toHaveLength(1);
    expect(await home.run('down')).toMatchObject({ code: 1, stderr: expect.stringMatching(/process \d+ .*has ended/) });
    expect(await home.leftBehind).toEqual([]);
  });
});
