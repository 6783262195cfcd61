/**
 * What a server is, asked once by an ordinary client before anything is replicated: which shards lie behind the address, and
 * who it is (run id), so that a database replicating itself is found out. A server that does not know our question is one shard.
 */

import type { ReaderReply } from '../../resp/reply-reader.ts';
import { encodeRequest, Failure } from '../../resp/reply.ts';
import type { ClientTls, ConnectFailure, Network } from '../../world/world.ts';
import { RequestConnection } from '../request-connection.ts';
import type { SourceUrl } from './source-url.ts';
import { isPassing } from './stop-causes.ts';

export interface Topology {
  /** Rules by which an Antipode database spreads keys; null for any other server. */
  readonly hashingRules: readonly string[] | null;
  /** Per shard its slot ranges; one entry without ranges for a server that is a single shard. */
  readonly shards: readonly { readonly index: number; readonly ranges: readonly { first: number; last: number }[] }[];
  /** `run_id` of INFO; empty when it is not told. */
  readonly runId: string;
  /** Run ids of the servers that it is filled from itself, however far back; empty when it does not tell. */
  readonly origins: readonly string[];
  readonly version: string;
  readonly keys: number;
}

export type TopologyOutcome =
  | { readonly ok: true; readonly topology: Topology }
  | { readonly ok: false; readonly why: 'connection'; readonly failure: ConnectFailure; readonly detail: string }
  | { readonly ok: false; readonly why: 'authentication' | 'refused'; readonly detail: string };

export interface ServerAccess {
  readonly url: SourceUrl;
  readonly tls: ClientTls | null;
  readonly timeoutMs: number;
}

export function askTopology(
  network: Network,
  after: (ms: number, then: () => void) => { cancel(): void },
  access: ServerAccess,
  done: (outcome: TopologyOutcome) => void,
): void {
  const { url } = access;
  let finished = false;
  const finish = (outcome: TopologyOutcome): void => {
    if (finished) return;
    finished = true;
    done(outcome);
  };
  void network
    .connect({ host: url.host, port: url.port }, { tls: access.tls, timeoutMs: access.timeoutMs })
    .then((outcome) => {
      if (!outcome.ok) {
        finish({
          ok: false,
          why: 'connection',
          failure: outcome.why,
          detail: `${url.host}:${url.port}: ${outcome.detail}`,
        });
        return;
      }
      const connection = new RequestConnection(outcome.connection, {
        closed: (reason) => {
          // A server that turns connections away says why and hangs up.
          const detail = rows instanceof Failure ? turnedAway(rows.text) : null;
          finish({
            ok: false,
            why: 'connection',
            failure: detail === null ? 'reset' : 'refused',
            detail: detail ?? `closed during the first questions (${reason})`,
          });
        },
      });
      let rows: ReaderReply = null;
      const timer = after(access.timeoutMs, () => {
        connection.close();
        finish({ ok: false, why: 'connection', failure: 'timeout', detail: `no answer within ${access.timeoutMs} ms` });
      });
      const end = (result: TopologyOutcome): void => {
        timer.cancel();
        connection.close();
        finish(result);
      };
      const authenticated = (reply: ReaderReply): void => {
        // A server without a password says so; the password is then simply not needed [RS: AUTH is sent when the URL has one]
        if (!(reply instanceof Failure) || reply.text.includes('without any password configured')) return;
        if (isPassing(reply.text)) end({ ok: false, why: 'connection', failure: 'refused', detail: reply.text });
        else end({ ok: false, why: 'authentication', detail: reply.text });
      };
      const informed = (reply: ReaderReply): void => {
        if (finished) return;
        if (reply instanceof Failure) {
          if (reply.text.startsWith('NOAUTH')) end({ ok: false, why: 'authentication', detail: reply.text });
          else if (isPassing(reply.text)) end({ ok: false, why: 'connection', failure: 'refused', detail: reply.text });
          else end({ ok: true, topology: readTopology(rows, '') }); // INFO withheld: go on without
          return;
        }
        end({ ok: true, topology: readTopology(rows, typeof reply === 'string' ? reply : '') });
      };
      const credentials = url.username === null ? [url.password ?? ''] : [url.username, url.password ?? ''];
      const questions: readonly (readonly [words: readonly string[], take: (reply: ReaderReply) => void])[] = [
        ...(url.password === null ? [] : [[['AUTH', ...credentials], authenticated] as const]),
        [['ANTIPODE', 'TOPOLOGY'], (reply) => (rows = reply)],
        [['INFO'], informed],
      ];
      // In one write: after a server has hung up a second one fails at once, and what it said before is never read
      const bytes = questions.map(([words]) => encodeRequest(words)).join('');
      connection.send(bytes, questions.length, (reply, at) => questions[at]![1](reply));
    });
}

/** Why a server takes no connection from us now; null: it does not say. [redis networking.c acceptCommonHandler] */
const turnedAway = (text: string): string | null =>
  text.startsWith('DENIED')
    ? `${text.split('. ')[0]}; set a password there, or protected-mode to "no"`
    : isPassing(text)
      ? text
      : null;

function readTopology(rows: ReaderReply, info: string): Topology {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
  const keys = [...info.matchAll(/^db\d+:keys=(\d+)/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
  const facts = { runId: field('run_id'), version: field('redis_version'), keys };
  if (!Array.isArray(rows) || rows[0] !== 'hashing')
    return { hashingRules: null, shards: [{ index: 0, ranges: [] }], origins: [], ...facts };
  const shards = new Map<number, { index: number; ranges: { first: number; last: number }[] }>();
  for (const row of rows[3] as [number, number, number][]) {
    const shard = shards.get(row[0]) ?? { index: row[0], ranges: [] };
    shard.ranges.push({ first: row[1], last: row[2] });
    shards.set(row[0], shard);
  }
  return {
    hashingRules: rows[1] as string[],
    shards: [...shards.values()].sort((a, b) => a.index - b.index),
    origins: Array.isArray(rows[5]) ? (rows[5] as string[]) : [],
    ...facts,
  };
}
