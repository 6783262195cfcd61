/** The API and its documents keep step. `npm run docs` writes the page anew. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { API_PROBLEMS } from '../../src/cluster/api/problems.ts';
import { apiRoutes } from '../../src/cluster/api/routes.ts';
import { apiPage } from '../support/api-page.ts';
import { ROOT, sourceFiles } from './source-files.ts';

describe('the REST API', () => {
  it('is documented as it is: docs/api.md (npm run docs)', async () => {
    await expect(apiPage(apiRoutes)).toMatchFileSnapshot(join(ROOT, 'docs/api.md'));
  });

  it('declares what every route replies', () => {
    const silent = apiRoutes.filter(({ reply }) => reply === undefined).map(({ method, path }) => `${method} ${path}`);
    expect(silent.toSorted()).toEqual(REFUSING);
  });

  it('uses every problem code that it documents', () => {
    const sources = sourceFiles('src').filter(({ path }) => path !== 'src/cluster/api/problems.ts');
    const text = sources.map((file) => file.code).join('\n');
    const unused = Object.keys(API_PROBLEMS).filter((code) => !text.includes(`'${code}'`));
    expect(unused).toEqual([]);
  });
});

/** They only refuse. */
const REFUSING = [
  'GET /v1/bdbs/:uid/peer_stats',
  'GET /v1/bdbs/:uid/peer_stats/:peer',
  'GET /v1/bdbs/:uid/syncer_state/crdt',
  'POST /v1/bdbs/:uid/actions/recover',
];
