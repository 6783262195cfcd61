/**
 * Folders with an append log, whole, old and broken, as other servers and crashes leave them: whether a server starts on them, with which
 * data, and what its log says. Beside redis-server.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { shardCommands } from '../../../src/cluster/control/shard-commands.ts';
import { datasetDigest } from '../../../src/node/keyspace/digest.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { attachPersistence, type Persistence } from '../../../src/node/persistence/persistence.ts';
import { Shard } from '../../../src/node/shard/shard.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { describeReal } from '../../support/real-redis.ts';
import { TestClient } from '../../support/fixtures.ts';
import { buildDump, hex, rdbString } from '../../support/rdb-bytes.ts';

/** What a server answers on a folder: the digest of its data, or what it says when it does not start. */
type Found = { readonly digest: string } | { readonly said: string };

interface Folder {
  readonly name: string;
  /** Files by their paths, binary. */
  readonly files: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, string>>;
  /** The server does not start, and says this; absent: it starts. */
  readonly refusal?: RegExp;
}

const PROGRAM = 'redis-server';
const LOGS = 'appendonlydir';
const MANIFEST = `${LOGS}/appendonly.aof.manifest`;
const set = (...keys: string[]): string => keys.map((key) => encodeRequest(['SET', key, 'v'])).join('');
const log = (...requests: string[][]): string => requests.map((words) => encodeRequest(words)).join('');
const base = (sequence: number, type = 'b'): string =>
  `file appendonly.aof.${sequence}.base.aof seq ${sequence} type ${type}\n`;
const incr = (sequence: number): string => `file appendonly.aof.${sequence}.incr.aof seq ${sequence} type i\n`;
/** With one key. */
const DUMP = buildDump('REDIS0009', hex('fe00 00'), rdbString('dumped'), rdbString('v')).latin1Slice();
const OLD = { 'appendonly.aof': set('k1', 'k2') };
const WHOLE = {
  [`${LOGS}/appendonly.aof.1.base.aof`]: set('k1'),
  [`${LOGS}/appendonly.aof.1.incr.aof`]: set('k2'),
  [`${LOGS}/appendonly.aof.2.incr.aof`]: set('k3'),
};

const FOLDERS: readonly Folder[] = [
  { name: 'with nothing in them', files: {} },
  { name: 'with a base and logs', files: { ...WHOLE, [MANIFEST]: base(1) + incr(1) + incr(2) } },
  {
    name: 'whose manifest has words of later versions',
    files: { ...WHOLE, [MANIFEST]: base(1).replace('\n', ' new 1\n') + incr(2) },
  },
  {
    name: 'whose manifest has remarks and quotes',
    files: { ...WHOLE, [MANIFEST]: `# a\n${incr(1).replace(/(?<= )a\S+/, '"$&"')}` },
  },
  { name: 'whose manifest names history', files: { ...WHOLE, [MANIFEST]: base(1) + base(2, 'h') + incr(1) } },
  {
    name: 'with a long log',
    files: {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: set(...Array.from({ length: 30_000 }, (_, at) => `key ${at}`)),
      [MANIFEST]: incr(1),
    },
  },
  {
    name: 'with scripts in the log, as older servers wrote them',
    files: {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: log(
        ['EVAL', "redis.call('SET', KEYS[1], 100)", '1', 'k'],
        ['MULTI'],
        ['EVAL', "redis.call('INCR', KEYS[1])", '1', 'k'],
        ['EXEC'],
        ['INCR', 'k'],
      ),
      [MANIFEST]: incr(1),
    },
  },
  {
    name: 'with requests in the log that fail',
    files: {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: log(
        ['SET', 'text', 'a'],
        ['INCR', 'text'],
        ['LPUSH', 'text', 'a'],
        ['SELECT', '99'],
        ['EXEC'],
        ['XADD', 'stream', '0-0', 'a', 'b'],
        ['EVALSHA', 'f'.repeat(40), '0'],
        ['SET', 'last', 'a'],
      ),
      [MANIFEST]: incr(1),
    },
  },
  {
    name: 'with transactions in the log of which a part fails',
    files: {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: log(
        ['MULTI'],
        ['SET', 'text', 'a'],
        ['MULTI'],
        ['INCR', 'text'],
        ['SET', 'other', 'a'],
        ['EXEC'],
        ['SET', 'last', 'a'],
      ),
      [MANIFEST]: incr(1),
    },
  },
  {
    name: 'with scripts in the log that fail half-way',
    files: {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: log(
        ['EVAL', 'no lua', '1', 'k1'],
        ['EVAL', "redis.call('SET', KEYS[1], 'a') error('b')", '1', 'k2'],
        ['SET', 'last', 'a'],
      ),
      [MANIFEST]: incr(1),
    },
  },
  {
    name: 'with remarks in the log',
    files: {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: `#TS:1\r\n${set('k1')}# it's "one\n${set('k2')}#\n${set('k3')}`,
      [MANIFEST]: incr(1),
    },
  },
  {
    name: 'with an unknown subcommand in a log',
    files: {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: log(['XGROUP', 'bla', 'x']) + set('k3'),
      [MANIFEST]: incr(1),
    },
    refusal: /Unknown command 'XGROUP' reading the append only file/,
  },
  {
    name: 'with an unknown command in a transaction of a log',
    files: {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: log(['MULTI'], ['bla', 'x'], ['EXEC']) + set('k3'),
      [MANIFEST]: incr(1),
    },
    refusal: /Unknown command 'bla' reading the append only file/,
  },
  {
    name: 'with an empty line in a log',
    files: { [`${LOGS}/appendonly.aof.1.incr.aof`]: `${set('k1')}\r\n${set('k3')}`, [MANIFEST]: incr(1) },
    refusal: /Bad file format reading the append only file/,
  },
  {
    name: 'with a request of no words in a log',
    files: { [`${LOGS}/appendonly.aof.1.incr.aof`]: `${set('k1')}*0\r\n${set('k3')}`, [MANIFEST]: incr(1) },
    refusal: /Bad file format reading the append only file/,
  },
  { name: 'whose manifest is empty', files: { ...WHOLE, [MANIFEST]: '' }, refusal: /Found an empty AOF manifest/ },
  {
    name: 'whose logs go back',
    files: { ...WHOLE, [MANIFEST]: incr(2) + incr(1) },
    refusal: /Found a non-monotonic sequence number/,
  },
  {
    name: 'with an empty line in the manifest',
    files: { ...WHOLE, [MANIFEST]: `${incr(1)}\n${incr(2)}` },
    refusal: /Invalid AOF manifest file format/,
  },
  {
    name: 'with two bases',
    files: { ...WHOLE, [MANIFEST]: base(1) + base(1) },
    refusal: /Found duplicate base file information/,
  },
  {
    name: 'with files of another kind',
    files: { ...WHOLE, [MANIFEST]: base(1, 'x') },
    refusal: /Unknown AOF file type/,
  },
  {
    name: 'with a manifest that leaves something out',
    files: { ...WHOLE, [MANIFEST]: base(1) + incr(1).replace('seq 1 ', '') },
    refusal: /Invalid AOF manifest file format/,
  },
  {
    name: 'with a line that does not end',
    files: { ...WHOLE, [MANIFEST]: base(1).repeat(40).replaceAll('\n', ' ') },
    refusal: /The AOF manifest file contains too long line/,
  },
  {
    name: 'with paths in the manifest',
    files: { ...WHOLE, [MANIFEST]: base(1).replace('file ', 'file ../') },
    refusal: /Invalid AOF manifest file format|File can't be a path/,
  },
  {
    name: 'that lack a log',
    files: { ...WHOLE, [MANIFEST]: base(1) + incr(1) + incr(3) },
    refusal: /appendonly\.aof\.3\.incr\.aof .*No such file or directory/,
  },
  { name: 'of a server before 7.0', files: OLD },
  {
    name: 'of a server before 7.0, with a dump at the begin of the log',
    files: { 'appendonly.aof': DUMP + set('k1') },
  },
  { name: 'of a server before 7.0, with an older snapshot', files: { ...OLD, 'dump.rdb': DUMP } },
  { name: 'of a server before 7.0 that is not to have a log', files: OLD, config: { appendonly: 'no' } },
  {
    name: 'of a server before 7.0 that were being taken over',
    files: { ...OLD, [MANIFEST]: 'file appendonly.aof seq 1 type b\n' },
  },
  {
    name: 'of a server before 7.0 that were taken over',
    files: {
      [`${LOGS}/appendonly.aof`]: set('k1'),
      [MANIFEST]: 'file appendonly.aof seq 1 type b\n',
      'dump.rdb': DUMP,
    },
  },
  {
    name: 'with a log cut off by a crash',
    files: {
      ...WHOLE,
      [`${LOGS}/appendonly.aof.2.incr.aof`]: set('k3', 'k4').slice(0, -1),
      [MANIFEST]: base(1) + incr(2),
    },
  },
  {
    name: 'with a transaction cut off by a crash',
    files: {
      ...WHOLE,
      [`${LOGS}/appendonly.aof.2.incr.aof`]: encodeRequest(['MULTI']) + set('k3'),
      [MANIFEST]: base(1) + incr(2),
    },
  },
  {
    name: 'with a log cut off, which is not to be taken',
    files: { ...WHOLE, [`${LOGS}/appendonly.aof.2.incr.aof`]: set('k3').slice(0, -1), [MANIFEST]: base(1) + incr(2) },
    config: { 'aof-load-truncated': 'no' },
    refusal: /Unexpected end of file reading the append only file/,
  },
  {
    name: 'with a log cut off before others',
    files: {
      ...WHOLE,
      [`${LOGS}/appendonly.aof.1.incr.aof`]: set('k2').slice(0, -1),
      [MANIFEST]: base(1) + incr(1) + incr(2),
    },
    refusal: /is not the last file|Unexpected end of file reading the append only file/,
  },
  {
    name: 'with something else in a log',
    files: { ...WHOLE, [`${LOGS}/appendonly.aof.1.incr.aof`]: `${set('k2')}!!!${set('k3')}`, [MANIFEST]: incr(1) },
    refusal: /Bad file format reading the append only file/,
  },
  {
    name: 'with an unknown command in a log',
    files: {
      ...WHOLE,
      [`${LOGS}/appendonly.aof.1.incr.aof`]: encodeRequest(['bla', 'x']) + set('k3'),
      [MANIFEST]: incr(1),
    },
    refusal: /Unknown command 'bla' reading the append only file/,
  },
];

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'append-log-files-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function make(folder: string, { files }: Folder): void {
  mkdirSync(join(folder, LOGS), { recursive: true });
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes, 'latin1');
}

const configOf = ({ config }: Folder): Record<string, string> => ({ appendonly: 'yes', save: '', ...config });

/** A shard of this process on a folder; what is there has not been loaded. */
function shardOn(folder: string, made: Folder): { shard: Shard; persistence: Persistence } {
  const world = new SystemWorld();
  const shard = new Shard({ world, commands: shardCommands, config: configOf(made) });
  return { shard, persistence: attachPersistence(shard, world.files.folder(folder)) };
}

async function ours(folder: string, made: Folder): Promise<Found> {
  const { shard, persistence } = shardOn(folder, made);
  const outcome = await persistence.start();
  const digest = datasetDigest(shard.keyspaces);
  await persistence.close('nosave');
  shard.close();
  return outcome.ok ? { digest } : { said: outcome.detail };
}

async function theirs(folder: string, made: Folder): Promise<Found> {
  const socket = join(folder, 'socket');
  const words = Object.entries({
    ...configOf(made),
    dir: folder,
    port: '0',
    unixsocket: socket,
    'enable-debug-command': 'yes',
  });
  const child = spawn(
    PROGRAM,
    words.flatMap(([name, value]) => [`--${name}`, value]),
  );
  let said = '';
  const isReady = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (/ready to accept connections/i.test(said)) resolve();
    });
  });
  const ended = once(child, 'close');
  await Promise.race([isReady, ended]);
  if (child.exitCode !== null) return { said };
  const redis = new Redis({ path: socket });
  try {
    return { digest: String(await redis.call('DEBUG', 'DIGEST')) };
  } finally {
    redis.disconnect();
    child.kill('SIGKILL');
    await ended;
  }
}

describeReal('folders with an append log', () => {
  it.each(FOLDERS)('$name', async (made) => {
    const [here, there] = [join(root, 'here'), join(root, 'there')];
    make(here, made);
    make(there, made);
    const [found, expected] = [await ours(here, made), await theirs(there, made)];
    if (made.refusal === undefined) {
      expect(found).toEqual(expected);
      // What it made of the folder holds the same, for itself and for the other
      cpSync(here, `${here}2`, { recursive: true });
      expect(await ours(here, made)).toEqual(expected);
      expect(await theirs(`${here}2`, made)).toEqual(expected);
    } else {
      for (const each of [found, expected])
        expect(each).toEqual({ said: expect.stringMatching(made.refusal) as string });
      // What is there stays there: whoever starts it again is told the same
      expect(await ours(here, made)).toEqual(found);
    }
  });

  // A real one of 7.0 ends itself over such a log; the servers that wrote it do not
  it('a call that fails in a script of a log ends that script alone, and is told', async () => {
    const files = {
      [`${LOGS}/appendonly.aof.1.incr.aof`]: log(
        ['EVAL', "redis.call('SET', KEYS[1], 'a') redis.call('INCR', KEYS[1]) redis.call('DEL', KEYS[1])", '1', 'k1'],
        ['SET', 'last', 'a'],
      ),
      [MANIFEST]: incr(1),
    };
    make(root, { name: '', files });
    const told: unknown[] = [];
    const world = new SystemWorld({ log: { event: (name, fields) => void told.push([name, fields]) } });
    const shard = new Shard({ world, commands: shardCommands, config: { appendonly: 'yes', save: '' } });
    const persistence = attachPersistence(shard, world.files.folder(root));
    expect(await persistence.start()).toMatchObject({ ok: true });
    expect(new TestClient(shard).call('MGET', 'k1', 'last')).toEqual(['a', 'a']);
    await persistence.close('nosave');
    shard.close();
    const detail = expect.stringMatching(/^ERR value is not an integer/) as string;
    expect(told).toEqual([['logged-request-failed', { command: 'eval', detail }]]);
  });

  it('what a log replaced goes when a server starts on it', async () => {
    make(root, {
      name: '',
      files: {
        ...WHOLE,
        [`${LOGS}/appendonly.aof.2.base.aof`]: set('k4'),
        [MANIFEST]:
          base(2) + base(1, 'h') + incr(1).replace('type i', 'type h') + incr(2) + incr(2).replace('type i', 'type h'),
      },
    });
    const made: Folder = { name: '', files: {} };
    const before = await ours(root, made);
    expect(readdirSync(join(root, LOGS))).toEqual([
      'appendonly.aof.2.base.aof',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
    ]);
    expect(readFileSync(join(root, MANIFEST), 'latin1')).toBe(base(2) + incr(2));
    expect(await theirs(root, made)).toEqual(before);
  });

  it('the log of an older server goes when there is a log in its place', async () => {
    const made: Folder = { name: '', files: OLD };
    make(root, made);
    await ours(root, made);
    expect(existsSync(join(root, 'appendonly.aof'))).toBe(false);
    expect(existsSync(join(root, LOGS, 'appendonly.aof.1.base.rdb'))).toBe(true);
  });

  it('a log has the seconds of its writes where that is asked for, and either server starts on it', async () => {
    const made: Folder = { name: '', files: {}, config: { 'aof-timestamp-enabled': 'yes' } };
    const { shard, persistence } = shardOn(root, made);
    expect(await persistence.start()).toMatchObject({ ok: true });
    new TestClient(shard).call('SET', 'key', 'v');
    const digest = datasetDigest(shard.keyspaces);
    await persistence.close('nosave');
    shard.close();
    const log = readFileSync(join(root, LOGS, 'appendonly.aof.1.incr.aof'), 'latin1');
    expect(log).toMatch(/^#TS:\d{10,}\r\n\*2\r\n\$6\r\nSELECT\r\n/);
    expect(await ours(root, made)).toEqual({ digest });
    expect(await theirs(root, made)).toEqual({ digest });
  });

  it('a base of requests makes the same data at either server, until a dump takes its place', async () => {
    await scriptEngineReady();
    const made: Folder = {
      name: '',
      files: {},
      config: { 'aof-use-rdb-preamble': 'no', 'aof-timestamp-enabled': 'yes' },
    };
    const { shard, persistence } = shardOn(root, made);
    expect(await persistence.start()).toMatchObject({ ok: true });
    const client = new TestClient(shard);
    const many = (count: number, item: (i: number) => string): string[] =>
      Array.from({ length: count }, (_, i) => item(i));
    const code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
    for (const words of [
      ['SET', 'string', '\xff\0\r\n'],
      ['SET', 'timed', 'v', 'PXAT', '4000000000000'],
      ['RPUSH', 'list', ...many(300, (i) => `item ${i}`)],
      ['SADD', 'numbers', '1', '2', '3'],
      ['SADD', 'set', ...many(200, (i) => `member ${i}`)],
      [
        'ZADD',
        'zset',
        '1.5',
        'a',
        '-inf',
        'b',
        '+inf',
        'c',
        '1e20',
        'd',
        '0.1',
        'e',
        ...many(200, (i) => String(i / 3)),
      ],
      ['HSET', 'hash', ...many(700, (i) => `f${i}`)],
      ['XADD', 'stream', '1-1', 'f', 'v'],
      ['XADD', 'stream', '2-1', 'f', 'w'],
      ['XGROUP', 'CREATE', 'stream', 'g', '0'],
      ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '1', 'STREAMS', 'stream', '>'],
      ['XDEL', 'stream', '2-1'],
      ['XGROUP', 'CREATE', 'none', 'g', '$', 'MKSTREAM'],
      ['FUNCTION', 'LOAD', code],
      ['SELECT', '3'],
      ['SET', 'elsewhere', 'v'],
    ]) {
      expect(client.call(...words), words[0]).not.toBeInstanceOf(Error);
    }
    expect(await persistence.rewrite()).toMatchObject({ ok: true });
    client.call('APPEND', 'elsewhere', 'later');
    const digest = datasetDigest(shard.keyspaces);
    await persistence.close('nosave');
    shard.close();
    const base = readFileSync(join(root, LOGS, 'appendonly.aof.2.base.aof'), 'latin1');
    expect(base).toMatch(/^#TS:\d{10,}\r\n\*3\r\n\$8\r\nFUNCTION\r\n/);
    expect(base).toContain('HMSET');
    cpSync(root, `${root}2`, { recursive: true });
    expect(await theirs(`${root}2`, made)).toEqual({ digest });
    rmSync(`${root}2`, { recursive: true });
    const changed = { ...made, config: { ...made.config, 'aof-use-rdb-preamble': 'yes' } };
    const { shard: again, persistence: keeping } = shardOn(root, changed);
    expect(await keeping.start()).toMatchObject({ ok: true });
    expect(datasetDigest(again.keyspaces)).toBe(digest);
    expect(again.libraries.codes).toEqual([code]);
    expect(await keeping.rewrite()).toMatchObject({ ok: true });
    await keeping.close('nosave');
    again.close();
    expect(readdirSync(join(root, LOGS)).toSorted()).toEqual([
      'appendonly.aof.3.base.rdb',
      'appendonly.aof.3.incr.aof',
      'appendonly.aof.manifest',
    ]);
  });

  it('fields of hashes that expire are in a base of requests, too', async () => {
    const made: Folder = { name: '', files: {}, config: { 'aof-use-rdb-preamble': 'no' } };
    const { shard, persistence } = shardOn(root, made);
    expect(await persistence.start()).toMatchObject({ ok: true });
    const client = new TestClient(shard);
    client.call('HSET', 'hash', 'a', '1', 'b', '2');
    client.call('HPEXPIREAT', 'hash', '4000000000000', 'FIELDS', '1', 'b');
    expect(await persistence.rewrite()).toMatchObject({ ok: true });
    await persistence.close('nosave');
    shard.close();
    const { shard: again, persistence: keeping } = shardOn(root, made);
    expect(await keeping.start()).toMatchObject({ ok: true });
    expect(new TestClient(again).call('HPEXPIRETIME', 'hash', 'FIELDS', '2', 'a', 'b')).toEqual([
      -1, 4_000_000_000_000,
    ]);
    await keeping.close('nosave');
    again.close();
  });

  it('nothing that a process left behind before it listed its log is gone on with', async () => {
    const made: Folder = { name: '', files: { [`${LOGS}/appendonly.aof.1.incr.aof`]: set('stale') } };
    make(root, made);
    const { shard, persistence } = shardOn(root, made);
    expect(await persistence.start()).toMatchObject({ ok: true });
    new TestClient(shard).call('SET', 'new', 'v');
    const digest = datasetDigest(shard.keyspaces);
    await persistence.close('nosave');
    shard.close();
    expect(await ours(root, made)).toEqual({ digest });
  });
});
