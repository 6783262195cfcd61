/** /v1/suffixes: the endings of the names of endpoints. [RS requests/suffixes] */

import { z } from 'zod';
import { suffixesOf, type Suffix } from '../state/suffixes.ts';
import { ApiProblem } from './problems.ts';
import { defineRoute, type Route } from './route.ts';

const suffixReply = z.strictObject({
  name: z.string(),
  default: z.boolean(),
  internal: z.boolean(),
  mdns: z.boolean(),
  use_aaaa_ns: z.boolean(),
  slaves: z.array(z.string()),
});

const suffixView = (suffix: Suffix): z.infer<typeof suffixReply> => ({
  name: suffix.name,
  default: suffix.isDefault,
  internal: suffix.isInternal,
  mdns: suffix.isMulticast,
  use_aaaa_ns: false,
  slaves: [],
});

export const suffixRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/suffixes',
    summary: 'All DNS suffixes.',
    permission: 'view_cluster_info',
    reply: z.array(suffixReply),
    run: ({ control }) => suffixesOf(control.state).map(suffixView),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/suffix/:name',
    summary: 'One DNS suffix.',
    permission: 'view_cluster_info',
    reply: suffixReply,
    problems: ['not_found'],
    run({ control, parameter }) {
      const suffixes = suffixesOf(control.state);
      const suffix = suffixes.find(({ name }) => name === parameter('name'));
      if (suffix !== undefined) return suffixView(suffix);
      const known = suffixes.map(({ name }) => name).join(', ');
      throw new ApiProblem('not_found', `there is no suffix "${parameter('name')}"; there are: ${known}`);
    },
  }),
];
