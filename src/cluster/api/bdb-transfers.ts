/**
 * /v1/bdbs/{uid}/actions/export and import: all data of a database to and from RDB files. [RS requests/bdbs/actions]
 *
 * Of the product's kinds of places only folders of this machine are there (`mount_point`); the others are refused by name.
 */

import { z } from 'zod';
import { SOURCES_MAX } from '../control/dataset-transfer.ts';
import type { DatabaseRecord } from '../state/cluster-state.ts';
import { ApiProblem } from './problems.ts';
import { databaseOf, defineRoute, type Call, type Route } from './route.ts';

const PATH_LENGTH_MAX = 4_096;

const place = z.looseObject({
  type: z.string().meta({ description: 'mount_point; others (url, ftp, s3 …) are refused as not emulated.' }),
  path: z
    .string()
    .max(PATH_LENGTH_MAX)
    .optional()
    .meta({ description: 'Full path of a folder (export) or a file (import).' }),
});

const pathOf = ({ type, path }: z.infer<typeof place>): string => {
  if (type !== 'mount_point') {
    throw new ApiProblem('not_emulated', `type "${type}" is not emulated: use mount_point and a path of this machine`);
  }
  if (path === undefined || !/^\/[^\0]*$/.test(path)) {
    throw new ApiProblem('invalid_param', `path ${JSON.stringify(path ?? null)} is not a full path: it begins with /`);
  }
  return path;
};

const reply = z.object({ action_uid: z.string() });

/** A database that may be transferred now. */
const freeDatabase = (call: Pick<Call<unknown>, 'control' | 'parameter'>): DatabaseRecord => {
  const database = databaseOf(call);
  if (database.status !== 'active') {
    throw new ApiProblem('busy', `database ${database.uid} is ${database.status}: try again when it is active`);
  }
  if (call.control.transfers.isRunning(database.uid)) {
    throw new ApiProblem(
      'busy',
      `database ${database.uid} is being exported or imported; /v1/actions tells how far it is`,
    );
  }
  return database;
};

const resetRoute = (kind: 'export' | 'import'): Route =>
  defineRoute({
    method: 'PUT',
    path: `/v1/bdbs/:uid/actions/${kind}_reset_status`,
    summary: `Forgets how the last ${kind} went, unless it is going on.`,
    permission: kind === 'export' ? 'reset_bdb_current_export_status' : 'reset_bdb_current_import_status',
    body: z.strictObject({}),
    isBodyOptional: true,
    reply: z.strictObject({}),
    problems: ['db_not_exist'],
    run(call: Call<unknown>) {
      call.control.transfers.reset(kind, databaseOf(call).uid);
      return {};
    },
  });

export const bdbTransferRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/v1/bdbs/:uid/actions/export',
    summary: 'Writes all data of a database to RDB files, one for each shard, in a folder.',
    permission: 'start_bdb_export',
    body: z.strictObject({ export_location: place, email_notification: z.boolean().optional() }),
    reply,
    problems: ['db_not_exist', 'busy', 'not_emulated', 'invalid_param'],
    run(call) {
      const database = freeDatabase(call);
      const path = pathOf(call.body.export_location);
      return { action_uid: call.control.transfers.export(database, path).uid };
    },
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/bdbs/:uid/actions/import',
    summary: 'Replaces all data of a database by what RDB files hold, of whichever server.',
    permission: 'start_bdb_import',
    body: z.strictObject({
      dataset_import_sources: z.array(place).min(1).max(SOURCES_MAX),
      email_notification: z.boolean().optional(),
    }),
    reply,
    problems: ['db_not_exist', 'busy', 'not_emulated', 'invalid_param'],
    run(call) {
      const database = freeDatabase(call);
      const paths = call.body.dataset_import_sources.map(pathOf);
      return { action_uid: call.control.transfers.import(database, paths).uid };
    },
  }),

  resetRoute('export'),
  resetRoute('import'),
];
