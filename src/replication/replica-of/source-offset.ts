/**
 * Up to where a source shard has written, asked once by an ordinary client as its stream begins to flow: only a reader that has come
 * so far is in sync. The stream itself does not say how much of it is still on its way.
 *
 * A server that does not tell, or tells of another history than the one being read, is not waited for: null.
 */

import type { ReaderReply } from '../../resp/reply-reader.ts';
import type { ClientTls, Network } from '../../world/world.ts';
import { RequestConnection } from '../request-connection.ts';
import type { SourceUrl } from './source-url.ts';

const TIMEOUT_MS = 10_000;

interface SourceOffsetQuestion {
  readonly network: Network;
  readonly after: (ms: number, then: () => void) => { cancel(): void };
  readonly url: SourceUrl;
  readonly tls: ClientTls | null;
  /** Chooses the shard behind an endpoint. */
  readonly preamble: readonly (readonly string[])[];
  readonly replicationId: string;
}

/** Calls `done` once. */
export function askSourceOffset(question: SourceOffsetQuestion, done: (offset: number | null) => void): void {
  const { network, after, url, tls, preamble, replicationId } = question;
  void network.connect({ host: url.host, port: url.port }, { tls, timeoutMs: TIMEOUT_MS }).then((outcome) => {
    if (!outcome.ok) {
      done(null);
      return;
    }
    let isOver = false;
    const end = (offset: number | null): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      connection.close();
      done(offset);
    };
    const connection = new RequestConnection(outcome.connection, { closed: () => end(null) });
    const timer = after(TIMEOUT_MS, () => end(null));
    if (url.password !== null) {
      connection.ask(['AUTH', ...(url.username === null ? [] : [url.username]), url.password], ignore);
    }
    for (const words of preamble) connection.ask(words, ignore);
    connection.ask(['INFO', 'replication'], (reply) => end(offsetIn(reply, replicationId)));
  });
}

const ignore = (): void => undefined;

function offsetIn(reply: ReaderReply, replicationId: string): number | null {
  if (typeof reply !== 'string' || !new RegExp(`^master_replid:${replicationId}\r?$`, 'm').test(reply)) return null;
  const offset = /^master_repl_offset:(\d{1,16})\r?$/m.exec(reply)?.[1];
  return offset === undefined ? null : Number(offset);
}
