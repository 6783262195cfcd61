import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProgram, startProgram } from '../support/antipode-program.ts';
import { realRedisAvailable } from '../support/real-redis.ts';

/** Every scenario there is, in processes of their own. */
const MANY_STORIES_MS = 120_000;

interface Document {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly scenarios: readonly {
    readonly name: string;
    readonly event_log_hash: string | null;
    readonly detail: string;
  }[];
}

async function file(name: string, text: string): Promise<{ readonly path: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'antipode-scenario-'));
  const path = join(directory, name);
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

const json = async (...words: string[]): Promise<Document & { code: number | null }> => {
  const { code, stdout } = await runProgram('run', ...words, '--json');
  return { ...(JSON.parse(stdout) as Document), code };
};

describe('antipode run', () => {
  it(
    'plays the same simulation for the same seed, in any process',
    async () => {
      const first = await json('scenarios', '--seed', '11');
      expect(first).toMatchObject({ code: 0, passed: 5, failed: 0, skipped: 0 });
      const second = await json('scenarios', '--seed', '11');
      expect(second.scenarios.map((each) => each.event_log_hash)).toEqual(
        first.scenarios.map((each) => each.event_log_hash),
      );
    },
    MANY_STORIES_MS,
  );

  it(
    'plays the same files on real sockets',
    async () => {
      const played = await json('scenarios', '--world', 'system');
      expect(played.scenarios.map(({ detail }) => detail).filter((detail) => !detail.includes('redis-server'))).toEqual(
        Array.from({ length: realRedisAvailable ? 5 : 3 }, () => ''),
      );
      expect(played).toMatchObject({ code: 0, failed: 0, skipped: realRedisAvailable ? 0 : 2 });
    },
    MANY_STORIES_MS,
  );

  it('skips visibly what needs a redis-server when there is none', async () => {
    await using running = startProgram(['run', 'scenarios/external-source.ts', '--world', 'system'], {
      PATH: '/nowhere',
    });
    const { code, stdout } = await running.finished;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^skipped external-source .*\n +there is no redis-server on this machine/);
  });

  it('shows of a failure what was waited for, the latest events, and how to play it again', async () => {
    await using story = await file(
      'late.mjs',
      `export const scenario = { name: 'late', description: '', run: async (actors) => {
         actors.world.log.event('planted');
         await actors.eventually(() => false, { withinMs: 1000, what: 'the train' });
       } };`,
    );
    const { code, stdout } = await runProgram('run', story.path, '--seed', '5');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^failed {2}late {2}\(simulated, 1\.0 s virtual .*seed 5, event log [0-9a-f]{16}\)\n +not within 1000 ms: the train\n/,
    );
    expect(stdout).toMatch(/latest events:\n[^]*planted/);
    expect(stdout).toContain(`play it again: antipode run ${story.path} --world simulated --seed 5`);
  });

  it('waits in the system world also when nothing but the story is alive', async () => {
    await using story = await file(
      'alone.mjs',
      `export const scenario = { name: 'alone', description: '', run: async (actors) => {
         await actors.pass(50);
         await actors.eventually(() => false, { withinMs: 100, what: 'the train' });
       } };`,
    );
    const { code, stdout } = await runProgram('run', story.path, '--world', 'system');
    expect(code).toBe(1);
    expect(stdout).toContain('not within 100 ms: the train');
  });

  it('says what to do with TypeScript that this Node.js cannot run', async () => {
    await using story = await file(
      'own.ts',
      'export const scenario: object = { name: "own", run: async () => undefined };',
    );
    const { code, stdout, stderr } = await runProgram('run', story.path);
    if ((process.features as { readonly typescript?: unknown }).typescript)
      expect([code, stdout.slice(0, 6)]).toEqual([0, 'passed']);
    else
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/is TypeScript, which Node\.js v\S+ does not run by itself: use Node\.js 22\.18/),
      ]);
  });

  it.each([
    [['nowhere.ts'], /there is no file or folder nowhere\.ts/],
    [['package.json'], /package\.json cannot be loaded/],
    [['dist/src/cli/verb.js'], /exports no scenario: write export const scenario/],
    [['scenarios', '--world', 'real'], /--world: "real" is no world: write simulated or system/],
    [['scenarios', '--seed', '-1'], /--seed: "-1" is no seed/],
    [['.ci'], /\.ci holds no scenarios/],
  ])('refuses %j', async (words, message) => {
    const { code, stdout, stderr } = await runProgram('run', ...words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });
});
