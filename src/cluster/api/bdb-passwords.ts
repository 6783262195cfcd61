/** /v1/bdbs/{uid}/passwords: the passwords of a database's default user; any of them lets it in. [RS requests/bdbs/passwords] */

import { z } from 'zod';
import type { DatabaseRecord } from '../state/cluster-state.ts';
import { ApiProblem } from './problems.ts';
import { changed, databaseOf, defineRoute, type Route } from './route.ts';

const body = z.strictObject({ password: z.string() });

const passwordRoute = (
  method: 'PUT' | 'POST' | 'DELETE',
  summary: string,
  next: (database: DatabaseRecord, password: string) => readonly string[],
): Route =>
  defineRoute({
    method,
    path: '/v1/bdbs/:uid/passwords',
    summary,
    permission: 'update_bdb',
    body,
    reply: z.strictObject({}),
    problems: ['db_not_exist', 'busy', 'invalid_password'],
    run(call) {
      const database = databaseOf(call);
      const passwords = next(database, call.body.password);
      changed(call.control.submit(call.control.edit(database.uid, { passwords })));
      return {};
    },
  });

export const bdbPasswordRoutes: readonly Route[] = [
  passwordRoute('PUT', 'Sets a single password.', (_, password) => [password]),
  passwordRoute('POST', 'Adds a password.', ({ passwords }, password) => {
    if (passwords.includes(password))
      throw new ApiProblem('invalid_password', 'the database has this password already');
    return [...passwords, password];
  }),
  passwordRoute('DELETE', 'Removes a password.', ({ passwords }, password) => {
    if (!passwords.includes(password)) throw new ApiProblem('invalid_password', 'the database has no such password');
    return passwords.filter((each) => each !== password);
  }),
];
