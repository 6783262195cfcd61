/** The contract's chapter about files: names, whole files, growing files, locks. Crashes belong to the simulated world alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileOutcome, Folder } from '../../src/world/files.ts';
import { ContractKit, variedBytes, type MakeWorld } from './world-contract-kit.ts';

const valueOf = <T>(outcome: FileOutcome<T>): T => {
  if (!outcome.ok) throw new Error(`${outcome.why}: ${outcome.detail}`);
  return outcome.value;
};

const whyOf = (outcome: FileOutcome<unknown>): string => (outcome.ok ? 'ok' : outcome.why);

export const filesContract = (makeWorld: MakeWorld): void => {
  describe('files', () => {
    const kit = new ContractKit(makeWorld);
    let root = '';
    let folder: Folder;

    const run = async <T>(work: Promise<FileOutcome<T>>): Promise<T> => valueOf(await kit.run(work));
    const why = async (work: Promise<FileOutcome<unknown>>): Promise<string> => whyOf(await kit.run(work));
    const text = async (name: string): Promise<string> => (await run(folder.read(name))).toString('latin1');

    beforeEach(async () => {
      root = mkdtempSync(join(tmpdir(), 'antipode-files-'));
      folder = kit.world.files.folder(join(root, 'one', 'two'));
      await run(folder.make());
    });
    afterEach(() => rmSync(root, { recursive: true, force: true }));

    it('are replaced whole and read back byte for byte', async () => {
      const bytes = Buffer.from(variedBytes(100_000), 'latin1');
      await run(folder.replace('a', Buffer.from('before')));
      await run(folder.replace('a', bytes));
      expect((await run(folder.read('a'))).equals(bytes)).toBe(true);
      expect(await run(folder.size('a'))).toBe(bytes.length);
      expect(await run(folder.list())).toEqual(['a']);
    });

    it('are read in parts, shorter only at their end', async () => {
      await run(folder.replace('a', Buffer.from('0123456789')));
      expect((await run(folder.readPart('a', 0, 4))).toString()).toBe('0123');
      expect((await run(folder.readPart('a', 8, 4))).toString()).toBe('89');
      expect((await run(folder.readPart('a', 10, 4))).length).toBe(0);
    });

    it('made in pieces take their name only when they are committed', async () => {
      await run(folder.replace('a', Buffer.from('before')));
      const file = await run(folder.create('a'));
      await run(file.write(Buffer.from('af')));
      await run(file.write(Buffer.from('ter')));
      expect(await text('a')).toBe('before');
      expect(await run(folder.list())).toEqual(['a']);
      expect(await run(file.commit())).toBe(5);
      expect(await text('a')).toBe('after');
    });

    it('that are abandoned leave nothing', async () => {
      const file = await run(folder.create('a'));
      await run(file.write(Buffer.from('x')));
      await kit.run(file.abandon());
      expect(await run(folder.list())).toEqual([]);
    });

    it('grow at their end, in order, and go on where they were', async () => {
      const first = await run(folder.append('log'));
      expect(valueOf(first.write('one\xff'))).toBe(null);
      expect(valueOf(first.write(Buffer.from('two')))).toBe(null);
      await run(first.flush());
      await kit.run(first.close());
      expect(whyOf(first.write('closed'))).toBe('failed');
      const second = await run(folder.append('log'));
      expect(second.bytes).toBe(7);
      second.write('three');
      await kit.run(second.close());
      expect(await text('log')).toBe('one\xfftwothree');
    });

    it('are cut off', async () => {
      await run(folder.replace('log', Buffer.from('0123456789')));
      await run(folder.truncate('log', 4));
      expect(await text('log')).toBe('0123');
    });

    it('are removed, and a missing one is removed too', async () => {
      await run(folder.replace('a', Buffer.from('x')));
      await run(folder.remove('a'));
      await run(folder.remove('a'));
      expect(await why(folder.read('a'))).toBe('missing');
      expect(await why(folder.size('a'))).toBe('missing');
    });

    it('that are missing, and folders that are, are told', async () => {
      const nowhere = folder.folder('nowhere');
      expect(await why(nowhere.list())).toBe('missing');
      expect(await why(nowhere.replace('a', Buffer.from('x')))).toBe('missing');
      expect(await why(nowhere.append('a'))).toBe('missing');
      expect(await why(folder.readPart('a', 0, 1))).toBe('missing');
    });

    it('and folders are not taken for each other', async () => {
      await run(folder.replace('file', Buffer.from('x')));
      await run(folder.folder('folder').make());
      expect(await why(folder.read('folder'))).toBe('not-a-folder');
      expect(await why(folder.folder('file').make())).not.toBe('ok');
      expect(await run(folder.list())).toEqual(['file', 'folder']);
    });

    it('stay below their folder', async () => {
      for (const name of ['../a', '..', '.', '', 'a/b', '/etc/passwd', 'a\0b']) {
        expect(await why(folder.replace(name, Buffer.from('x'))), JSON.stringify(name)).not.toBe('ok');
        expect(await why(folder.append(name)), JSON.stringify(name)).not.toBe('ok');
      }
      expect(await run(folder.list())).toEqual([]);
    });

    it('and their folder are removed together', async () => {
      const inner = folder.folder('inner');
      await run(inner.make());
      await run(inner.replace('a', Buffer.from('x')));
      await run(inner.removeAll());
      expect(await run(folder.list())).toEqual([]);
      expect(await why(inner.list())).toBe('missing');
    });

    it('are locked by one at a time', async () => {
      const lock = await run(folder.lock('lock'));
      const second = await kit.run(folder.lock('lock'));
      expect(whyOf(second)).toBe('in-use');
      await kit.run(lock.release());
      const third = await run(folder.lock('lock'));
      await kit.run(third.release());
    });
  });
};
