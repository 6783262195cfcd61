/**
 * /v1/bdbs/{uid}/command: one request, carried out as a client of the endpoint would have it. Status replies `OK` and `PONG` come
 * back as true; an error reply is a 400 with its text. [RS requests/bdbs/command]
 *
 * Refused are requests that are not one reply: subscriptions, replication, other protocols.
 */

import { z } from 'zod';
import type { ReaderReply } from '../../resp/reply-reader.ts';
import { Failure } from '../../resp/reply.ts';
import { ApiProblem } from './problems.ts';
import { databaseOf, defineRoute, type Route } from './route.ts';

const WORDS_MAX = 10_000;

const NOT_ONE_REPLY: ReadonlySet<string> = new Set([
  'SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE', 'UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE', 'MONITOR', 'SYNC', 'PSYNC', 'REPLCONF',
  'ANTIPODE', 'HELLO', 'QUIT', 'RESET', 'CLIENT', 'AUTH', 'MULTI',
]); // prettier-ignore

const binary = (text: string): string => Buffer.from(text, 'utf8').latin1Slice();

const jsonOf = (reply: ReaderReply): unknown => {
  if (reply instanceof Failure) return { error: text(reply.text) };
  if (Array.isArray(reply)) return reply.map(jsonOf);
  if (typeof reply === 'bigint') return Number(reply);
  return typeof reply === 'string' ? text(reply) : reply;
};

const text = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

export const bdbCommandRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/v1/bdbs/:uid/command',
    summary: 'Carries out one request in a database.',
    permission: 'update_bdb',
    body: z.strictObject({
      command: z.string().min(1),
      args: z
        .array(z.union([z.string(), z.number()]))
        .max(WORDS_MAX)
        .optional(),
    }),
    reply: z.object({ response: z.unknown() }),
    problems: ['db_not_exist', 'command_failed', 'bdb_unavailable'],
    async run({ control, body, ...call }) {
      const { uid } = databaseOf({ control, ...call });
      // redisctl sends a whole line; arguments that hold blanks come in `args`.
      const words = [...body.command.trim().split(/\s+/), ...(body.args ?? []).map(String)];
      const name = words[0]!.toUpperCase();
      if (NOT_ONE_REPLY.has(name)) {
        throw new ApiProblem('command_failed', `${name} cannot be asked this way: connect to the database's endpoint`);
      }
      const outcome = await control.ask(uid, words.map(binary));
      if (!outcome.ok) throw new ApiProblem('bdb_unavailable', outcome.detail);
      const { reply } = outcome;
      if (reply instanceof Failure) throw new ApiProblem('command_failed', text(reply.text));
      return { response: reply === 'OK' || (reply === 'PONG' && name === 'PING') ? true : jsonOf(reply) };
    },
  }),
];
