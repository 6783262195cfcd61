/** `antipode shard` in the place of redis-server: a redis.conf and directives, and what it says of those it cannot obey. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { readDirectives } from '../../src/cli/server-directives.ts';
import { shardSetup } from '../../src/cli/shard-setup.ts';
import { runProgram, startProgram } from '../support/antipode-program.ts';
import { generateCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { describeReal, freePort, startRealRedis } from '../support/real-redis.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'shard-directives-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const setupOf = async (...words: string[]): Promise<ReturnType<typeof shardSetup>> =>
  shardSetup(await readDirectives(words));

describe('directives', () => {
  it('come from a file, from files that it includes, and from the command line, which is last', async () => {
    written('more.conf', 'maxmemory 5mb\nSAVE 900 1\n\nsave 300 10\n');
    const file = written(
      'redis.conf',
      '# a comment\nport 7001\nrequirepass "a b"\ninclude more.conf\n  hz 20\nbind 127.0.0.2 -::1\n',
    );
    expect(await setupOf(file, '--port', '7002', '--tcp-backlog', '511', '--replicaof', '127.0.0.1', '6379')).toEqual({
      follows: { host: '127.0.0.1', port: 6379 },
      config: {
        port: '7002',
        bind: '127.0.0.2 -::1',
        requirepass: 'a b',
        maxmemory: '5mb',
        save: '900 1 300 10',
        hz: '20',
        'tcp-backlog': '511',
      },
      dir: null,
      logFile: null,
      pidFile: null,
      users: [],
      renames: [],
      inert: ['tcp-backlog'],
    });
    expect((await setupOf(file, '--save', '')).config['save']).toBe('');
    expect((await setupOf(written('none.conf', 'save 900 1\nsave\n'))).config['save']).toBe('');
    expect((await setupOf('--replicaof', 'no', 'one', '--bind', '*')).config['bind']).toBe('*');
  });

  it.each([
    [
      ['--nosuch', '1'],
      /^--nosuch: Bad directive or wrong number of arguments: 'nosuch' is no option or directive: antipode shard --help/,
    ],
    [['--daemonize', 'yes'], /daemonize yes: it stays in the foreground/],
    [['--rename-command', 'CONFIG'], /rename-command needs the name of a command and another one/],
    [['--bind'], /--bind: bind needs an address/],
    [['--cluster-enabled', 'yes'], /OSS Cluster API/],
    [['--maxmemory'], /maxmemory takes one value, given were 0/],
    [['--maxmemory', '1', '2'], /maxmemory takes one value, given were 2: 1 2/],
    [['--port', 'many'], /"many" is no port/],
    [['--replicaof', 'nowhere'], /"nowhere" is not host:port/],
    [['a.conf', 'b.conf'], /'b.conf': one configuration file at most/],
    [['/nosuch/redis.conf'], /cannot read \/nosuch\/redis.conf/],
  ])('refuse %j', async (words, message) => {
    await expect(setupOf(...words)).rejects.toThrow(message);
  });

  it('bring their values along, or take the next word for it, whatever it looks like', async () => {
    const configOf = async (...words: string[]) => (await setupOf(...words)).config;
    expect(await configOf('--maxmemory 7mb', "--maxmemory-policy 'volatile-lru'")).toEqual({
      maxmemory: '7mb',
      'maxmemory-policy': 'volatile-lru',
    });
    expect(await configOf('--proc-title-template', '--my--title', '--save', '--loglevel', 'verbose')).toEqual({
      'proc-title-template': '--my--title',
      save: '',
      loglevel: 'verbose',
    });
    expect(await configOf(written('empty.conf', ''), 'loglevel', 'verbose', '--hz', '20')).toEqual({
      loglevel: 'verbose',
      hz: '20',
    });
    await expect(configOf('--maxmemory "1')).rejects.toThrow('the command line: a quote is not closed: --maxmemory "1');
  });

  it('say users, each once, and not beside an ACL file', async () => {
    const file = written('users.conf', 'user default off\n\nuser alice on >p (+get ~a*)\n');
    expect((await setupOf(file)).users).toEqual([
      { name: 'default', words: ['off'], where: `${folder}/users.conf:1` },
      { name: 'alice', words: ['on', '>p', '(+get', '~a*)'], where: `${folder}/users.conf:3` },
    ]);
    await expect(setupOf(file, '--user', 'alice', 'on')).rejects.toThrow('--user: user alice: Duplicate user found');
    await expect(setupOf(file, '--user')).rejects.toThrow('--user: user needs a name and rules');
    await expect(setupOf(file, '--aclfile', 'x')).rejects.toThrow(
      `${folder}/users.conf:1: users are declared either here or in the aclfile x, not in both`,
    );
  });

  it('name the line of the file that is wrong', async () => {
    await expect(setupOf(written('a.conf', 'port 7001\n\nnosuch 1\n'))).rejects.toThrow(
      `${folder}/a.conf:3: Bad directive or wrong number of arguments: 'nosuch'`,
    );
    await expect(setupOf(written('b.conf', 'requirepass "a\n'))).rejects.toThrow(/b.conf:1: a quote is not closed/);
    const itself = written('c.conf', 'include c.conf\n');
    await expect(setupOf(itself)).rejects.toThrow(/more than 16 files include each other/);
  });
});

describe('antipode shard as redis-server', () => {
  it('is ready by its log file, has a pid file until it ends, and keeps its data in dir', async () => {
    const file = written(
      'real.conf',
      `port 0\nlogfile ${folder}/log\npidfile ${folder}/pid\ndir ${folder}\nsave ""\nappendonly yes\n`,
    );
    const running = startProgram(['shard', file, '--maxmemory-policy', 'allkeys-lru', '--activerehashing', 'no']);
    try {
      const log = (): string => (existsSync(`${folder}/log`) ? readFileSync(`${folder}/log`, 'utf8') : '');
      await eventually(() => /Ready to accept connections on/.test(log()), {
        withinMs: 10_000,
        what: 'the log says ready',
      });
      expect(log()).toMatch(/without effect here: activerehashing\n/);
      expect(readFileSync(`${folder}/pid`, 'utf8')).toBe(`${running.child.pid}\n`);
      const redis = new Redis(Number(/:(\d+)\n$/.exec(log())![1]));
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'allkeys-lru']);
      expect(await redis.set('key', 'value')).toBe('OK');
      redis.disconnect();
      running.child.kill('SIGTERM');
      expect(await running.finished).toMatchObject({ code: 0, stdout: '', stderr: '' });
    } finally {
      await running[Symbol.asyncDispose]();
    }
    expect(existsSync(`${folder}/pid`)).toBe(false);
    await using again = startProgram(['shard', '--port', '0', '--dir', folder, '--appendonly', 'yes', '--json']);
    const { port } = JSON.parse(await again.line(/^\{/)) as { port: number };
    const redis = new Redis(port);
    expect(await redis.get('key')).toBe('value');
    redis.disconnect();
  });

  it('does not start with a log file that cannot be written', async () => {
    const { code, stderr } = await runProgram('shard', '--port', '0', '--logfile', '/nosuch/log');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/logfile \/nosuch\/log cannot be written: ENOENT/)]);
  });
});

describeReal('rename-command', () => {
  const LINES =
    'rename-command CONFIG ""\nrename-command flushall Wipe\nrename-command EVAL run\nrename-command WIPE wipe-all\n';
  const REQUESTS: readonly (readonly string[])[] = [
    ['CONFIG', 'GET', 'save'],
    ['FLUSHALL'],
    ['WIPE'],
    ['SET', 'k', 'v'],
    ['EVAL', 'return 1', '0'],
    ['Run', 'return redis.call("wIPE-all")', '0'],
    ['RUN', 'return redis.pcall("flushall")', '0'],
    ['GET', 'k'],
    ['MULTI'],
    ['wipe-all'],
    ['flushall'],
    ['EXEC'],
    ['wipe-all', 'NOSUCH'],
    ['RUN'],
    ['COMMAND', 'LIST', 'FILTERBY', 'PATTERN', 'flushall'],
    ['COMMAND', 'LIST', 'FILTERBY', 'PATTERN', 'config*'],
    ['ACL', 'SETUSER', 'alice', 'on', 'nopass', '~*', '+@all', '-flushall', '-config|get'],
    ['ACL', 'SETUSER', 'bob', '+wipe-all'],
    ['ACL', 'DRYRUN', 'alice', 'wipe-all'],
    ['ACL', 'DRYRUN', 'default', 'wipe-all'],
    ['ACL', 'DRYRUN', 'default', 'flushall'],
    ['AUTH', 'alice', ''],
    ['wipe-all'],
  ];

  /** 7.0 does not name the user that it refuses. */
  const nameless = (reply: unknown): unknown =>
    typeof reply === 'string' ? reply.replace(/(?:user alice|this user) /i, 'somebody ') : reply;

  it('gives and takes names as redis-server does, and the log on disk says the new ones', async () => {
    const file = written('names.conf', LINES);
    await using real = await startRealRedis({ file });
    const data = mkdtempSync(join(folder, 'names-'));
    const start = ['shard', file, '--port', '0', '--dir', data, '--appendonly', 'yes', '--json'];
    await using running = startProgram(start);
    const { port } = JSON.parse(await running.line(/^\{/)) as { port: number };
    const redis = new Redis({ port, protocol: 2, maxRetriesPerRequest: 0, retryStrategy: () => null });
    const answer = async (client: Redis, [name, ...words]: readonly string[]): Promise<unknown> =>
      client.call(name!, ...words).catch((error: Error) => error.message);
    const namesOf = async (client: Redis): Promise<unknown> => {
      const found = await client.call('COMMAND', 'INFO', 'config', 'flushall', 'wipe-all', 'wipe');
      return (found as unknown[]).map((each) => (Array.isArray(each) ? (each[0] as unknown) : each));
    };
    const other = new Redis({ port: real.port, protocol: 2, retryStrategy: () => null });
    for (const words of REQUESTS) {
      const [ours, theirs] = [await answer(redis, words), await answer(other, words)];
      expect(nameless(ours), words.join(' ')).toEqual(nameless(theirs));
    }
    expect(await namesOf(redis)).toEqual([null, null, 'flushall', null]);
    expect(await namesOf(other)).toEqual([null, null, 'flushall', null]);
    for (const each of [redis, other]) each.disconnect();
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(0);
    await using again = startProgram(start);
    await again.line(/^\{/);
    again.child.kill('SIGTERM');
    expect((await again.finished).code).toBe(0);
    const without = await runProgram('shard', '--port', '0', '--dir', data, '--appendonly', 'yes');
    expect(without.stderr).toContain("Unknown command 'wIPE-all' reading the append only file");
  });

  it.each([
    [['nosuch', 'x'], "No such command in rename-command: 'nosuch'"],
    [['get', 'SET'], "Target command name already exists: 'SET'"],
  ])('refuses %j', async (words, message) => {
    const { code, stderr } = await runProgram('shard', '--port', '0', '--rename-command', ...words);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});

describeReal('redis-cli', () => {
  it('reaches antipode shard by TLS and by its socket in the file system', async () => {
    const own = await generateCertificate({ cn: 'shard', san: ['127.0.0.1'] });
    const [certificate, key] = [written('own.crt', own.certificate), written('own.key', own.key)];
    const socket = join(folder, 'redis.sock');
    const tlsPort = await freePort();
    const file = written(
      'tls.conf',
      `port 0\ntls-port ${tlsPort}\ntls-cert-file ${certificate}\ntls-key-file ${key}\n` +
        `tls-ca-cert-file ${certificate}\nunixsocket ${socket}\nunixsocketperm 770\n`,
    );
    await using running = startProgram(['shard', file, '--json']);
    const ready = JSON.parse(await running.line(/^\{/)) as { port: number; tls_port: number; unixsocket: string };
    expect(ready).toMatchObject({ port: tlsPort, tls_port: tlsPort, unixsocket: socket });
    const ask = async (...words: string[]): Promise<string> => (await run('redis-cli', words)).stdout;
    const tls = ['--tls', '--cacert', certificate, '--cert', certificate, '--key', key, '-p', String(tlsPort)];
    expect(await ask(...tls, 'SET', 'k', 'v')).toBe('OK\n');
    expect(await ask('-s', socket, 'GET', 'k')).toBe('v\n');
    expect(await ask('-s', socket, 'CONFIG', 'GET', 'unixsocketperm')).toBe('unixsocketperm\n770\n');
    running.child.kill('SIGTERM');
    expect(await running.finished).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(socket)).toBe(false);
  });
});
