/** /v1/shards: all shards of a cluster. [RS requests/shards] */

import { z } from 'zod';
import { infoText } from '../../node/commands/info.ts';
import type { Shard } from '../../node/shard/shard.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import type { ShardRecord } from '../state/cluster-state.ts';
import { ApiProblem } from './problems.ts';
import { defineRoute, type Call, type Route } from './route.ts';
import { shardReply, shardView } from './shard-view.ts';

/** `?extra_info_keys=used_memory_rss&extra_info_keys=…`: more of INFO than is shown anyway. */
const extraQuery = {
  extra_info_keys: z.string().meta({ description: 'Names of fields of INFO, separated by commas.' }),
} as const;

export const shardOf = ({ control, parameter }: Pick<Call<unknown>, 'control' | 'parameter'>): ShardRecord => {
  const given = parameter('uid');
  const shard = control.state.shards.find((each) => String(each.uid) === given);
  if (shard === undefined) throw new ApiProblem('not_found', `there is no shard ${given}`);
  return shard;
};

const infoOf = (shard: Shard): ReadonlyMap<string, string> =>
  new Map(
    infoText(shard, [])
      .split('\r\n')
      .flatMap((line) => {
        const [name, ...value] = line.split(':');
        return value.length === 0 ? [] : [[name!, value.join(':')] as const];
      }),
  );

const withExtra = (control: ControlPlane, shard: ShardRecord, asked: string | null) => {
  const view = shardView(control, shard);
  if (asked === null) return view;
  const running = control.shard(shard.uid);
  const info = running === undefined ? new Map<string, string>() : infoOf(running);
  const extra = asked.split(',').flatMap((name) => (info.has(name) ? [[name, info.get(name)!] as const] : []));
  return { ...view, redis_info: { ...view.redis_info, ...Object.fromEntries(extra) } };
};

export const shardRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/shards',
    summary: 'All shards.',
    permission: 'view_all_shard_stats',
    query: extraQuery,
    reply: z.array(shardReply),
    run: ({ control, query }) =>
      control.state.shards.map((shard) => withExtra(control, shard, query('extra_info_keys'))),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/shards/:uid',
    summary: 'One shard.',
    permission: 'view_shard_stats',
    query: extraQuery,
    reply: shardReply,
    problems: ['not_found'],
    run: (call) => withExtra(call.control, shardOf(call), call.query('extra_info_keys')),
  }),
];
