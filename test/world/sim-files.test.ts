import { expect, test } from 'vitest';
import type { FileOutcome } from '../../src/world/files.ts';
import { SimWorld } from '../../src/world/sim-world.ts';

const valueOf = <T>(outcome: FileOutcome<T>): T => {
  if (!outcome.ok) throw new Error(`${outcome.why}: ${outcome.detail}`);
  return outcome.value;
};

test('a crash keeps what was flushed, and of the rest any beginning', async () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const world = new SimWorld({ seed });
    const folder = world.files.folder('/data');
    valueOf(await world.run(folder.make()));
    const log = valueOf(await world.run(folder.append('log')));
    log.write('0123');
    valueOf(await world.run(log.flush()));
    log.write('456789');
    world.files.crash('/data');
    const again = world.files.folder('/data');
    const left = valueOf(await world.run(again.read('log'))).toString();
    expect('0123456789'.startsWith(left)).toBe(true);
    expect(left.length).toBeGreaterThanOrEqual(4);
    lengths.add(left.length);
  }
  expect(lengths.size).toBeGreaterThan(3);
});

test('a replacement under way when the machine crashes has happened whole or not at all', async () => {
  const found = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const world = new SimWorld({ seed });
    const folder = world.files.folder('/data');
    valueOf(await world.run(folder.make()));
    valueOf(await world.run(folder.replace('a', Buffer.from('before'))));
    const replacing = folder.replace('a', Buffer.from('after'));
    await world.advance(1.5);
    world.files.crash('/data');
    const outcome = await world.run(replacing);
    const left = valueOf(await world.run(world.files.folder('/data').read('a'))).toString();
    if (outcome.ok) expect(left).toBe('after');
    found.add(left);
  }
  expect([...found].toSorted()).toEqual(['after', 'before']);
});

test('who had a folder before its crash can do nothing more to it, and its lock is free', async () => {
  const world = new SimWorld({ seed: 1 });
  const folder = world.files.folder('/data');
  valueOf(await world.run(folder.make()));
  valueOf(await world.run(folder.lock('lock')));
  const log = valueOf(await world.run(folder.append('log')));
  world.files.crash('/data');
  expect(log.write('x')).toMatchObject({ ok: false, why: 'crashed' });
  expect(await world.run(folder.replace('a', Buffer.from('x')))).toMatchObject({ ok: false, why: 'crashed' });
  expect(await world.run(folder.folder('inner').make())).toMatchObject({ ok: false, why: 'crashed' });
  expect(await world.run(world.files.folder('/data').lock('lock'))).toMatchObject({ ok: true });
});

test('a full disk refuses writes until there is room', async () => {
  const world = new SimWorld({ seed: 1 });
  const folder = world.files.folder('/data');
  valueOf(await world.run(folder.make()));
  const log = valueOf(await world.run(folder.append('log')));
  world.files.fill('/data');
  expect(log.write('x')).toMatchObject({ ok: false, why: 'full' });
  expect(await world.run(folder.replace('a', Buffer.from('x')))).toMatchObject({ ok: false, why: 'full' });
  world.files.free('/data');
  expect(log.write('x')).toMatchObject({ ok: true });
});
