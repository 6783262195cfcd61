import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SystemFiles } from '../../src/world/system-files.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'antipode-files-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('a lock of a process that lives is refused with its id, one of a process that has ended is taken', async () => {
  const folder = new SystemFiles().folder(root);
  const other = spawn('sleep', ['60']);
  try {
    writeFileSync(join(root, 'lock'), `${other.pid} \n`);
    expect(await folder.lock('lock')).toMatchObject({
      ok: false,
      why: 'in-use',
      detail: expect.stringContaining(String(other.pid)),
    });
  } finally {
    other.kill('SIGKILL');
    await new Promise((resolve) => other.once('exit', resolve));
  }
  const taken = await folder.lock('lock');
  expect(taken).toMatchObject({ ok: true });
  expect(readFileSync(join(root, 'lock'), 'utf8')).toContain(String(process.pid));
});

test('a process that has got the id of a former owner does not hold its lock', async () => {
  const folder = new SystemFiles().folder(root);
  const other = spawn('sleep', ['60']);
  try {
    writeFileSync(join(root, 'lock'), `${other.pid} 1\n`); // started at another time
    expect(await folder.lock('lock')).toMatchObject({ ok: true });
  } finally {
    other.kill('SIGKILL');
  }
});

test('files are for their owner alone, and nothing unfinished is left behind', async () => {
  const folder = new SystemFiles().folder(join(root, 'data'));
  await folder.make();
  await folder.replace('a', Buffer.from('x'));
  expect(statSync(join(root, 'data')).mode & 0o777).toBe(0o700);
  expect(statSync(join(root, 'data', 'a')).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(root, 'data'))).toEqual(['a']);
});

test('what killed processes left half-written goes when the folder is locked or first written to, nothing else', async () => {
  const dead = spawn('true');
  const alive = spawn('sleep', ['60']);
  try {
    await new Promise((resolve) => dead.once('exit', resolve));
    const left = [`dump.rdb.${dead.pid}-0.new~`, `dump.rdb.${process.pid}-999999.new~`, `lock.${dead.pid}.new~`];
    const kept = ['dump.rdb', `dump.rdb.${alive.pid}-0.new~`, `of-others.${dead.pid}`, 'temp-1.rdb'];
    for (const into of ['locked', 'written']) {
      const folder = new SystemFiles().folder(join(root, into));
      await folder.make();
      for (const name of [...left, ...kept]) writeFileSync(join(folder.path, name), 'x');
    }
    const locked = new SystemFiles().folder(join(root, 'locked'));
    expect(await locked.lock('lock')).toMatchObject({ ok: true });
    expect(readdirSync(locked.path)).toEqual([...kept, 'lock'].toSorted());
    const written = new SystemFiles().folder(join(root, 'written'));
    const [one, other] = [await written.create('a'), await written.create('b')];
    if (!one.ok || !other.ok) throw new Error('files can be made');
    await written.lock('lock'); // what is being written here stays
    for (const file of [one.value, other.value]) expect(await file.commit()).toMatchObject({ ok: true });
    expect(readdirSync(written.path)).toEqual([...kept, 'a', 'b', 'lock'].toSorted());
  } finally {
    alive.kill('SIGKILL');
  }
});

test('a folder is made with those above it, and one that the system refuses is a failure at once', async () => {
  const deep = join(root, 'a', 'b', 'c');
  expect(await new SystemFiles().folder(deep).make()).toMatchObject({ ok: true });
  expect(statSync(deep).isDirectory()).toBe(true);
  expect(await new SystemFiles().folder(deep).make()).toMatchObject({ ok: true });
  writeFileSync(join(root, 'file'), '');
  expect(await new SystemFiles().folder(join(root, 'file', 'x')).make()).toMatchObject({ why: 'not-a-folder' });
  const refused = await new SystemFiles().folder('/proc/antipode/x').make(); // Linux says ENOENT, other systems EACCES
  expect(refused).toMatchObject({ ok: false, detail: expect.stringContaining('/proc/antipode') });
});

test.skipIf(process.platform !== 'linux')('a killed process that nobody has collected holds no lock', async () => {
  // A shell that is replaced by sleep never waits for the child that it had.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const child = await new Promise<string>((resolve) =>
      parent.stdout.once('data', (data) => resolve(String(data).trim())),
    );
    const stat = () => readFileSync(`/proc/${child}/stat`, 'latin1').split(') ')[1]!.split(' ');
    await expect.poll(() => stat()[0], { timeout: 10_000 }).toBe('Z');
    writeFileSync(join(root, 'lock'), `${child} ${stat()[19]}\n`);
    expect(await new SystemFiles().folder(root).lock('lock')).toMatchObject({ ok: true });
  } finally {
    parent.kill('SIGKILL');
  }
});

test('of many processes that find a stale lock at once exactly one gets it', { timeout: 60_000 }, async () => {
  const program = `
    import { SystemFiles } from ${JSON.stringify(resolve('dist/src/world/system-files.js'))};
    import { createInterface } from 'node:readline';
    let lock = null;
    for await (const word of createInterface({ input: process.stdin })) {
      if (word === 'release') {
        await lock?.release();
        lock = null;
        console.log('released');
        continue;
      }
      while (Date.now() < Number(word));
      const outcome = await new SystemFiles().folder(${JSON.stringify(root)}).lock('lock');
      lock = outcome.ok ? outcome.value : null;
      console.log(outcome.ok ? 'held' : outcome.why);
    }`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const answers = children.map(({ stdout }) => createInterface({ input: stdout })[Symbol.asyncIterator]());
  const ask = async (word: string): Promise<string[]> => {
    for (const { stdin } of children) stdin.write(`${word}\n`);
    return Promise.all(answers.map(async (answer) => String((await answer.next()).value)));
  };
  try {
    await ask('release'); // all have started
    for (let round = 0; round < 50; round++) {
      writeFileSync(join(root, 'lock'), '');
      const outcomes = await ask(String(Date.now() + 20));
      expect(outcomes.toSorted(), `round ${round}`).toEqual(['held', 'in-use', 'in-use', 'in-use']);
      await ask('release');
      expect(readdirSync(root)).toEqual([]);
    }
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
});
