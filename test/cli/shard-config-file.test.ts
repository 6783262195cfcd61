/** `antipode shard redis.conf`: the file is rewritten, says users, and is read again. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram, startProgram, type Running } from '../support/antipode-program.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';

const folder = mkdtempSync(join(tmpdir(), 'shard-config-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

const start = async (
  words: readonly string[],
  auth: { username?: string; password?: string } = {},
): Promise<{ running: Running; redis: Redis } & AsyncDisposable> => {
  const running = startProgram(['shard', ...words, '--json']);
  const { port } = JSON.parse(await running.line(/^\{/)) as { port: number };
  const redis = new Redis({ port, protocol: 2, ...auth });
  redis.on('error', () => undefined);
  return {
    running,
    redis,
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await running[Symbol.asyncDispose]();
    },
  };
};

const everything = async (redis: Redis): Promise<Map<string, string>> => {
  const flat = (await redis.call('CONFIG', 'GET', '*')) as string[];
  const pairs = Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!] as const);
  return new Map(pairs);
};

describe('CONFIG REWRITE of antipode shard', () => {
  it('makes a file from which it starts with the same parameters and users', async () => {
    const more = written('more.conf', 'maxclients 500\n');
    const file = written(
      'redis.conf',
      `# mine\nport 0\ndir ${folder}\ninclude more.conf\nsave 900 1\nmaxmemory 5mb\nuser bob on >b ~* +get\n`,
    );
    let before: Map<string, string>;
    let users: unknown;
    {
      await using first = await start([file, '--timeout', '100']);
      const { redis } = first;
      await redis.config('SET', 'maxmemory', '3mb', 'masterauth', 'a "b" \n', 'save', '60 1 30 2');
      await redis.config('SET', 'client-output-buffer-limit', 'replica 1gb 0 0', 'notify-keyspace-events', 'AKE');
      await redis.acl('SETUSER', 'alice', 'on', '>geheim', '~a*', '+@all', '(+get ~b*)');
      await redis.call('REPLICAOF', '127.0.0.1', '1');
      expect(await redis.call('CONFIG', 'REWRITE')).toBe('OK');
      expect(await redis.call('INFO', 'server')).toMatch(
        new RegExp(`\\r\\nprocess_id:${first.running.child.pid}\\r\\n[^]*\\r\\nconfig_file:${file}\\r\\n`),
      );
      before = await everything(redis);
      users = await redis.acl('LIST');
    }
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^# mine\nport \d+\ndir .*\ninclude more.conf\nsave 60 1\nmaxmemory 3mb\nuser alice on /);
    expect(text).toContain('\nreplicaof 127.0.0.1 1\n');
    expect(readFileSync(more, 'utf8')).toBe('maxclients 500\n');
    await using second = await start([file]);
    const after = await everything(second.redis);
    expect(after).toEqual(before);
    expect([after.get('replicaof'), after.get('maxclients')]).toEqual(['127.0.0.1 1', '500']);
    expect(await second.redis.acl('LIST')).toEqual(users);
    await second.redis.call('REPLICAOF', 'NO', 'ONE');
    expect(await second.redis.call('CONFIG', 'REWRITE')).toBe('OK');
    expect(readFileSync(file, 'utf8')).not.toContain('replicaof');
    expect(await second.redis.call('DEBUG', 'CONFIG-REWRITE-FORCE-ALL')).toBe('OK');
    const everyLine = await everything(second.redis);
    await second[Symbol.asyncDispose]();
    await using third = await start([file]);
    expect(await everything(third.redis)).toEqual(everyLine);
  });
});

describe('user lines of a redis.conf', () => {
  it('say who may connect; the default user is what its line says, not what requirepass says', async () => {
    const file = written(
      'users.conf',
      'port 0\nrequirepass x\nuser alice on >geheim ~a* +@all\nuser default on >other ~* +@all\n',
    );
    await using server = await start([file], { username: 'alice', password: 'geheim' });
    expect(await server.redis.acl('WHOAMI')).toBe('alice');
    await expect(server.redis.get('b')).rejects.toThrow('NOPERM');
    await expect(server.redis.call('AUTH', 'x')).rejects.toThrow('WRONGPASS');
    expect(await server.redis.call('AUTH', 'other')).toBe('OK');
  });

  it('are in the file that aclfile names, as seen from dir', async () => {
    written('seen.acl', 'user default off\nuser alice on >p ~* +@all\n');
    const file = written('dir.conf', `port 0\ndir ${folder}\naclfile seen.acl\nlogfile seen.log\n`);
    await using server = await start([file], { username: 'alice', password: 'p' });
    expect(await server.redis.acl('WHOAMI')).toBe('alice');
    expect(existsSync(join(folder, 'seen.log'))).toBe(true);
  });

  it.each([
    ['user alice on +nosuch', "Error in user declaration '+nosuch': Unknown command or category name in ACL"],
    [
      'user alice on (+get',
      "Error in user declaration 'alice': Unmatched parenthesis in acl selector starting at '(+get'",
    ],
    ['user "a b" on', "Error in user declaration 'a b': Spaces not allowed in ACL usernames"],
  ])('refuse %j with its line', async (line, message) => {
    const file = written('wrong.conf', `port 0\n${line}\n`);
    expect(await runProgram('shard', file)).toEqual({
      code: 1,
      stdout: '',
      stderr: `antipode: ${file}:2: ${message}\n`,
    });
  });
});

describeReal('a file that CONFIG REWRITE has written', () => {
  it('starts a redis-server with the same parameters', async () => {
    const file = written('shared.conf', `port 0\ndir ${folder}\nsave ""\n`);
    const names = ['maxmemory', 'timeout', 'notify-keyspace-events', 'client-output-buffer-limit', 'masterauth'];
    const ask = (redis: Redis): Promise<unknown> => Promise.all(names.map((name) => redis.config('GET', name)));
    let ours: unknown;
    {
      await using server = await start([file]);
      await server.redis.config('SET', 'maxmemory', '100mb', 'timeout', '77', 'notify-keyspace-events', 'Kx');
      await server.redis.config('SET', 'client-output-buffer-limit', 'pubsub 1mb 2kb 3', 'masterauth', 'ü "\\');
      await server.redis.acl('SETUSER', 'alice', 'on', '>p', '~a*', '&c', '-@all', '+@read', '(+set ~b*)');
      expect(await server.redis.call('CONFIG', 'REWRITE')).toBe('OK');
      ours = await ask(server.redis);
    }
    await using real = await startRealRedis({ file });
    const client = real.client({ username: 'alice', password: 'p', enableReadyCheck: false });
    expect(await client.get('a')).toBeNull();
    expect(await ask(real.client())).toEqual(ours);
  });
});
