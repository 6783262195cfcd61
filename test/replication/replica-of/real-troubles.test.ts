/** What goes wrong at real servers: nothing may be lost, applied twice, or said to be in sync when it is not. */

import { expect, it } from 'vitest';
import { CHECKPOINT_KEY } from '../../../src/replication/replica-of/checkpoint.ts';
import type { ReplicaOf } from '../../../src/replication/replica-of/replica-of.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { equalData, replicateInto } from '../../support/replica-of.ts';

const source = (password?: string) =>
  startRealRedis({ args: ['--repl-diskless-sync-delay', '0'], ...(password === undefined ? {} : { password }) });

async function inSync(from: RealRedis, to: RealRedis): Promise<ReplicaOf> {
  const engine = replicateInto(new SystemWorld({ seed: 1 }), [from.url], to.url);
  engine.start();
  await eventually(() => engine.inSync, { withinMs: 10_000, what: 'in sync' });
  return engine;
}

const stop = (engine: ReplicaOf) =>
  eventually(() => engine.stopped !== null, { withinMs: 10_000, what: 'the engine to stop' });

const equal = (from: RealRedis, to: RealRedis) =>
  eventually(() => equalData(from, to), { withinMs: 10_000, what: 'equal data' });

/** Batches of their own, so that some are on their way behind the refused one. */
async function writeOn(from: RealRedis): Promise<void> {
  for (let i = 0; i < 300; i++) await from.command('INCR', 'n');
}

describeReal('a destination that refuses a write', () => {
  it('as long as nothing behind it was applied, is gone on with from there', async () => {
    await using from = await source();
    await using to = await startRealRedis();
    const engine = await inSync(from, to);
    await to.command('CONFIG', 'SET', 'maxmemory', '1');
    await writeOn(from);
    await stop(engine);
    expect(engine.stopped).toMatchObject({ cause: 'out-of-memory', detail: expect.stringContaining('OOM') });
    await to.command('CONFIG', 'SET', 'maxmemory', '0');
    const again = await inSync(from, to);
    await equal(from, to);
    expect([again.fullSyncs, again.partialSyncs]).toEqual([0, 1]);
    again.close();
  });

  it('and has applied a part of its batch, is filled anew by the next start', async () => {
    await using from = await source();
    await using to = await startRealRedis();
    const engine = await inSync(from, to);
    await to.command('SET', 'list', 'not a list');
    await from.command('RPUSH', 'list', 'x');
    await stop(engine);
    expect(engine.stopped).toMatchObject({ cause: 'general', detail: expect.stringMatching(/RPUSH list.*WRONGTYPE/) });
    expect(await to.command('GET', 'list')).toBe('not a list');
    const again = await inSync(from, to);
    expect(again.ledger).toMatchObject([{ cause: 'refused-write', detail: expect.stringContaining('RPUSH list') }]);
    await equal(from, to);
    again.close();
  });

  it('and applies those behind it, never lets a new start leave it out', async () => {
    await using from = await source();
    await using to = await startRealRedis({ args: ['--rename-command', 'HSETNX', ''] });
    const engine = await inSync(from, to);
    const others = writeOn(from);
    await from.command('HSETNX', 'hash', 'field', 'value');
    await others;
    await stop(engine);
    // The refused write comes again until something behind it has been applied; from then on only a copy of everything will do.
    for (let start = 0; start < 3; start++) {
      const again = replicateInto(new SystemWorld({ seed: 1 }), [from.url], to.url);
      again.start();
      const isOver = (): boolean => again.stopped !== null || (again.inSync && again.fullSyncs === 1);
      await eventually(isOver, { withinMs: 10_000, what: 'the same refusal, or everything anew' });
      again.close();
      if (again.fullSyncs === 1) break;
    }
  });

  it('because a script runs is tried again', { timeout: 20_000 }, async () => {
    await using from = await source();
    await using to = await startRealRedis({ args: ['--busy-reply-threshold', '50'] });
    const engine = await inSync(from, to);
    const script = to.command('EVAL', "while redis.call('EXISTS', 'x') == 0 do end", 0).catch(() => undefined);
    await from.command('SET', 'n', '1');
    const says = (): string => engine.progress[0]!.lastError;
    await eventually(() => says().includes('BUSY'), { withinMs: 10_000, what: 'the refusal' });
    expect(engine.stopped).toBeNull();
    await to.client({ enableReadyCheck: false }).call('SCRIPT', 'KILL');
    await script;
    await equal(from, to);
    engine.close();
  });
});

describeReal('Replica Of between real servers', () => {
  it('keeps its checkpoint when databases are swapped', async () => {
    await using from = await source();
    await using to = await startRealRedis();
    const client = from.client();
    await client.multi().set('zero', '0').select(1).set('one', '1').exec();
    const engine = await inSync(from, to);
    await client.call('SWAPDB', '0', '1');
    await client.multi().select(0).call('SWAPDB', '1', '0').call('SWAPDB', '0', '1').set('after', 'x').exec();
    await equal(from, to);
    engine.close();
    expect(await to.command('EXISTS', CHECKPOINT_KEY)).toBe(1);
    const other = to.client({ db: 1 });
    expect(await other.keys('*')).toEqual(['zero']);
    const again = await inSync(from, to);
    expect([again.fullSyncs, again.partialSyncs]).toEqual([0, 1]);
    again.close();
  });

  it('ends by name when another begins to write into the same destination', async () => {
    await using from = await source();
    await using to = await startRealRedis();
    const first = await inSync(from, to);
    const second = await inSync(from, to);
    await stop(first);
    expect(first.stopped).toMatchObject({
      cause: 'superseded',
      detail: expect.stringContaining('another replication'),
    });
    await from.command('INCR', 'n');
    await equal(from, to);
    expect([second.stopped, second.fullSyncs]).toEqual([null, 0]);
    second.close();
  });

  it('passes a value on that is larger than what is kept of a snapshot', { timeout: 30_000 }, async () => {
    await using from = await source();
    await using to = await startRealRedis();
    await from.command('SETRANGE', 'large', 40_000_000, 'x');
    const engine = await inSync(from, to);
    await equal(from, to);
    engine.close();
  });

  it('waits for a server that has too many clients, at either end', { timeout: 60_000 }, async () => {
    await using from = await source('secret');
    await using to = await startRealRedis({ password: 'secret' });
    const engine = replicateInto(new SystemWorld({ seed: 1 }), [from.url], to.url);
    const says = (): string => engine.progress[0]!.lastError;
    await to.command('CONFIG', 'SET', 'maxclients', '1');
    engine.start();
    // The words of the refusal may be lost to the reset that follows them at once: what counts is that it waits.
    await eventually(() => says().startsWith('destination: '), { withinMs: 10_000, what: 'the refusal there' });
    await from.command('CONFIG', 'SET', 'maxclients', '1');
    await to.command('CONFIG', 'SET', 'maxclients', '100');
    const isRefusedHere = (): boolean => says() !== '' && !says().includes('destination');
    await eventually(isRefusedHere, { withinMs: 20_000, what: 'the refusal here' });
    expect(engine.stopped).toBeNull();
    await from.command('CONFIG', 'SET', 'maxclients', '100');
    await eventually(() => engine.inSync, { withinMs: 20_000, what: 'in sync' });
    engine.close();
  });
});
