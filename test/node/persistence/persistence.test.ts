/**
 * Snapshots and append logs of one shard on the simulated disk: what is answered, what comes back, and after which damage. The
 * shard has the commands of replication and of marks, as one of a cluster has.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardCommands } from '../../../src/cluster/control/shard-commands.ts';
import { datasetDigest } from '../../../src/node/keyspace/digest.ts';
import { attachPersistence, type Persistence } from '../../../src/node/persistence/persistence.ts';
import { SnapshotFile } from '../../../src/node/persistence/snapshot-file.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { Shard } from '../../../src/node/shard/shard.ts';
import { marksOf, saveMarks } from '../../../src/replication/replica-of/marks.ts';
import { attachReplication, replicationOf } from '../../../src/replication/replication.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { TestClient } from '../../support/fixtures.ts';

const DATA = '/data/shard';

class KeptShard {
  readonly shard: Shard;
  readonly persistence: Persistence;
  client: TestClient;

  private constructor(world: SimWorld, config: Readonly<Record<string, string>>) {
    this.shard = new Shard({ world, commands: shardCommands, config });
    attachReplication(this.shard);
    saveMarks(this.shard);
    this.persistence = attachPersistence(this.shard, world.files.folder(DATA));
    this.client = new TestClient(this.shard);
  }

  static async start(world: SimWorld, config: Readonly<Record<string, string>>): Promise<KeptShard> {
    const kept = new KeptShard(world, config);
    expect(kept.client.call('GET', 'k')).toMatchObject({ message: 'LOADING Redis is loading the dataset in memory' });
    const started = await kept.persistence.start();
    if (!started.ok) {
      kept.shard.close();
      throw new Error(started.detail);
    }
    kept.client = new TestClient(kept.shard);
    return kept;
  }

  get digest(): string {
    return datasetDigest(this.shard.keyspaces);
  }

  /** Resolves with the reply, however long that is held back. */
  async answer(world: SimWorld, ...words: string[]): Promise<unknown> {
    this.client.replies.length = 0;
    this.client.send(...words);
    for (let waits = 0; this.client.replies.length === 0; waits++) {
      if (waits > 10_000) throw new Error(`no answer to ${words.join(' ')}`);
      await new Promise<void>((resolve) => world.clock.after(0.1, resolve));
    }
    return this.client.replies.shift();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('nosave');
  }

  async end(how: 'as-configured' | 'save' | 'nosave' = 'as-configured'): Promise<void> {
    await this.persistence.close(how);
    this.shard.close();
  }
}

const AOF = { appendonly: 'yes' };
const ALWAYS = { ...AOF, appendfsync: 'always' };
const AS_REQUESTS = { 'aof-use-rdb-preamble': 'no' };
/** Every other seed has its bases as requests. */
const withBase = <C extends object>(config: C, seed: number): C =>
  seed % 2 === 0 ? config : { ...config, ...AS_REQUESTS };

const fill = ({ client }: KeptShard): void => {
  client.call('SET', 'string', 'v'.repeat(1000));
  client.call('SET', 'ttl', 'v', 'EX', '1000');
  client.call('RPUSH', 'list', 'a', 'b', 'c');
  client.call('SADD', 'set', '1', '2', 'three');
  client.call('ZADD', 'zset', '1', 'a', '2.5', 'b');
  client.call('HSET', 'hash', 'f', '\xff\0\r\n');
  client.call('SELECT', '3');
  client.call('SET', 'elsewhere', 'v');
  client.call('SELECT', '0');
};

describe('what waits for the disk', () => {
  it('FLUSHALL saves at once where there are save points, and is answered when that is done', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, { save: '3600 1' });
      const { client, persistence } = kept;
      client.call('SET', 'k', 'v');
      void persistence.save(); // what it writes is not what is to be kept
      expect(await kept.answer(world, 'FLUSHALL')).toBe('OK');
      expect([persistence.isSaving, persistence.changesSinceSave]).toEqual([false, 0]);
      client.call('MULTI');
      client.call('FLUSHALL');
      expect(client.call('EXEC')).toEqual(['OK']);
      await kept.end('nosave');
      await using again = await KeptShard.start(world, { save: '3600 1' });
      expect(again.client.call('GET', 'k')).toBeNull();
    });
  });

  it('a rewrite asked for during a snapshot begins when that has ended, and the other way round', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, { save: '' });
      const { client, persistence } = kept;
      const info = (name: string): number =>
        Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(String(client.call('INFO', 'persistence')))![1]);
      const ended = async (): Promise<void> => {
        while (persistence.isSaving || persistence.isRewriting)
          await new Promise<void>((resolve) => world.clock.after(1, resolve));
      };
      client.call('SET', 'k', 'v');
      expect(client.call('BGSAVE')).toBe('Background saving started');
      expect(client.bytes('BGSAVE', 'SCHEDULE')).toBe('-ERR Background save already in progress\r\n');
      expect(client.call('BGREWRITEAOF')).toBe('Background append only file rewriting scheduled');
      expect(client.call('BGREWRITEAOF')).toBe('Background append only file rewriting scheduled');
      expect([info('aof_rewrite_scheduled'), info('aof_rewrite_in_progress')]).toEqual([1, 0]);
      while (persistence.isSaving) await new Promise<void>((resolve) => world.clock.after(1, resolve));
      expect([info('aof_rewrite_scheduled'), info('aof_rewrite_in_progress')]).toEqual([0, 1]);
      expect(client.bytes('BGSAVE')).toMatch(
        /^-ERR Another child process is active \(AOF\?\): can't BGSAVE right now\./,
      );
      expect(client.call('BGSAVE', 'SCHEDULE')).toBe('Background saving scheduled');
      while (persistence.isRewriting) await new Promise<void>((resolve) => world.clock.after(1, resolve));
      expect(info('rdb_bgsave_in_progress')).toBe(1);
      await ended();
      expect([info('rdb_saves'), info('aof_rewrites')]).toEqual([2, 1]);
      client.call('BGSAVE');
      client.call('BGREWRITEAOF');
      await kept.end('nosave'); // nothing begins any more
      expect(persistence.isRewriting).toBe(false);
    });
  });

  it('a snapshot takes its time for each key where it is told to, and is of its moment all the same', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const kept = await KeptShard.start(world, { save: '' });
      const { client, persistence } = kept;
      const savingMs = async (delayUs: number): Promise<number> => {
        client.call('CONFIG', 'SET', 'rdb-key-save-delay', String(delayUs));
        const begunMs = world.clock.elapsed();
        client.call('BGSAVE');
        await new Promise<void>((resolve) => world.clock.after(15, resolve)); // it has begun
        client.call('SET', 'key:99', 'later');
        while (persistence.isSaving) await new Promise<void>((resolve) => world.clock.after(1, resolve));
        return world.clock.elapsed() - begunMs;
      };
      client.call('DEBUG', 'POPULATE', '200');
      for (const delayUs of [0, -5]) expect(await savingMs(delayUs)).toBeLessThan(40);
      expect(await savingMs(200)).toBeGreaterThanOrEqual(40);
      client.call('SET', 'key:99', 'before');
      expect(await savingMs(2_000)).toBeGreaterThanOrEqual(400);
      await kept.end('nosave');
      await using again = await KeptShard.start(world, { save: '' });
      expect(again.client.call('GET', 'key:99')).toBe('before');
    });
  });

  it('BGREWRITEAOF without a log makes a base, which DEBUG LOADAOF reads and no later snapshot is forgotten for', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const config = { save: '' };
      const first = await KeptShard.start(world, config);
      const { client, persistence } = first;
      const rewritten = async (): Promise<void> => {
        client.call('BGREWRITEAOF');
        while (persistence.isRewriting) await new Promise<void>((resolve) => world.clock.after(1, resolve));
      };
      expect(String(await first.answer(world, 'DEBUG', 'LOADAOF'))).toContain('there is no append log');
      client.call('SET', 'k', 'base');
      await rewritten();
      client.call('SET', 'k', 'later');
      expect(await first.answer(world, 'DEBUG', 'LOADAOF')).toBe('OK');
      expect(client.call('GET', 'k')).toBe('base');
      await first.end('nosave');
      const second = await KeptShard.start(world, config); // there is nothing better
      expect(second.client.call('GET', 'k')).toBe('base');
      second.client.call('SET', 'k', 'saved');
      await second.end('save');
      const third = await KeptShard.start(world, config);
      expect(third.client.call('GET', 'k')).toBe('saved');
      // A log that is to begin while a base alone is made begins all the same
      third.client.call('BGREWRITEAOF');
      expect(await third.answer(world, 'CONFIG', 'SET', 'appendonly', 'yes')).toBe('OK');
      while (third.shard.syncedLog === null) await new Promise<void>((resolve) => world.clock.after(1, resolve));
      await third.answer(world, 'SET', 'k', 'logged');
      await third.end('nosave');
      await using fourth = await KeptShard.start(world, config);
      expect(fourth.client.call('GET', 'k')).toBe('logged');
    });
  });

  it('a log that is not wanted any more before it has begun ends at once', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, { save: '' });
      const { client, persistence } = kept;
      expect(client.call('CONFIG', 'SET', 'appendonly', 'yes')).toBe('OK');
      expect(client.call('CONFIG', 'SET', 'appendonly', 'no')).toBe('OK');
      await new Promise<void>((resolve) => world.clock.after(5_000, resolve));
      expect([persistence.isRewriting, persistence.hasLog, kept.shard.syncedLog]).toEqual([false, false, null]);
    });
  });

  it('is counted, timed and in the slow log as any other command', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, { save: '', 'slowlog-log-slower-than': '0' });
      const { client } = kept;
      client.call('SLOWLOG', 'RESET');
      expect(await kept.answer(world, 'SAVE')).toBe('OK');
      expect(client.call('INFO', 'commandstats')).toContain('cmdstat_save:calls=1,');
      expect(JSON.stringify(client.call('SLOWLOG', 'GET'))).toContain('["SAVE"]');
      expect(client.call('MULTI')).toBe('OK');
      client.call('BGSAVE');
      client.call('BGREWRITEAOF');
      expect(client.call('EXEC')).toEqual([
        'Background saving scheduled',
        'Background append only file rewriting scheduled',
      ]);
    });
  });
});

describe('a log that is turned off', () => {
  it('is gone, and with it the rewrite that was being made, however far that had come', async () => {
    for (let waitedMs = 0; waitedMs < 6; waitedMs += 0.1) {
      const world = new SimWorld({ seed: 1 });
      await world.run(async () => {
        const first = await KeptShard.start(world, AOF);
        const { client, persistence } = first;
        for (let i = 0; i < 500; i++) client.call('SET', `k${i}`, 'v');
        client.call('BGREWRITEAOF');
        await wait(world, waitedMs);
        client.send('CONFIG', 'SET', 'appendonly', 'no');
        while (persistence.isRewriting || persistence.isSaving) await wait(world, 1);
        await wait(world, 10);
        expect(await world.files.folder(`${DATA}/appendonlydir`).size('appendonly.aof.manifest')).toMatchObject({
          ok: false,
        });
        client.call('SET', 'k0', 'later');
        await first.end('save');
        await using second = await KeptShard.start(world, {});
        expect(second.client.call('GET', 'k0')).toBe('later');
      });
    }
  });
});

describe('DEBUG', () => {
  it('LOADAOF runs the log anew, RELOAD NOSAVE reads the snapshot, and both answer when that is done', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, AOF);
      fill(kept);
      expect(await kept.answer(world, 'SAVE')).toBe('OK');
      const { digest } = kept;
      expect(await kept.answer(world, 'APPEND', 'string', 'more')).toBe(1004);
      const later = kept.digest;
      expect(await kept.answer(world, 'DEBUG', 'LOADAOF')).toBe('OK');
      expect(kept.digest).toBe(later);
      expect(await kept.answer(world, 'INCR', 'counter')).toBe(1);
      expect(await kept.answer(world, 'DEBUG', 'LOADAOF')).toBe('OK');
      expect(await kept.answer(world, 'GET', 'counter')).toBe('1');
      expect(await kept.answer(world, 'DEBUG', 'RELOAD', 'NOSAVE')).toBe('OK');
      expect(kept.digest).toBe(digest);
      const dirty = kept.client.call('SET', 'unsaved', 'v');
      expect(dirty).toBe('OK');
      expect(await kept.answer(world, 'DEBUG', 'RELOAD')).toBe('OK');
      expect(kept.persistence.changesSinceSave).toBe(0);
    });
  });

  it('RELOAD NOSAVE NOFLUSH adds what the snapshot holds, and with MERGE takes it before what is there', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, {});
      const { client } = kept;
      const library = (name: string): string =>
        `#!lua name=${name}\nredis.register_function('${name}', function() return '${name}' end)`;
      await scriptEngineReady();
      client.call('RPUSH', 'both', 'saved');
      client.call('SET', 'saved', 'v', 'PXAT', '4102444800000');
      client.call('FUNCTION', 'LOAD', library('saved'));
      expect(await kept.answer(world, 'SAVE')).toBe('OK');
      const reload = async (...options: string[]): Promise<string> =>
        String(await kept.answer(world, 'DEBUG', 'RELOAD', 'NOSAVE', ...options));
      const refused = expect.stringContaining('ERR Error trying to load the RDB dump') as string;
      expect(await reload('NOFLUSH')).toEqual(refused);
      client.call('DEL', 'both', 'saved');
      expect(await reload('NOFLUSH')).toEqual(refused); // the library alone
      expect(client.call('EXISTS', 'both', 'saved')).toBe(0);
      client.call('FUNCTION', 'FLUSH');
      client.call('SET', 'later', 'v');
      client.call('FUNCTION', 'LOAD', library('later'));
      expect(await reload('NOFLUSH')).toBe('OK');
      expect(client.call('LRANGE', 'both', '0', '-1')).toEqual(['saved']);
      client.call('RPUSH', 'both', 'later');
      client.call('WATCH', 'both');
      expect(await reload('NOFLUSH')).toEqual(refused);
      expect(client.call('LRANGE', 'both', '0', '-1')).toEqual(['saved', 'later']);
      expect(await reload('NOFLUSH', 'MERGE')).toBe('OK');
      client.call('MULTI');
      expect(client.call('EXEC')).toBeNull();
      expect(client.call('LRANGE', 'both', '0', '-1')).toEqual(['saved']);
      expect(client.call('PEXPIRETIME', 'saved')).toBe(4_102_444_800_000);
      expect(client.call('GET', 'later')).toBe('v');
      for (const name of ['saved', 'later']) expect(client.call('FCALL', name, '0')).toBe(name);
      expect(String(await kept.answer(world, 'DEBUG', 'RELOAD', 'NOFLUSH'))).toEqual(refused);
      expect(await kept.answer(world, 'DEBUG', 'RELOAD', 'NOFLUSH', 'MERGE')).toBe('OK');
      expect(client.call('LRANGE', 'both', '0', '-1')).toEqual(['saved']);
    });
  });
});

describe('a snapshot', () => {
  it('brings every type, time to live and database back', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, {});
      fill(first);
      expect(await first.answer(world, 'SAVE')).toBe('OK');
      const { digest } = first;
      const ttl = first.client.call('PEXPIRETIME', 'ttl');
      first.client.call('SET', 'later', 'not saved');
      await first.end('nosave');
      const second = await KeptShard.start(world, {});
      expect(second.digest).toBe(digest);
      expect(second.client.call('PEXPIRETIME', 'ttl')).toBe(ttl);
      await second.end();
    });
  });

  it('is made at save points, and at an orderly end', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, { save: '10 2' });
      first.client.call('SET', 'a', '1');
      await wait(world, 15_000);
      expect((await world.files.folder(DATA).size('dump.rdb')).ok).toBe(false); // one change is too few
      first.client.call('SET', 'b', '1');
      await wait(world, 2_000);
      expect((await world.files.folder(DATA).size('dump.rdb')).ok).toBe(true);
      first.client.call('SET', 'c', '1');
      await first.end();
      const second = await KeptShard.start(world, {});
      expect(second.client.call('DBSIZE')).toBe(3);
      await second.end();
    });
  });

  it('is of one moment, whatever is written while it is made, and stops nobody', async () => {
    const world = new SimWorld({ seed: 2 });
    await world.run(async () => {
      const first = await KeptShard.start(world, {});
      for (let i = 0; i < 5000; i++) first.client.call('SET', `k${i}`, 'before');
      const { digest } = first;
      expect(first.client.call('BGSAVE')).toBe('Background saving started');
      expect(first.client.call('BGSAVE')).toMatchObject({ message: 'ERR Background save already in progress' });
      let writes = 0;
      await wait(world, 1); // it has begun
      while (first.persistence.isSaving) {
        first.client.call('SET', `k${writes++ % 5000}`, 'after');
        first.client.call('SET', `new${writes}`, 'after');
        await wait(world, 0.05);
      }
      expect(writes).toBeGreaterThan(10);
      await first.end('nosave');
      const second = await KeptShard.start(world, {});
      const found = [...second.shard.keyspaces[0]!.values.keys()].filter((key) => key.startsWith('new'));
      // Those written in the millisecond before it began belong to it.
      expect(found.length).toBe(0);
      expect(second.digest).toBe(digest);
      await second.end();
    });
  });

  it('that somebody waits for and that cannot be written hinders no writes', async () => {
    const world = new SimWorld({ seed: 3 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, { save: '900 1' });
      world.files.fill(DATA);
      kept.client.call('SET', 'a', '1');
      expect(await kept.answer(world, 'SAVE')).toBeInstanceOf(Error);
      expect(await kept.persistence.saveAnew()).toMatchObject({ ok: false }); // as SHUTDOWN asks
      expect(kept.client.call('SET', 'a', '2')).toBe('OK');
      expect(kept.client.call('INFO', 'persistence')).toContain('rdb_last_bgsave_status:ok');
      kept.client.call('BGSAVE');
      while (kept.persistence.isSaving) await wait(world, 1);
      expect(kept.client.call('SET', 'a', '3')).toMatchObject({ message: expect.stringMatching(/^MISCONF .*RDB/) });
      world.files.free(DATA);
    });
  });

  it('that cannot be written makes writes be refused until it can', async () => {
    const world = new SimWorld({ seed: 3 });
    await world.run(async () => {
      const first = await KeptShard.start(world, { save: '1 1' });
      world.files.fill(DATA);
      first.client.call('SET', 'a', '1');
      await wait(world, 3_000);
      expect(first.client.call('SET', 'b', '1')).toMatchObject({ message: expect.stringMatching(/^MISCONF .*RDB/) });
      expect(first.client.call('GET', 'a')).toBe('1');
      expect(first.client.call('INFO', 'persistence')).toContain('rdb_last_bgsave_status:err');
      world.files.free(DATA);
      await wait(world, 10_000);
      expect(first.client.call('SET', 'b', '1')).toBe('OK');
      await first.end();
    });
  });

  it('that is damaged keeps the shard from starting, with the place', async () => {
    const world = new SimWorld({ seed: 4 });
    await world.run(async () => {
      const first = await KeptShard.start(world, {});
      fill(first);
      await first.end('save');
      const folder = world.files.folder(DATA);
      const read = await folder.read('dump.rdb');
      if (!read.ok) throw new Error(read.detail);
      const flipped = Buffer.from(read.value);
      flipped[flipped.length - 20]! ^= 1;
      await folder.replace('dump.rdb', flipped);
      await expect(KeptShard.start(world, {})).rejects.toThrow(/\/data\/shard\/dump\.rdb: .*checksum/);
      await folder.replace('dump.rdb', read.value.subarray(0, 100));
      await expect(KeptShard.start(world, {})).rejects.toThrow(/it ends at byte 100/);
    });
  });
});

const wait = (world: SimWorld, ms: number): Promise<void> =>
  new Promise((resolve) => world.clock.after(ms, () => resolve()));

describe('an append log', () => {
  it('brings back everything that was answered, even inside MULTI and in other databases', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, AOF);
      fill(first);
      first.client.call('MULTI');
      first.client.call('INCR', 'counter');
      first.client.call('INCR', 'counter');
      first.client.call('EXEC');
      first.client.call('SETEX', 'relative', '100', 'v');
      const { digest } = first;
      const expiry = first.client.call('PEXPIRETIME', 'relative');
      await first.end();
      await wait(world, 5_000);
      const second = await KeptShard.start(world, AOF);
      expect(second.digest).toBe(digest);
      expect(second.client.call('PEXPIRETIME', 'relative')).toBe(expiry);
      second.client.call('SET', 'more', '1');
      await second.end();
      const third = await KeptShard.start(world, AOF);
      expect(third.client.call('GET', 'more')).toBe('1');
      expect(third.client.call('GET', 'counter')).toBe('2');
      await third.end();
    });
  });

  it('synced always loses nothing that was answered, at whatever moment the machine crashes, and applies nothing twice', async () => {
    let cut = 0;
    for (let seed = 0; seed < 40; seed++) {
      const world = new SimWorld({ seed });
      const chance = world.random.fork('test');
      await world.run(async () => {
        const first = await KeptShard.start(world, withBase(ALWAYS, seed));
        let sent = 0;
        let answered = 0;
        const state = { isOver: false };
        world.clock.after(chance.integer(1, 120), () => {
          state.isOver = true;
          answered += first.client.replies.splice(0).filter((reply) => typeof reply === 'number').length;
          world.files.crash(DATA);
        });
        while (!state.isOver) {
          if (chance.unit() < 0.05) first.client.send('BGREWRITEAOF');
          else if (chance.unit() < 0.2) {
            first.client.send('MULTI');
            first.client.send('INCR', 'n');
            first.client.send('RPUSH', 'l', String(sent));
            first.client.send('INCR', 'n');
            first.client.send('EXEC');
            sent += 2;
          } else {
            first.client.send('INCR', 'n');
            sent++;
          }
          await wait(world, chance.unit());
          if (state.isOver) break;
          for (const reply of first.client.replies.splice(0)) {
            if (reply instanceof Error) expect(reply.message).toContain('already in progress');
            if (typeof reply === 'number') answered = Math.max(answered, reply);
            if (Array.isArray(reply)) answered = Math.max(answered, reply.at(-1) as number);
          }
        }
        first.shard.close();
        await first.persistence.close('nosave');

        const second = await KeptShard.start(world, withBase(ALWAYS, seed));
        const count = Number(second.client.call('GET', 'n') ?? 0);
        expect(count, `seed ${seed}`).toBeGreaterThanOrEqual(answered);
        expect(count, `seed ${seed}`).toBeLessThanOrEqual(sent);
        if (count < sent) cut++;
        // A transaction is there whole or not at all.
        const pairs = second.client.call('LRANGE', 'l', '0', '-1') as string[];
        for (const before of pairs) expect(Number(before) + 2).toBeLessThanOrEqual(count);
        await second.end();
      });
    }
    expect(cut).toBeGreaterThan(0);
  });

  it('holds an answer back until what it tells of is synced, and answers in order', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, ALWAYS);
      expect(first.client.call('SET', 'a', '1')).toBeUndefined();
      first.client.send('GET', 'a');
      first.client.send('INCR', 'a');
      expect(first.client.replies).toEqual([]);
      await wait(world, 20);
      expect(first.client.replies).toEqual(['OK', '1', 2]);
      await first.end();
    });
  });

  it('answers a client that says goodbye only when its writes are synced', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, ALWAYS);
      first.client.send('SET', 'a', '1');
      first.client.send('QUIT');
      expect([first.client.replies, first.client.closed]).toEqual([[], false]);
      await wait(world, 20);
      expect([first.client.replies, first.client.closed]).toEqual([['OK', 'OK'], true]);
      await first.end();
    });
  });

  it('is rewritten with the data of one moment while writes go on', async () => {
    const world = new SimWorld({ seed: 5 });
    await world.run(async () => {
      const first = await KeptShard.start(world, AOF);
      for (let i = 0; i < 3000; i++) first.client.call('SET', `k${i % 300}`, `v${i}`);
      await wait(world, 5);
      const before = first.persistence.logBytes;
      expect(await first.answer(world, 'BGREWRITEAOF')).toBe('Background append only file rewriting started');
      for (let i = 0; first.persistence.isRewriting || i < 200; i++) {
        await first.answer(world, 'INCR', 'during');
        await first.answer(world, 'APPEND', `k${i % 300}`, '+');
        await wait(world, 0.05);
      }
      await wait(world, 50);
      expect(first.persistence.logBytes).toBeLessThan(before / 2);
      const { digest } = first;
      const files = await world.files.folder(`${DATA}/appendonlydir`).list();
      expect(files).toMatchObject({
        value: ['appendonly.aof.2.base.rdb', 'appendonly.aof.2.incr.aof', 'appendonly.aof.manifest'],
      });
      await first.end();
      const second = await KeptShard.start(world, AOF);
      expect(second.digest).toBe(digest);
      await second.end();
    });
  });

  it('leaves no file behind that nobody removes when the machine crashes before what it replaced is gone', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const folder = `${DATA}/appendonlydir`;
      const names = (): Promise<unknown> => world.files.folder(folder).list();
      const first = await KeptShard.start(world, AOF);
      fill(first);
      await wait(world, 1_500);
      const { digest } = first;
      first.client.call('BGREWRITEAOF');
      const manifest = (): Buffer => world.files.files.get(`${folder}/appendonly.aof.manifest`)!.bytes;
      while (!manifest().includes('appendonly.aof.2.base')) await wait(world, 0.01);
      world.files.crash(DATA);
      first.shard.close();
      const before = ['appendonly.aof.1.base.rdb', 'appendonly.aof.1.incr.aof'];
      const now = ['appendonly.aof.2.base.rdb', 'appendonly.aof.2.incr.aof', 'appendonly.aof.manifest'];
      expect(await names()).toMatchObject({ value: [...before, ...now].toSorted() });
      const second = await KeptShard.start(world, AOF);
      expect(second.digest).toBe(digest);
      expect(await names()).toMatchObject({ value: now });
      expect(String(manifest())).not.toContain('type h');
      await second.end();
    });
  });

  it('that ends in the middle of a write is cut off there, by the byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 400 }), async (lost) => {
        const world = new SimWorld({ seed: 1 });
        await world.run(async () => {
          const first = await KeptShard.start(world, AOF);
          for (let i = 0; i < 5; i++) {
            first.client.call('SET', `k${i}`, 'v');
            first.client.call('MULTI');
            first.client.call('INCR', 'a');
            first.client.call('INCR', 'b');
            first.client.call('EXEC');
          }
          await first.end();
          const folder = world.files.folder(`${DATA}/appendonlydir`);
          const size = await folder.size('appendonly.aof.1.incr.aof');
          if (!size.ok) throw new Error(size.detail);
          await folder.truncate('appendonly.aof.1.incr.aof', Math.max(0, size.value - lost));
          const second = await KeptShard.start(world, AOF);
          expect(second.client.call('GET', 'a')).toBe(second.client.call('GET', 'b'));
          second.client.call('SET', 'goes on', 'v');
          const { digest } = second;
          await second.end();
          const third = await KeptShard.start(world, AOF);
          expect(third.digest).toBe(digest);
          await third.end();
        });
      }),
      { numRuns: 60 },
    );
  });

  it('that is damaged in the middle keeps the shard from starting, with the place', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, AOF);
      first.client.call('SET', 'a', '1');
      await first.end();
      const folder = world.files.folder(`${DATA}/appendonlydir`);
      const log = await folder.append('appendonly.aof.1.incr.aof');
      if (!log.ok) throw new Error(log.detail);
      log.value.write('*1\r\n$7\r\nNOTHING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n');
      await log.value.close();
      await expect(KeptShard.start(world, AOF)).rejects.toThrow(
        /Unknown command 'NOTHING' reading the append only file .*appendonly\.aof\.1\.incr\.aof, behind byte \d+/,
      );
    });
  });

  it('that cannot be written refuses writes, keeps what was written, and goes on when there is room', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, AOF);
      expect(first.client.call('SET', 'a', '1')).toBe('OK');
      world.files.fill(DATA);
      expect(first.client.call('SET', 'b', '1')).toBeUndefined(); // not answered before it is in the file
      expect(first.client.call('SET', 'c', '1')).toBeUndefined();
      const other = new TestClient(first.shard);
      expect(other.call('SET', 'e', '1')).toBeUndefined(); // of the same moment
      await wait(world, 10);
      const refused = expect.stringMatching(/^MISCONF Errors writing to the AOF file: .*full/);
      const late = new TestClient(first.shard);
      expect(late.call('SET', 'f', '1')).toMatchObject({ message: refused });
      expect(late.call('PING')).toMatchObject({ message: refused });
      expect(late.call('GET', 'a')).toBe('1');
      expect(String(late.call('INFO', 'persistence'))).toContain('aof_last_write_status:err');
      await wait(world, 2_500); // tried again, and synced, in vain
      expect(late.call('SET', 'f', '1')).toMatchObject({ message: refused });
      expect(first.client.replies.length + other.replies.length).toBe(0);
      world.files.free(DATA);
      await wait(world, 1_500);
      expect(first.client.replies.map(String)).toEqual([
        'OK',
        expect.stringMatching(/MISCONF Errors writing to the AOF file: .*full/),
      ]);
      expect(first.client.call('SET', 'd', '1')).toBe('OK');
      await first.end();
      const second = await KeptShard.start(world, AOF);
      expect(second.client.call('EXISTS', 'a', 'b', 'c', 'd')).toBe(3);
      await second.end();
    });
  });

  it('that cannot be written holds back what a FLUSHALL or a long script is answered that began before', async () => {
    await scriptEngineReady();
    const script = "redis.call('SET', 'k', 'late') local i = 0 while i < 3e7 do i = i + 1 end return 'done'";
    for (const words of [['FLUSHALL'], ['EVAL', script, '0']]) {
      const world = new SimWorld({ seed: 1 });
      await world.run(async () => {
        const config = { ...AOF, save: '3600 1', 'busy-reply-threshold': '1' };
        const first = await KeptShard.start(world, config);
        first.client.call('SET', 'k', 'early');
        world.files.fill(DATA);
        first.client.send(...words);
        expect(first.client.replies).toEqual([]);
        await wait(world, 5_000);
        expect(first.client.replies).toEqual([]);
        const late = new TestClient(first.shard);
        expect(late.call('EXISTS', 'nothing')).toBe(0);
        world.files.free(DATA);
        await wait(world, 1_500);
        expect(first.client.replies).toHaveLength(1);
        const { digest } = first;
        await first.end('nosave');
        const second = await KeptShard.start(world, config);
        expect(second.digest).toBe(digest);
        expect(second.client.call('GET', 'k')).not.toBe('early');
        await second.end('nosave');
      });
    }
  });

  it('that could not be synced is not trusted again: a new base ends that, and what was written is answered then', async () => {
    for (const appendfsync of ['always', 'everysec']) {
      const world = new SimWorld({ seed: 1 });
      await world.run(async () => {
        const config = { ...AOF, appendfsync };
        const first = await KeptShard.start(world, config);
        expect(await first.answer(world, 'SET', 'a', '1')).toBe('OK');
        world.files.failFlushes(DATA);
        first.client.replies.length = 0;
        first.client.send('INCR', 'a');
        await wait(world, 1_500);
        const late = new TestClient(first.shard);
        const refused = expect.stringMatching(/^MISCONF Errors writing to the AOF file: /);
        expect(late.call('SET', 'b', '1')).toMatchObject({ message: refused });
        expect(late.call('GET', 'a')).toBe('2');
        expect(first.client.replies).toEqual(appendfsync === 'always' ? [] : [2]);
        await wait(world, 10_000); // in vain, again and again
        expect(late.call('SET', 'b', '1')).toMatchObject({ message: refused });
        world.files.mendFlushes(DATA);
        await wait(world, 10_000);
        expect(first.client.replies).toEqual([2]);
        expect(await first.answer(world, 'SET', 'c', '1')).toBe('OK');
        await wait(world, 2_000);
        world.files.crash(DATA);
        first.shard.close();
        const second = await KeptShard.start(world, config);
        expect(second.client.call('MGET', 'a', 'b', 'c')).toEqual(['2', null, '1']);
        await second.end();
      });
    }
  });

  it('is not in trouble for a rewrite that was given up with it', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, AOF);
      fill(kept);
      expect(kept.client.call('BGSAVE')).toBe('Background saving started');
      expect(kept.client.call('BGREWRITEAOF')).toBe('Background append only file rewriting scheduled');
      expect(kept.client.call('CONFIG', 'SET', 'appendonly', 'no')).toBe('OK');
      while (kept.persistence.hasLog || kept.persistence.isRewriting) await wait(world, 1);
      expect(kept.client.call('INFO', 'persistence')).toContain('aof_last_bgrewrite_status:ok');
    });
  });

  it('that takes its time does not keep clients which are killed: they hear and get nothing more', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      await using kept = await KeptShard.start(world, ALWAYS);
      const { client, shard } = kept;
      const other = new TestClient(shard);
      client.send('HELLO', '3');
      client.send('SUBSCRIBE', 'c');
      client.session.receive(
        Buffer.from(encodeRequest(['SET', 'a', '1']) + encodeRequest(['BLPOP', 'l', '0']), 'latin1'),
      );
      const id = String(client.session.id);
      const words = [
        ['CLIENT', 'KILL', 'ID', id],
        ['PUBLISH', 'c', 'm'],
        ['RPUSH', 'l', 'e'],
        ['LLEN', 'l'],
      ];
      other.session.receive(Buffer.from(words.map(encodeRequest).join(''), 'latin1'));
      while (other.replies.length < words.length) await wait(world, 1);
      expect(other.replies).toEqual([1, 0, 1, 1]);
      expect(client.closed).toBe(true);
      // What is only gathered when it is killed waits for the disk as well
      const listener = new TestClient(shard);
      listener.send('SUBSCRIBE', 'c');
      other.replies.length = 0;
      const more = [
        ['SET', 'a', '2'],
        ['PUBLISH', 'c', 'm'],
        ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
        ['PUBLISH', 'c', 'm'],
      ];
      other.session.receive(Buffer.from(more.map(encodeRequest).join(''), 'latin1'));
      while (other.replies.length < more.length) await wait(world, 1);
      expect(other.replies).toEqual(['OK', 1, 1, 0]);
    });
  });

  it('is begun and ended by CONFIG SET, with nothing lost in between', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, {});
      fill(first);
      expect(first.client.call('CONFIG', 'SET', 'appendonly', 'yes')).toBe('OK');
      while (!first.persistence.hasLog || first.persistence.isRewriting) await wait(world, 1);
      await wait(world, 20);
      first.client.call('SET', 'behind', '1');
      const { digest } = first;
      await first.end('nosave');
      const second = await KeptShard.start(world, AOF);
      expect(second.digest).toBe(digest);
      expect(second.client.call('CONFIG', 'SET', 'appendonly', 'no')).toBe('OK');
      while (second.persistence.hasLog) await wait(world, 1);
      await wait(world, 20);
      await second.end('nosave');
      expect(await world.files.folder(`${DATA}/appendonlydir`).list()).toMatchObject({ ok: false, why: 'missing' });
      const third = await KeptShard.start(world, {});
      expect(third.digest).toBe(digest);
      await third.end();
    });
  });
});

describe('marks and the place in the stream', () => {
  const mark = (n: number): string => `${'a'.repeat(40)} ${n} 0`;

  it('come back with the data they speak of, from a snapshot and from a log', async () => {
    for (const config of [{}, AOF, { ...AOF, ...AS_REQUESTS }]) {
      const world = new SimWorld({ seed: 1 });
      await world.run(async () => {
        const first = await KeptShard.start(world, config);
        first.client.call('ANTIPODE', 'MARK', 'early', mark(1));
        if (config !== AOF) {
          first.client.call('ANTIPODE', 'MARK', 'long', 'm'.repeat(2_000));
          await first.answer(world, 'BGREWRITEAOF');
          while (first.persistence.isRewriting) await wait(world, 1);
        }
        first.client.call('MULTI');
        first.client.call('SET', 'k', '7');
        first.client.call('ANTIPODE', 'MARK', '1:0', mark(7));
        first.client.call('EXEC');
        await first.end('save');
        const second = await KeptShard.start(world, config);
        expect(second.client.call('GET', 'k')).toBe('7');
        expect(Object.fromEntries(marksOf(second.shard))).toEqual({
          early: mark(1),
          '1:0': mark(7),
          ...(config === AOF ? {} : { long: 'm'.repeat(2_000) }),
        });
        second.client.call('ANTIPODE', 'UNMARK');
        await second.end('save');
        const third = await KeptShard.start(world, config);
        expect(marksOf(third.shard).size).toBe(0);
        await third.end();
      });
    }
  });

  it('never say more or less than the data, at whatever moment the machine crashes', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const world = new SimWorld({ seed });
      const chance = world.random.fork('test');
      await world.run(async () => {
        const first = await KeptShard.start(world, withBase(AOF, seed));
        const other = new TestClient(first.shard);
        const state = { isOver: false };
        world.clock.after(chance.integer(5, 3_000), () => {
          state.isOver = true;
          world.files.crash(DATA);
        });
        for (let n = 1; !state.isOver; n++) {
          for (const words of [['MULTI'], ['SET', 'k', String(n)], ['ANTIPODE', 'MARK', '1:0', mark(n)], ['EXEC']]) {
            first.client.send(...words);
          }
          if (chance.unit() < 0.02) other.send('BGREWRITEAOF'); // may be refused
          await wait(world, 10 * chance.unit());
        }
        first.shard.close();
        await first.persistence.close('nosave');
        const second = await KeptShard.start(world, withBase(AOF, seed));
        const value = second.client.call('GET', 'k');
        expect(marksOf(second.shard).get('1:0'), `seed ${seed}`).toBe(value === null ? undefined : mark(Number(value)));
        await second.end();
      });
    }
  });

  it('are not in a snapshot that is made for other servers', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await KeptShard.start(world, {});
      replicationOf(first.shard).feed.begin();
      first.client.call('ANTIPODE', 'MARK', '1:0', mark(1));
      const folder = world.files.folder(DATA);
      for (const isPortable of [false, true]) {
        const name = `portable-${isPortable}.rdb`;
        expect(await new SnapshotFile({ shard: first.shard, folder, name, isPortable }).finished).toMatchObject({
          ok: true,
        });
        const read = await folder.read(name);
        if (!read.ok) throw new Error(read.detail);
        expect([read.value.includes('repl-id'), read.value.includes('antipode-marks')]).toEqual([
          !isPortable,
          !isPortable,
        ]);
      }
      await first.end();
    });
  });

  it('is known by its old name after a start, and what comes is a history of its own', async () => {
    for (const config of [{}, AOF]) {
      const world = new SimWorld({ seed: 1 });
      await world.run(async () => {
        const first = await KeptShard.start(world, config);
        const { feed } = replicationOf(first.shard);
        feed.begin();
        first.client.call('SET', 'k', 'v');
        const before = { id: feed.replicationId, offset: feed.offset };
        expect(before.offset).toBeGreaterThan(0);
        await first.end('save');
        const second = await KeptShard.start(world, config);
        const again = replicationOf(second.shard).feed;
        expect([again.secondId, again.secondOffset, again.offset]).toEqual([
          before.id,
          before.offset + 1,
          before.offset,
        ]);
        expect(again.replicationId).not.toBe(before.id);
        await second.end();
      });
    }
  });
});
