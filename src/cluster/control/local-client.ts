/**
 * Asks a database one request as a client of its endpoint would: through the same routing, blocked commands and users.
 *
 * Limits: `TIMEOUT_MS`. Border: who may ask is the API's affair.
 */

import { RequestConnection } from '../../replication/request-connection.ts';
import type { ReaderReply } from '../../resp/reply-reader.ts';
import { Failure } from '../../resp/reply.ts';
import type { Clock, Connection } from '../../world/world.ts';

const TIMEOUT_MS = 10_000;

export type LocalOutcome =
  | { readonly ok: true; readonly reply: ReaderReply }
  | { readonly ok: false; readonly why: 'unavailable' | 'timeout'; readonly detail: string };

/** `login` are the words after AUTH; null: none is needed. Words are binary strings. */
export const askOnce = (
  clock: Clock,
  connection: Connection,
  login: readonly string[] | null,
  words: readonly string[],
): Promise<LocalOutcome> =>
  new Promise((resolve) => {
    const end = (outcome: LocalOutcome): void => {
      timer.cancel();
      client.close();
      resolve(outcome);
    };
    const client = new RequestConnection(connection, {
      closed: (reason) =>
        end({ ok: false, why: 'unavailable', detail: `the endpoint closed the connection (${reason})` }),
    });
    const timer = clock.after(TIMEOUT_MS, () =>
      end({ ok: false, why: 'timeout', detail: `no reply within ${TIMEOUT_MS} ms` }),
    );
    if (login !== null) {
      client.ask(['AUTH', ...login], (reply) => {
        if (reply instanceof Failure)
          end({ ok: false, why: 'unavailable', detail: `the endpoint refuses us: ${reply.text}` });
      });
    }
    client.ask(words, (reply) => end({ ok: true, reply }));
  });
