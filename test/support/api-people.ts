/** Asks the REST API as somebody in particular. */

import type { SandboxCluster } from '../../src/sandbox/sandbox.ts';
import type { Answer } from './api.ts';

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;

/** With this header Authorization; null: with none. Bodies are JSON; an answer without a body is null. */
export const askingAs =
  (cluster: SandboxCluster, authorization: string | null) =>
  async (
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const answer = await cluster.api(
      new Request(`https://${cluster.name}:9443${path}`, {
        method,
        headers: {
          ...(authorization === null ? {} : { authorization }),
          'content-type': 'application/json',
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, json: text === '' ? null : JSON.parse(text) };
  };
