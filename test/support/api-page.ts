/** The page docs/api.md, made of the routes' own declarations. `npm run docs` writes it anew. */

import { problemsOf } from '../../src/cluster/api/openapi.ts';
import { API_PROBLEMS, statusOf, type ApiCode } from '../../src/cluster/api/problems.ts';
import type { Route } from '../../src/cluster/api/route.ts';

const CODES = Object.keys(API_PROBLEMS) as readonly ApiCode[];

export const apiPage = (routes: readonly Route[]): string => {
  const rows = routes
    .toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.method < b.method ? -1 : 1))
    .map((route) => {
      const query = Object.keys(route.query ?? {}).map((name) => `\`${name}\``);
      const own = (route.problems ?? []).map((code) => `\`${code}\``);
      const cells = [
        `${route.method} \`${route.path}\``,
        route.summary,
        query.join(' '),
        route.permission,
        own.join(' '),
      ];
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    });
  const anyOf = (code: ApiCode): number => routes.filter((route) => problemsOf(route).includes(code)).length;
  const codes = CODES.map((code) => `| \`${code}\` | ${statusOf(code)} | ${API_PROBLEMS[code][1]} | ${anyOf(code)} |`);
  return [
    '# REST API',
    '',
    'Made of the declarations of the routes, as is `GET /v1/openapi.json`, which has every field. HTTPS on port 9443 of each node, HTTP Basic',
    'authentication or a token from `POST /v1/users/authorize`. `anybody` needs no login, `user` any login, everything else a role with that',
    'permission. A refusal is `{"error_code": …, "description": …}`.',
    '',
    '## Routes',
    '',
    '| route | does | query | permission | codes of its own |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '## Codes',
    '',
    '| error_code | status | means | routes that say so |',
    '|---|---|---|---|',
    ...codes,
    '',
  ].join('\n');
};
