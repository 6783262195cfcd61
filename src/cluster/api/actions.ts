/**
 * /v1/actions and /v2/actions: what the cluster is doing and has done. [RS objects/state-machine, action]
 *
 * In the first form numbers are texts, as recorded: `"progress": "100"`. In the second they are numbers.
 */

import { z } from 'zod';
import type { Action } from '../control/actions.ts';
import { ApiProblem } from './problems.ts';
import { databaseOf, defineRoute, type Call, type Route } from './route.ts';

const seconds = (ms: number): number => Math.floor(ms / 1_000);

const machineReply = z.looseObject({
  action_uid: z.string(),
  name: z.string(),
  status: z.string(),
  progress: z.string(),
});

const listReply = z.object({ actions: z.array(machineReply), 'state-machines': z.array(machineReply) });

const v2Reply = z.looseObject({
  action_uid: z.string(),
  action_type: z.string(),
  name: z.string(),
  status: z.string(),
  progress: z.number(),
  creation_time: z.number().int(),
});

const machineView = (action: Action): z.infer<typeof machineReply> => ({
  action_uid: action.uid,
  object_name: `bdb:${action.databaseUid}`,
  name: action.name,
  status: action.status,
  progress: String(action.progress),
  ...(action.state === '' ? {} : { state: action.state }),
  error: action.error === '' ? null : action.error,
  creation_time: String(seconds(action.createdMs)),
  heartbeat: seconds(action.changedMs),
});

const v2View = (action: Action): z.infer<typeof v2Reply> => ({
  action_uid: action.uid,
  action_type: 'state-machine',
  name: action.name,
  status: action.status,
  progress: action.progress,
  creation_time: seconds(action.createdMs),
  additional_info: {
    object_type: 'bdb',
    object_uid: String(action.databaseUid),
    ...(action.error === '' ? {} : { error: action.error }),
    pending_ops: {},
  },
});

/** All that is done is done by state machines: there are no tasks. */
const listed = (actions: readonly Action[]): z.infer<typeof listReply> => ({
  actions: [],
  'state-machines': actions.map(machineView),
});

const one = ({ control, parameter }: Call<unknown>): Action => {
  const action = control.actions.byUid(parameter('uid'));
  if (action === undefined) throw new ApiProblem('not_found', `there is no action ${parameter('uid')}`);
  return action;
};

export const actionRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/actions',
    summary: 'All actions that are kept.',
    permission: 'view_status_of_cluster_action',
    reply: listReply,
    run: ({ control }) => listed(control.actions.all),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/actions/bdb/:uid',
    summary: 'The actions of a database.',
    permission: 'view_status_of_cluster_action',
    reply: listReply,
    problems: ['db_not_exist'],
    run: (call) => listed(call.control.actions.of(databaseOf(call).uid)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/actions/:uid',
    summary: 'One action.',
    permission: 'view_status_of_cluster_action',
    reply: machineReply,
    problems: ['not_found'],
    run: (call) => machineView(one(call)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v2/actions',
    summary: 'All actions that are kept, with what they concern.',
    permission: 'view_status_of_cluster_action',
    reply: z.array(v2Reply),
    run: ({ control }) => control.actions.all.map(v2View),
  }),

  defineRoute({
    method: 'GET',
    path: '/v2/actions/:uid',
    summary: 'One action, with what it concerns.',
    permission: 'view_status_of_cluster_action',
    reply: v2Reply,
    problems: ['not_found'],
    run: (call) => v2View(one(call)),
  }),
];
