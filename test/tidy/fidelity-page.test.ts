/** FIDELITY.md's tables of commands and the declarations keep step. `npm run docs` writes the tables anew. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shardCommands } from '../../src/cluster/control/shard-commands.ts';
import { commandTables, wrongNames } from '../support/command-fidelity.ts';
import { ROOT } from './source-files.ts';

const PAGE = join(ROOT, 'FIDELITY.md');
const TABLES = /(<!-- tables of commands: npm run docs -->\n)[\s\S]*?(<!-- end of tables of commands -->)/;

describe('the commands', () => {
  it('are listed as they are: FIDELITY.md (npm run docs)', async () => {
    const page = readFileSync(PAGE, 'utf8');
    expect(page).toMatch(TABLES);
    const tables = commandTables(shardCommands);
    await expect(page.replace(TABLES, (_, begin, end) => `${begin}\n${tables}\n\n${end}`)).toMatchFileSnapshot(PAGE);
  });

  it('are absent, simplified or ours alone under names that are right', () => {
    expect(wrongNames(shardCommands)).toEqual([]);
  });
});
