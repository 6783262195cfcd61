/** What nothing depends on is said where people look for it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DATABASE_SETTINGS, SETTING_NAMES } from '../../src/cluster/state/database-settings.ts';
import type { Setting } from '../../src/cluster/state/setting.ts';
import { ROOT } from './source-files.ts';

it('FIDELITY.md lists the settings of databases that are kept without effect, and no others', () => {
  const page = readFileSync(join(ROOT, 'FIDELITY.md'), 'utf8');
  const list = /Kept, and nothing depends on them here: ((?:`\w+`(?:, )?)+)/.exec(page)?.[1] ?? '';
  const listed = [...list.matchAll(/`(\w+)`/g)].map((match) => match[1]!);
  const inert = SETTING_NAMES.filter((name) => (DATABASE_SETTINGS[name] as Setting).inert === true);
  expect(listed.toSorted()).toEqual(inert.toSorted());
});
