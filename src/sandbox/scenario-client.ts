/**
 * A client for scenarios: one connection over the world's network, so that it lives in a simulation too. It takes and gives ordinary
 * strings (UTF-8); an error reply rejects.
 */

import { parseSourceUrl } from '../replication/replica-of/source-url.ts';
import { openClient, type RequestClient } from '../replication/request-client.ts';
import { Failure } from '../resp/reply.ts';
import type { ReaderReply } from '../resp/reply-reader.ts';
import type { ClientTls, World } from '../world/world.ts';

export type ScenarioReply = string | number | bigint | null | Error | ScenarioReply[];

export class ScenarioClient {
  readonly #client: RequestClient;

  constructor(client: RequestClient) {
    this.#client = client;
  }

  /** Rejects when the server is not to be had or refuses the password. */
  static async open(world: World, url: string, tls: ClientTls | null = null): Promise<ScenarioClient> {
    const parsed = parseSourceUrl(url);
    if (!parsed.ok) throw new Error(parsed.detail);
    const opened = await openClient(world, parsed.url, { tls });
    if (!opened.ok) throw new Error(`${parsed.url.host}:${parsed.url.port}: ${opened.why}: ${opened.detail}`);
    return new ScenarioClient(opened.client);
  }

  async call(...words: readonly (string | number)[]): Promise<ScenarioReply> {
    return ordinary(await this.#client.call(...words.map(binary)));
  }

  /** Sends all requests at once; an error reply is an `Error` in its place. */
  async pipeline(requests: readonly (readonly (string | number)[])[]): Promise<ScenarioReply[]> {
    return (await this.#client.pipeline(requests.map((words) => words.map(binary)))).map(ordinary);
  }

  close(): void {
    this.#client.close();
  }
}

const binary = (word: string | number): string => Buffer.from(String(word), 'utf8').toString('latin1');

function ordinary(reply: ReaderReply): ScenarioReply {
  if (typeof reply === 'string') return Buffer.from(reply, 'latin1').toString('utf8');
  if (reply instanceof Failure) return new Error(reply.text);
  return Array.isArray(reply) ? reply.map(ordinary) : reply;
}
