import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Address, ListenOptions } from '../../src/world/world.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { eventually } from '../support/eventually.ts';
import { Recorder } from '../support/world-contract-kit.ts';
import { worldContract } from '../support/world-contract.ts';

const WITHIN_MS = 15_000;

const pathOf = (folder: string): Address => ({ host: join(folder, 'a.sock'), port: 0 });

describe('a socket in the file system', () => {
  const { network } = new SystemWorld();
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sockets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const listen = async (options: ListenOptions = {}) => {
    const outcome = await network.listen(pathOf(folder), options, (connection) => {
      connection.handle({
        data: (chunk) => void connection.write(`echo ${chunk.latin1Slice()}`),
        closed: () => undefined,
      });
    });
    if (!outcome.ok) throw new Error(outcome.detail);
    return outcome.listener;
  };
  const echo = async (): Promise<string> => {
    const outcome = await network.connect(pathOf(folder), { timeoutMs: WITHIN_MS });
    if (!outcome.ok) throw new Error(outcome.detail);
    const { connection } = outcome;
    const heard = new Recorder();
    connection.handle(heard);
    connection.write('hello');
    await eventually(() => heard.text === 'echo hello', { withinMs: WITHIN_MS, what: 'the echo' });
    expect([connection.local, connection.remote]).toEqual([pathOf(folder), pathOf(folder)]);
    connection.destroy();
    await eventually(() => heard.reasons.length === 1, { withinMs: WITHIN_MS, what: 'closed' });
    return heard.text;
  };

  test('is served with its permissions, and goes with its listener', async () => {
    const listener = await listen({ permissions: 0o640 });
    expect(statSync(pathOf(folder).host).mode & 0o777).toBe(0o640);
    expect(await echo()).toBe('echo hello');
    await listener.close();
    expect(existsSync(pathOf(folder).host)).toBe(false);
    expect(await network.connect(pathOf(folder), { timeoutMs: WITHIN_MS })).toMatchObject({ ok: false });
  });

  test('takes the place of another and of an empty file, but not of what holds something', async () => {
    writeFileSync(pathOf(folder).host, '');
    await (await listen()).close();
    const stale = await listen();
    const listener = await listen();
    expect(await echo()).toBe('echo hello');
    await listener.close();
    await stale.close();
    writeFileSync(pathOf(folder).host, 'precious');
    expect(await network.listen(pathOf(folder), {}, () => undefined)).toMatchObject({ ok: false, why: 'in-use' });
    expect(readFileSync(pathOf(folder).host, 'utf8')).toBe('precious');
  });
});

const draw = (world: SystemWorld): string => world.random.bytes(16).toString('hex');

worldContract('system', () =>
  Promise.resolve({
    world: new SystemWorld(),
    run: (work) => work,
    until: (holds, what) => eventually(holds, { withinMs: WITHIN_MS, what }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }),
);

test('chance repeats with a seed and differs without one', () => {
  expect(draw(new SystemWorld({ seed: 7 }))).toBe(draw(new SystemWorld({ seed: 7 })));
  expect(draw(new SystemWorld())).not.toBe(draw(new SystemWorld()));
});
