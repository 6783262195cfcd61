/** /v1/bdbs: databases. [RS requests/bdbs] */

import type { Change } from '../state/change.ts';
import { editOf, wishOf } from './bdb-body.ts';
import { bdbBody } from './bdb-fields.ts';
import { bdbView } from './bdb-view.ts';
import { ApiProblem } from './problems.ts';
import { changed, databaseOf, defineRoute, isoTime, type Call, type Route } from './route.ts';

/** `?dry_run` and `?dry_run=true`: check, change nothing. */
const isDryRun = ({ query }: Pick<Call<unknown>, 'query'>): boolean => !['false', null].includes(query('dry_run'));

/** `?fields=uid,name`: only these. */
const picked = (view: object, fields: string | null): object =>
  fields === null
    ? view
    : Object.fromEntries(Object.entries(view).filter(([name]) => fields.split(',').includes(name)));

/** The database after a change, or after what it would come to. */
const submitted = (call: Call<unknown>, change: Change): object => {
  const { control } = call;
  if (!isDryRun(call)) return bdbView(control, changed(control.submit(change)));
  const outcome = control.dryRun(change);
  return bdbView(control, changed(outcome), outcome.ok ? outcome.state : control.state);
};

export const bdbRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/bdbs',
    summary: 'All databases.',
    run: ({ control, query }) =>
      control.state.databases.map((database) => picked(bdbView(control, database), query('fields'))),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/stats/last',
    summary: 'The latest numbers of all databases, by uid.',
    run: ({ control }) =>
      Object.fromEntries(control.state.databases.map(({ uid }) => [String(uid), statsOf(control, uid)])),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/stats/last/:uid',
    summary: 'The latest numbers of one database, by its uid.',
    run(call) {
      const { uid } = databaseOf(call);
      return { [String(uid)]: statsOf(call.control, uid) };
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid',
    summary: 'One database.',
    run: (call) => picked(bdbView(call.control, databaseOf(call)), call.query('fields')),
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/bdbs',
    summary: 'Creates a database.',
    body: bdbBody,
    run(call) {
      const { control, body } = call;
      const change = control.creation(wishOf(body));
      return submitted(call, change);
    },
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/bdbs/:uid',
    summary: 'Changes a database.',
    body: bdbBody,
    run(call) {
      const { control, body } = call;
      const database = databaseOf(call);
      const { uid } = database;
      if (body.uid !== undefined && body.uid !== uid) {
        throw new ApiProblem('invalid_schema', `uid: a database keeps its uid: it is ${uid}, not ${body.uid}`);
      }
      const change = control.edit(uid, editOf(body, database));
      return submitted(call, change);
    },
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/bdbs/:uid/reset_admin_pass',
    summary: 'Makes a new internal password; destinations that use the old one are cut off.',
    run: (call) => bdbView(call.control, changed(call.control.regeneratePassword(databaseOf(call).uid))),
  }),

  defineRoute({
    method: 'DELETE',
    path: '/v1/bdbs/:uid',
    summary: 'Deletes a database.',
    run: (call) => bdbView(call.control, changed(call.control.deleteDatabase(databaseOf(call).uid))),
  }),
];

/** Every value is a number, as floats in the original. [RS objects/statistics] */
const statsOf = (control: Call<unknown>['control'], uid: number) => {
  const { keys, expiringKeys, connections } = control.sight(uid);
  const now = isoTime(control.world.clock.now());
  return {
    interval: '1sec',
    stime: now,
    etime: now,
    no_of_keys: keys,
    no_of_expires: expiringKeys,
    conns: connections,
  };
};
