/** Users in a file: written and read by ACL SAVE and ACL LOAD, also by a redis-server's. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AclFile } from '../../../src/node/acl/acl-file.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { eventually } from '../../support/eventually.ts';
import { testShard, type TestClient, type TestReply } from '../../support/fixtures.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'acl-file-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const path = (): string => join(directory, 'users.acl');

function shardWithFile() {
  const world = new SystemWorld({ seed: 1 });
  const test = testShard({ commands: dataCommands, world });
  test.shard.permissions.file = new AclFile(world.files.folder(directory), 'users.acl');
  return test;
}

/** Waits for the disk. */
async function call(client: TestClient, ...words: string[]): Promise<TestReply> {
  const at = client.call(...words);
  if (at !== undefined) return at;
  await eventually(() => client.replies.length > 0, { withinMs: 5000, what: words.join(' ') });
  return client.replies.shift()!;
}

describe('an ACL file', () => {
  it('brings back the users that were saved, and ends the connections of those that were not', async () => {
    using test = shardWithFile();
    const [admin, alice, bob] = [test.client(), test.client(), test.client()];
    admin.call('ACL', 'SETUSER', 'alice', 'on', '>p', '~a*', '+@all');
    expect(await call(admin, 'ACL', 'SAVE')).toBe('OK');
    const saved = admin.call('ACL', 'LIST');
    admin.call('ACL', 'SETUSER', 'bob', 'on', 'nopass');
    admin.call('ACL', 'SETUSER', 'alice', '-get', '>q');
    alice.call('AUTH', 'alice', 'p');
    bob.call('AUTH', 'bob', 'x');
    expect(await call(admin, 'ACL', 'LOAD')).toBe('OK');
    expect(admin.call('ACL', 'LIST')).toEqual(saved);
    expect([alice.closed, bob.closed, admin.closed]).toEqual([false, true, false]);
    expect(alice.call('GET', 'a')).toBeNull();
  });

  it('that takes from its reader what that listens to, or its name, is answered before the connection ends', async () => {
    using test = shardWithFile();
    const admin = test.client();
    admin.call('ACL', 'SETUSER', 'alice', 'on', 'nopass', '+@all', 'resetchannels', '&a');
    expect(await call(admin, 'ACL', 'SAVE')).toBe('OK');
    for (const [name, channel] of [
      ['alice', 'b'],
      ['bob', 'a'],
    ] as const) {
      admin.call('ACL', 'SETUSER', name, 'on', 'nopass', '+@all', '&*');
      const client = test.client();
      client.call('HELLO', '3', 'AUTH', name, 'x');
      client.call('SUBSCRIBE', channel);
      client.raw = '';
      client.send('ACL', 'LOAD');
      await eventually(() => client.closed, { withinMs: 5000, what: `${name} is cut` });
      expect(client.raw).toBe('+OK\r\n');
    }
  });

  it('with a mistake changes nobody, and every mistake is told with its line', async () => {
    using test = shardWithFile();
    const client = test.client();
    client.call('ACL', 'SETUSER', 'alice', 'on');
    const before = client.call('ACL', 'LIST');
    writeFileSync(path(), 'user default on nopass ~* &* +@all\nuser bob +nosuch\nnonsense\n');
    const reply = (await call(client, 'ACL', 'LOAD')) as Error;
    expect(reply.message).toBe(
      `ERR ${path()}:2: Unknown command or category name in ACL. ${path()}:3: should start with user keyword followed by the username. WARNING: ACL errors detected, no change to the previously active ACL rules was performed`,
    );
    expect(client.call('ACL', 'LIST')).toEqual(before);
  });

  it('that is not there, or cannot be written, is named', async () => {
    using test = shardWithFile();
    const client = test.client();
    expect(((await call(client, 'ACL', 'LOAD')) as Error).message).toContain(`opening file '${path()}'`);
    rmSync(directory, { recursive: true });
    expect(((await call(client, 'ACL', 'SAVE')) as Error).message).toContain(`save the ACLs to ${path()}`);
  });

  it('is not waited for inside a transaction', async () => {
    using test = shardWithFile();
    const client = test.client();
    client.call('MULTI');
    client.call('ACL', 'SAVE');
    expect(client.bytes('EXEC')).toBe(
      "*1\r\n-ERR 'ACL SAVE' waits for the disk and cannot be part of a transaction or a script\r\n",
    );
  });
});

describeReal('an ACL file of redis-server', () => {
  it('is read here, and ours there', async () => {
    writeFileSync(path(), '');
    await using real = await startRealRedis({ args: ['--aclfile', path()] });
    const rules = [
      'on',
      '>p',
      '~a*',
      '%R~b',
      '&n*',
      '-@all',
      '+@read',
      '-get',
      '+config|get',
      '(+set ~z resetchannels)',
    ];
    await real.command('ACL', 'SETUSER', 'alice', ...rules);
    await real.command('ACL', 'SETUSER', 'default', 'on', 'nopass', '-flushall');
    await real.command('ACL', 'SAVE');
    using test = shardWithFile();
    const client = test.client();
    expect(await call(client, 'ACL', 'LOAD')).toBe('OK');
    for (const words of [
      ['GET', 'ab'],
      ['MGET', 'ab'],
      ['MGET', 'b'],
      ['SET', 'z', '1'],
      ['SET', 'ab', '1'],
      ['CONFIG', 'GET', 'x'],
    ]) {
      const ours = client.call('ACL', 'DRYRUN', 'alice', ...words);
      const theirs = await real.command('ACL', 'DRYRUN', 'alice', ...words);
      expect(ours === 'OK', words.join(' ')).toBe(theirs === 'OK');
    }
    expect(client.call('ACL', 'DRYRUN', 'default', 'FLUSHALL')).not.toBe('OK');

    client.call('ACL', 'SETUSER', 'alice', '+flushall', '~c');
    await call(client, 'ACL', 'SAVE');
    expect(await real.command('ACL', 'LOAD')).toBe('OK');
    expect(await real.command('ACL', 'DRYRUN', 'alice', 'FLUSHALL')).toBe('OK');
    expect(await real.command('ACL', 'DRYRUN', 'alice', 'MGET', 'c')).toBe('OK');
    expect(readFileSync(path(), 'latin1')).toMatch(/^user alice on .*\nuser default on /);
  });
});
