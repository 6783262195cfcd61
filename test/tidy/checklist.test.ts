/**
 * The checklist: every row is there and names tests that exist, by file and title, or says `later` where it may.
 *
 * A title stands on the page as a run prints it. Where a test is made from a table, its title in the code has places (`%s`, `${…}`):
 * what fills a place of text must be a text of the same file, or of the file that the table stands in.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './source-files.ts';

const ROWS = 142;
/** Web UI, rladmin, metrics, discovery service, OSS cluster API, high availability and resharding. */
const MAY_WAIT: ReadonlySet<number> = new Set([62, 63, 64, 96, 118, 119, 120, 121, 122, 130, 131, 132, 133, 134]);
const SHOWN = /^`(test\/[a-z0-9/.-]+\.test\.ts)`: (.+)$/;

interface Row {
  readonly number: number;
  readonly shownBy: readonly string[];
}

const rows: readonly Row[] = readFileSync(join(ROOT, 'docs/checklist.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const cells = /^\| (\d+) \| [MSC] \| [^|]+ \| (.+) \|$/.exec(line);
    return cells === null ? [] : [{ number: Number(cells[1]), shownBy: cells[2]!.split('<br>') }];
  });

/** The first argument of a call that makes a test, whatever table comes before it: `it('…',`, `it.each(…)('…',`, `])('…',`. */
const TITLE = /(\b(?:it|test)(?:\.\w+)?|\))\(\s*('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`),\s/g;
/** A place in a title: with text, with a number or JSON. */
const PLACE = /%s|\$\{[^}]*\}|%[ijd]/;

const unescaped = (literal: string): string => literal.slice(1, -1).replaceAll(/\\(.)/g, '$1');
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** A file, and the files that it imports itself. */
const textsOf = (file: string): readonly string[] => {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const imported = [...text.matchAll(/ from '(\.\.?\/[a-z0-9./-]+\.ts)'/g)].map(([, path]) =>
    readFileSync(join(ROOT, dirname(file), path!), 'utf8'),
  );
  return [text, ...imported];
};

/** A text of a table: after a bracket, a comma, or the name of a field. */
const isInTable = (value: string, text: string): boolean =>
  ["'", '"', '`'].some((quote) => {
    const literal = `${quote}${value.replaceAll(quote, `\\${quote}`)}${quote}`;
    return new RegExp(String.raw`(?:[[,]|\w:)\s*${escaped(literal)}\s*[\],]`).test(text);
  });

/** One of the calls that make tests in the first text has such a title, and does not skip it; tables may stand in the others. */
const makesTest = ([text, ...others]: readonly string[], title: string): boolean =>
  [...text!.matchAll(TITLE)].some(([, caller, literal]) => {
    if (/\.(skip|todo)$/.test(caller!)) return false;
    const parts = unescaped(literal!).split(new RegExp(`(${PLACE.source})`));
    const pattern = parts.map((part, at) => (at % 2 === 0 ? escaped(part) : '(.+?)')).join('');
    const filled = new RegExp(`^${pattern}$`).exec(title);
    if (filled === null) return false;
    const places = parts.filter((_, at) => at % 2 === 1);
    const texts = [text!, ...others];
    return places.every(
      (place, at) => /^%[ijd]$/.test(place) || texts.some((each) => isInTable(filled[at + 1]!, each)),
    );
  });

describe('the checklist', () => {
  it('has every row once, in order', () => {
    expect(rows.map((row) => row.number)).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));
  });

  it('puts off only what may wait', () => {
    const putOff = rows.filter((row) => row.shownBy.some((shown) => shown.startsWith('later')));
    expect(putOff.map((row) => row.number).filter((number) => !MAY_WAIT.has(number))).toEqual([]);
  });

  it('names tests that exist', () => {
    const wrong = rows.flatMap(({ number, shownBy }) =>
      shownBy.flatMap((shown) => {
        if (shown.startsWith('later')) return [];
        const [, file, title] = SHOWN.exec(shown) ?? [];
        if (file === undefined || title === undefined) return [`row ${number}: "${shown}" is not \`file\`: title`];
        if (!existsSync(join(ROOT, file))) return [`row ${number}: there is no ${file}`];
        return textsOf(file).some((text) => makesTest([text], title))
          ? []
          : [`row ${number}: ${file} has no test "${title}"`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('would notice a title that nobody has, one that is skipped, and a row that is not in the table', () => {
    const text = `it('a test', () => {}); it.skip('skipped', () => {}); // it is 'only a text', here
      it.each([['one row', 1]])('%s of %i', () => {}); it.each(rows)('%s', () => {}); test(\`\${says}: told\`, () => {});`;
    const titles = ['a test', 'one row of 1', 'one row', 'one row: told'];
    expect(titles.filter((title) => !makesTest([text], title))).toEqual([]);
    const none = ['a tes', 'skipped', 'only a text', 'another row of 1', 'another row', 'another row: told'];
    expect(none.filter((title) => makesTest([text], title))).toEqual([]);
  });
});
