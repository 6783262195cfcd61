/** Files: none dead, none without its purpose, none too long; documents name only what exists. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, sourceFiles } from './source-files.ts';

const files = sourceFiles('src');
const all = sourceFiles('src', 'test', 'scenarios', 'bench');
const LINES_MAX = 500;

/** Entered from outside: by package.json, or by a person. */
const ENTRIES =
  /^(src\/cli\/main\.ts|src\/sandbox\/(sandbox|testing)\.ts|src\/buffer\.d\.ts|test\/.*\.test\.ts|scenarios\/.*|bench\/.*|src\/.*preload\.ts)$/;

describe('files', () => {
  it('are imported by somebody', () => {
    const imported = new Set(all.flatMap((file) => file.imports));
    expect(all.map((file) => file.path).filter((path) => !ENTRIES.test(path) && !imported.has(path))).toEqual([]);
  });

  it('of the program are not kept alive by tests alone', () => {
    const imported = new Set([...files, ...sourceFiles('scenarios', 'bench')].flatMap((file) => file.imports));
    expect(files.map((file) => file.path).filter((path) => !ENTRIES.test(path) && !imported.has(path))).toEqual([]);
  });

  it('open with their purpose', () => {
    expect(files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(file.text)).map((file) => file.path)).toEqual([]);
  });

  it(`have at most ${LINES_MAX} lines`, () => {
    const long = files.filter((file) => file.text.split('\n').length > LINES_MAX + 1);
    expect(long.map((file) => `${file.path}: split it by idea`)).toEqual([]);
  });

  it('hold no stubs and no marks of unfinished work', () => {
    const marks = /\b(TODO|FIXME|XXX|not (yet )?implemented|placeholder)\b/i;
    const found = all.filter((file) => !file.path.startsWith('test/tidy/') && marks.test(file.text));
    expect(found.map((file) => `${file.path}: ${marks.exec(file.text)?.[0]}`)).toEqual([]);
  });
});

describe('documents', () => {
  const pages = readdirSync(ROOT).filter((name) => name.endsWith('.md'));

  it('are all there', () => {
    for (const name of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'FIDELITY.md', 'CHANGELOG.md'])
      expect(pages).toContain(name);
  });

  it('name only files that exist', () => {
    const missing = pages.flatMap((page) => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      return [...text.matchAll(/`((?:src|test|scenarios|bench|\.ci)\/[A-Za-z0-9._/-]*)`/g)]
        .map((match) => match[1]!)
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${page} names ${path}`);
    });
    expect(missing).toEqual([]);
  });

  it('quote code as it is', () => {
    const quotes = pages.flatMap((page) =>
      [...readFileSync(join(ROOT, page), 'utf8').matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(
        ([, path, code]) => ({ page, path: path!, code: code! }),
      ),
    );
    expect(quotes.length).toBeGreaterThan(0);
    const stale = quotes.filter(({ path, code }) => !readFileSync(join(ROOT, path), 'utf8').includes(code));
    expect(stale.map(({ page, path }) => `${page} quotes ${path} as it is not`)).toEqual([]);
  });

  it('list every rule that the code cites', () => {
    const page = readFileSync(join(ROOT, 'FIDELITY.md'), 'utf8');
    const cited = new Set(
      files.flatMap((file) => [...file.text.matchAll(/\[(RS [^\]\n]+)\]/g)].map((match) => match[1]!)),
    );
    expect([...cited].filter((tag) => !page.includes(`[${tag}]`)).map((tag) => `FIDELITY.md lacks [${tag}]`)).toEqual(
      [],
    );
  });

  it('link only to pages that exist', () => {
    const broken = pages.flatMap((page) => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      return [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)]
        .map((match) => match[1]!)
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${page} links to ${path}`);
    });
    expect(broken).toEqual([]);
  });
});
