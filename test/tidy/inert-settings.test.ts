/** What nothing depends on is said where people look for it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ALL_CLUSTER_SETTINGS } from '../../src/cluster/state/cluster-settings.ts';
import { DATABASE_SETTINGS } from '../../src/cluster/state/database-settings.ts';
import { NODE_SETTINGS, PROXY_SETTINGS } from '../../src/cluster/state/node-settings.ts';
import type { SettingTable } from '../../src/cluster/state/setting.ts';
import { ROOT } from './source-files.ts';

const TABLES: readonly (readonly [of: string, before: string, table: SettingTable])[] = [
  ['databases', 'Kept, and nothing depends on them here', DATABASE_SETTINGS],
  ['clusters', 'Of a cluster kept, and nothing depends on them here', ALL_CLUSTER_SETTINGS],
  ['nodes', 'Of a node kept, and nothing depends on them here', NODE_SETTINGS],
  ['proxies', 'Of a proxy kept, and nothing depends on them here', PROXY_SETTINGS],
];

it.each(TABLES)(
  'FIDELITY.md lists the settings of %s that are kept without effect, and no others',
  (_, before, table) => {
    const page = readFileSync(join(ROOT, 'FIDELITY.md'), 'utf8');
    const list = new RegExp(`${before}: ((?:\`\\w+\`(?:, )?)+)`).exec(page)?.[1] ?? '';
    const listed = [...list.matchAll(/`(\w+)`/g)].map((match) => match[1]!);
    const inert = Object.entries(table).flatMap(([name, setting]) => (setting.inert === true ? [name] : []));
    expect(listed.toSorted()).toEqual(inert.toSorted());
  },
);
