/** What a lone shard writes into its log, and what keeps it alive. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ShardLog } from '../../src/cli/shard-log.ts';
import { runProgram, startProgram } from '../support/antipode-program.ts';
import { eventually } from '../support/eventually.ts';
import { servedShard } from '../support/served-shard.ts';
import { testShard } from '../support/fixtures.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'antipode-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the log of a shard', () => {
  it("says in redis-server's words that a primary does not take the password", async () => {
    await using primary = await servedShard({ requirepass: 'right' });
    const words = [
      '--replicaof',
      `127.0.0.1 ${primary.port}`,
      '--masterauth',
      'wrong',
      '--logfile',
      join(folder, 'log'),
    ];
    await using running = startProgram(['shard', '--port', '0', '--json', ...words]);
    await running.line(/^\{/);
    const log = (): string => readFileSync(join(folder, 'log'), 'utf8');
    const what = 'the link is tried again';
    await eventually(() => log().includes('Reconnecting to MASTER in'), { withinMs: 10_000, what });
    expect(log()).toMatch(/ # Unable to AUTH to MASTER: WRONGPASS .*\n/);
  });

  it('says why it does not start, too', async () => {
    mkdirSync(join(folder, 'dump.rdb'));
    const log = join(folder, 'log');
    const { code, stderr } = await runProgram('shard', '--port', '0', '--dir', folder, '--logfile', log);
    expect(code).toBe(1);
    expect(stderr).toContain('the data cannot be loaded');
    expect(readFileSync(log, 'utf8')).toMatch(
      /^\d+:M \d\d \w{3} \d{4} [\d:.]{12} # Fatal error loading the DB, exiting: /m,
    );
  });

  it('tells of the end, and of what was saved, in the words that are waited for', async () => {
    const log = join(folder, 'log');
    await using running = startProgram([
      'shard',
      '--port',
      '0',
      '--dir',
      folder,
      '--save',
      '3600 1',
      '--logfile',
      log,
      '--json',
    ]);
    await running.line(/^\{/);
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(0);
    const told = readFileSync(log, 'utf8');
    const texts = [
      '* Received SIGTERM scheduling shutdown...',
      '* User requested shutdown...',
      '* Saving the final RDB snapshot before exiting.',
      '* DB saved on disk',
      'ready to exit, bye bye',
    ];
    expect(texts.map((text) => told.indexOf(text))).toEqual(
      texts.map((text) => told.indexOf(text)).toSorted((a, b) => a - b),
    );
    for (const text of texts) expect(told).toContain(text);
  });

  it('names replicas that lack something at the end', () => {
    using made = testShard({ commands: [] });
    const lines: string[] = [];
    const log = new ShardLog();
    log.open(made.shard, (line) => void lines.push(line.replace(/^.* (?=[*#] )/, '')));
    log.event('replica-lags', { replica: '127.0.0.1:7000', behindBytes: 37, lagSeconds: 4, state: 'online' });
    log.event('replicas-at-end', { inSync: 1, replicas: 2 });
    log.event('shutdown-aborted');
    log.event('shutdown-failed');
    expect(lines).toEqual([
      '* Lagging replica 127.0.0.1:7000 reported offset 37 behind master, lag=4, state=online.',
      '* 1 of 2 replicas are in sync when shutting down.',
      '* Shutdown manually aborted.',
      '# Errors trying to shut down the server. Check the logs for more information.',
    ]);
  });

  it('says that a shard without the log it should have does not end, until it is forced', async () => {
    const words = ['shard', '--port', '0', '--dir', folder, '--loglevel', 'warning', '--logfile', join(folder, 'log')];
    await using running = startProgram([...words, '--json']);
    const { port } = JSON.parse(await running.line(/^\{/)) as { port: number };
    const redis = new Redis({ port, protocol: 2, maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on('error', () => undefined);
    await redis.set('key', 'value');
    writeFileSync(join(folder, 'appendonlydir'), 'no folder');
    await redis.config('SET', 'appendonly', 'yes');
    const said = async (...more: string[]): Promise<unknown> =>
      redis.call('SHUTDOWN', ...more).catch((error: Error) => error.message);
    expect(await said('NOSAVE')).toBe('ERR Errors trying to SHUTDOWN. Check logs.');
    expect(await redis.get('key')).toBe('value');
    expect(await said('NOSAVE', 'FORCE')).toMatch(/closed/);
    expect((await running.finished).code).toBe(0);
    redis.disconnect();
    const log = readFileSync(join(folder, 'log'), 'utf8');
    for (const text of [
      "Writing initial AOF, can't exit.",
      'Writing initial AOF, exit anyway.',
      'ready to exit, bye bye',
    ])
      expect(log).toContain(text);
    expect(log).not.toContain('Ready to accept connections'); // less than a warning
  });
});
