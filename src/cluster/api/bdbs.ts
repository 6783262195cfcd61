/** /v1/bdbs: databases, made, changed and taken away. [RS requests/bdbs] */

import { z } from 'zod';
import type { Change } from '../state/change.ts';
import { editOf, wishOf } from './bdb-body.ts';
import { bdbBody, bdbReply, type BdbBody } from './bdb-fields.ts';
import { bdbView } from './bdb-view.ts';
import { ApiProblem } from './problems.ts';
import { checkPlaces } from './shards-blueprint.ts';
import { changed, databaseOf, defineRoute, dryRunQuery, isDryRun, type Call, type Route } from './route.ts';

/** `?fields=uid,name`: only these. `extended` adds nothing: a database is always shown whole. */
const listQuery = { fields: z.string(), extended: z.enum(['', 'true', 'false']) } as const;

const picked = (view: object, fields: string | null): object =>
  fields === null
    ? view
    : Object.fromEntries(Object.entries(view).filter(([name]) => fields.split(',').includes(name)));

/** The database after a change, or after what it would come to. */
const submitted = (call: Call<BdbBody>, change: Change): object => {
  const { control } = call;
  const outcome = control.dryRun(change);
  if (outcome.ok) checkPlaces(outcome.state, outcome.uid, call.body);
  if (isDryRun(call)) return bdbView(control, changed(outcome), outcome.ok ? outcome.state : control.state);
  return bdbView(control, changed(control.submit(change)));
};

const create = (call: Call<BdbBody>): object => submitted(call, call.control.creation(wishOf(call.body)));

const update = (call: Call<BdbBody>): object => {
  const database = databaseOf(call);
  const { uid } = database;
  if (call.body.uid !== undefined && call.body.uid !== uid) {
    throw new ApiProblem('invalid_schema', `uid: a database keeps its uid: it is ${uid}, not ${call.body.uid}`);
  }
  return submitted(call, call.control.edit(uid, editOf(call.body, database)));
};

/** What a v2 body may hold besides the database. */
const recoveryPlan = z.looseObject({ data_files: z.array(z.unknown()).optional() });

const v2Body = z.union([z.strictObject({ bdb: bdbBody, recovery_plan: recoveryPlan.nullish() }), bdbBody]);

export const bdbRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/bdbs',
    summary: 'All databases.',
    permission: 'view_all_bdbs_info',
    query: listQuery,
    reply: z.array(bdbReply.partial()),
    run: ({ control, query }) =>
      control.state.databases.map((database) => picked(bdbView(control, database), query('fields'))),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid',
    summary: 'One database.',
    permission: 'view_bdb_info',
    query: listQuery,
    reply: bdbReply.partial(),
    problems: ['db_not_exist'],
    run: (call) => picked(bdbView(call.control, databaseOf(call)), call.query('fields')),
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/bdbs',
    summary: 'Creates a database.',
    permission: 'create_bdb',
    query: dryRunQuery,
    body: bdbBody,
    reply: bdbReply,
    run: create,
  }),

  defineRoute({
    method: 'POST',
    path: '/v2/bdbs',
    summary: 'Creates a database: its fields under "bdb", or as they are.',
    permission: 'create_bdb',
    query: dryRunQuery,
    body: v2Body,
    reply: bdbReply,
    run(call) {
      const { body } = call;
      if (!('bdb' in body)) return create({ ...call, body });
      if ((body.recovery_plan?.data_files ?? []).length > 0) {
        const advice = 'leave recovery_plan out, and import the data';
        throw new ApiProblem(
          'not_emulated',
          `creating a database from the files of another is not emulated: ${advice}`,
        );
      }
      return create({ ...call, body: body.bdb });
    },
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/bdbs/:uid',
    summary: 'Changes a database.',
    permission: 'update_bdb',
    query: dryRunQuery,
    body: bdbBody,
    reply: bdbReply,
    problems: ['db_not_exist', 'busy'],
    run: update,
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/bdbs/:uid/reset_admin_pass',
    summary:
      'Makes a new internal password; destinations that use the old one are cut off. May change the database as well.',
    permission: 'update_bdb_with_action',
    query: dryRunQuery,
    body: bdbBody,
    isBodyOptional: true,
    reply: bdbReply,
    problems: ['db_not_exist', 'busy'],
    run(call) {
      const view = update(call);
      if (isDryRun(call)) return view;
      return bdbView(call.control, changed(call.control.regeneratePassword(databaseOf(call).uid)));
    },
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/bdbs/:uid/flush',
    summary: 'Removes all keys. May change the database as well.',
    permission: 'update_bdb_with_action',
    query: dryRunQuery,
    body: bdbBody,
    isBodyOptional: true,
    reply: bdbReply,
    problems: ['db_not_exist', 'busy'],
    run(call) {
      const view = update(call);
      if (isDryRun(call)) return view;
      const { uid } = databaseOf(call);
      const action = call.control.flush(uid);
      return { ...bdbView(call.control, databaseOf(call)), action_uid: action.uid };
    },
  }),

  defineRoute({
    method: 'DELETE',
    path: '/v1/bdbs/:uid',
    summary: 'Deletes a database.',
    permission: 'delete_bdb',
    reply: bdbReply,
    problems: ['db_not_exist', 'busy'],
    run: (call) => bdbView(call.control, changed(call.control.deleteDatabase(databaseOf(call).uid))),
  }),
];
