/** A folder imports only from lines below its own. The same list stands in ARCHITECTURE.md; this test compares them. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, sourceFiles } from './source-files.ts';

/** From the top down. Folders on one line do not import from each other. */
const LAYERS: readonly (readonly string[])[] = [
  ['src/cli'],
  ['src/sandbox'],
  ['src/cluster/api', 'src/cluster/ui'],
  ['src/cluster/control'],
  ['src/cluster/state'],
  ['src/cluster/names', 'src/cluster/certificates'],
  ['src/replication', 'src/proxy'],
  ['src/node'],
  ['src/rdb'],
  ['src/resp', 'src/sharding'],
  ['src/world'],
];

const layerOf = (path: string): { rank: number; folder: string } => {
  for (const [rank, folders] of LAYERS.entries()) {
    const folder = folders.find((each) => path.startsWith(`${each}/`));
    if (folder !== undefined) return { rank, folder };
  }
  return { rank: -1, folder: '' };
};

/** Facts about the project itself that any layer may read. */
const EVERYWHERE = new Set(['src/buffer.d.ts', 'package.json']);

describe('layers', () => {
  const files = sourceFiles('src');

  it('know every folder', () => {
    const strangers = files.map((file) => file.path).filter((path) => layerOf(path).rank < 0 && !EVERYWHERE.has(path));
    expect(strangers, 'a file outside the layers: add its folder to LAYERS and to ARCHITECTURE.md').toEqual([]);
  });

  it('import downward only', () => {
    const wrong = files.flatMap((file) => {
      const own = layerOf(file.path);
      return file.imports
        .filter((target) => !EVERYWHERE.has(target))
        .filter((target) => {
          const other = layerOf(target);
          return other.folder !== own.folder && other.rank <= own.rank;
        })
        .map((target) => `${file.path} imports ${target}: let the lower layer own the meeting point`);
    });
    expect(wrong).toEqual([]);
  });

  it('keep the pure folders pure: no world but its types, no system modules', () => {
    const pure = ['src/rdb/', 'src/resp/', 'src/sharding/', 'src/cluster/state/'];
    const wrong = files
      .filter((file) => pure.some((folder) => file.path.startsWith(folder)))
      .flatMap((file) =>
        [...file.code.matchAll(/from '(node:[a-z/]+)'/g)].map((match) => `${file.path} imports ${match[1]}`),
      )
      .filter((line) => !/node:(assert(\/strict)?|buffer|zlib)$/.test(line));
    expect(wrong).toEqual([]);
  });

  it('stand in ARCHITECTURE.md in the same order', () => {
    const page = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
    const places = LAYERS.flat()
      .filter((folder) => files.some((file) => file.path.startsWith(`${folder}/`)))
      .map((folder) => ({ folder, at: page.indexOf(`\`${folder}/\``) }));
    expect(places.filter((place) => place.at < 0).map((place) => place.folder)).toEqual([]);
    expect(places.map((place) => place.at)).toEqual(places.map((place) => place.at).sort((a, b) => a - b));
  });
});
