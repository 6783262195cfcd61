/**
 * /v1/bdbs/{uid}/actions: what is done with a database besides changing it. [RS requests/bdbs/actions]
 *
 * Shards are placed once: rebalancing and revamping find them as their policy wants them, or say that moving them is not emulated.
 */

import { z } from 'zod';
import { REDIS_VERSION } from '../../node/shard/version.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { shardsOf } from '../state/cluster-state.ts';
import { DATABASE_SETTINGS } from '../state/database-settings.ts';
import { SHORT_VERSION } from './bdb-body.ts';
import { bdbReply } from './bdb-fields.ts';
import { bdbView } from './bdb-view.ts';
import { ApiProblem } from './problems.ts';
import { bestPlacement, blueprintOf, blueprintReply } from './shards-blueprint.ts';
import { changed, databaseOf, defineRoute, dryRunQuery, isDryRun, type Call, type Route } from './route.ts';

const actionReply = z.object({ action_uid: z.string() });

/** Ends at once: there is nothing left to do. */
const doneAction = (control: ControlPlane, name: string, uid: number): { action_uid: string } => {
  const action = control.actions.begin(name, uid);
  control.actions.move(action.uid, { status: 'completed', progress: 100 });
  return { action_uid: action.uid };
};

const trafficRoute = (action: 'stop_traffic' | 'resume_traffic', summary: string): Route =>
  defineRoute({
    method: 'POST',
    path: `/v1/bdbs/:uid/actions/${action}`,
    summary,
    permission: 'update_bdb_with_action',
    body: z.strictObject({}),
    isBodyOptional: true,
    reply: actionReply,
    problems: ['db_not_exist', 'busy'],
    run({ control, ...call }) {
      const { uid } = databaseOf({ control, ...call });
      changed(control.setTraffic(uid, action === 'stop_traffic'));
      return { action_uid: control.actions.of(uid).at(-1)?.uid ?? '' };
    },
  });

const rebalanceRoute = (action: 'rebalance' | 'revamp', summary: string): Route =>
  defineRoute({
    method: 'PUT',
    path: `/v1/bdbs/:uid/actions/${action}`,
    summary,
    permission: 'update_bdb_with_action',
    query: { ...dryRunQuery, only_failovers: z.enum(['true', 'false']), max_operations: z.string().regex(/^\d+$/) },
    body: z.looseObject({}),
    isBodyOptional: true,
    reply: z.union([actionReply, blueprintReply]),
    problems: ['db_not_exist', 'not_emulated', 'insufficient_resources'],
    run(call: Call<unknown>) {
      const { control } = call;
      const database = databaseOf(call);
      const now = blueprintOf(database, shardsOf(control.state, database.uid));
      const best = bestPlacement(control.state, database, database.shardsCount, database.settings.shards_placement);
      if (isDryRun(call)) return best;
      const isBest = JSON.stringify(now) === JSON.stringify(best);
      if (!isBest && call.query('only_failovers') !== 'true') {
        throw new ApiProblem('not_emulated', 'moving shards to other nodes is not emulated: they stay where they are');
      }
      return doneAction(control, 'SMRebalanceBDB', database.uid);
    },
  });

const upgradeRoute = (method: 'POST' | 'PUT'): Route =>
  defineRoute({
    method,
    path: '/v1/bdbs/:uid/upgrade',
    summary: 'Brings a database to another version of Redis. The cluster has one.',
    permission: 'update_bdb_with_action',
    body: z.strictObject({
      force_restart: z.boolean().optional(),
      keep_redis_version: z.boolean().optional(),
      keep_crdt_protocol_version: z.boolean().optional(),
      may_discard_data: z.boolean().optional(),
      force_discard: z.boolean().optional(),
      preserve_roles: z.boolean().optional(),
      swap_roles: z.boolean().optional(),
      parallel_shards_upgrade: z.number().int().min(0).optional(),
      modules: z.array(z.unknown()).optional(),
      redis_version: z.string().optional(),
      latest_with_modules: z.boolean().optional(),
    }),
    isBodyOptional: true,
    reply: bdbReply,
    problems: ['db_not_exist', 'invalid_version', 'missing_module', 'not_emulated'],
    run({ control, body, ...call }) {
      const { uid } = databaseOf({ control, ...call });
      const version = body.redis_version;
      if (version !== undefined && ![REDIS_VERSION, SHORT_VERSION].includes(version)) {
        throw new ApiProblem('invalid_version', `redis_version "${version}": the cluster has ${SHORT_VERSION} only`);
      }
      if ((body.modules ?? []).length > 0) throw new ApiProblem('missing_module', 'modules: the cluster has none');
      if (body.force_restart === true) {
        throw new ApiProblem(
          'not_emulated',
          'restarting the shards of a database is not emulated: leave force_restart out',
        );
      }
      const done = doneAction(control, 'SMUpgradeBDB', uid);
      return { ...bdbView(control, databaseOf({ control, ...call })), ...done };
    },
  });

export const bdbActionRoutes: readonly Route[] = [
  trafficRoute('stop_traffic', 'Closes the endpoints of a database, with every connection.'),
  trafficRoute('resume_traffic', 'Opens the endpoints again.'),
  rebalanceRoute('rebalance', 'Places the shards as the policy says.'),
  rebalanceRoute('revamp', 'Places shards and endpoints as the policies say.'),
  upgradeRoute('POST'),
  upgradeRoute('PUT'),

  defineRoute({
    method: 'PUT',
    path: '/v1/bdbs/:uid/actions/backup_reset_status',
    summary: 'Forgets the outcome of the last periodic backup: there is none.',
    permission: 'reset_bdb_current_backup_status',
    body: z.strictObject({}),
    isBodyOptional: true,
    reply: z.strictObject({}),
    problems: ['db_not_exist'],
    run(call: Call<unknown>) {
      databaseOf(call);
      return {};
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid/actions/optimize_shards_placement',
    summary: 'Where the shards would go now.',
    permission: 'view_bdb_info',
    query: {
      shards_count: z.string().regex(/^[1-9]\d{0,2}$/),
      memory_size: z.string().regex(/^\d{1,15}$/),
      shards_placement: z.enum(DATABASE_SETTINGS.shards_placement.values),
      replication: z.enum(['enabled', 'disabled']),
      bigstore_ram_size: z.string().regex(/^\d{1,15}$/),
      avoid_nodes: z.string(),
    },
    reply: blueprintReply,
    problems: ['db_not_exist', 'insufficient_resources'],
    run(call) {
      const database = databaseOf(call);
      const count = Number(call.query('shards_count') ?? database.shardsCount);
      const asked = DATABASE_SETTINGS.shards_placement.values.find((each) => each === call.query('shards_placement'));
      return bestPlacement(call.control.state, database, count, asked ?? database.settings.shards_placement);
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid/actions/recover',
    summary: 'What a database could be recovered from: nothing, while it runs.',
    permission: 'view_bdb_recovery_plan',
    reply: z.object({ data_files: z.array(z.unknown()), status: z.string() }),
    problems: ['db_not_exist'],
    run(call) {
      databaseOf(call);
      return { data_files: [], status: 'not_needed' };
    },
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/bdbs/:uid/actions/recover',
    summary: 'Recovers a database; one that runs is refused.',
    permission: 'start_bdb_recovery',
    body: z.looseObject({}),
    isBodyOptional: true,
    problems: ['db_not_exist', 'not_recoverable'],
    run(call: Call<unknown>) {
      const { uid, status } = databaseOf(call);
      throw new ApiProblem('not_recoverable', `database ${uid} is ${status}: there is nothing to recover`);
    },
  }),
];
