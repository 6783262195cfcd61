/**
 * Asks the REST API of a running sandbox's cluster. What the API refuses becomes a failure that says the code and the reason.
 *
 * Credentials are those of the sandbox's owner, unless ANTIPODE_USERNAME and ANTIPODE_PASSWORD name somebody else.
 */

import { requestHttps } from '../world/system-http.ts';
import type { RuntimeCluster } from './runtime-file.ts';
import { CliFailure } from './verb.ts';

const TIMEOUT_MS = 10_000;

export interface ApiAsk {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
}

export const askApi = async (cluster: RuntimeCluster, path: string, ask: ApiAsk = {}): Promise<unknown> => {
  const { name, api, certificate } = cluster;
  const method = ask.method ?? 'GET';
  const username = process.env['ANTIPODE_USERNAME'] ?? cluster.username;
  const password = process.env['ANTIPODE_PASSWORD'] ?? cluster.password;
  const answer = await requestHttps({
    url: `${api}${path}`,
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`,
      ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
    trusted: certificate,
    timeoutMs: TIMEOUT_MS,
  });
  if (!answer.ok) {
    throw new CliFailure(
      `${name} does not answer at ${api}${path} (${answer.why}): ${answer.detail}; end it with antipode down and start again`,
    );
  }
  if (answer.status === 200) return answer.body === '' ? null : (JSON.parse(answer.body) as unknown);
  const reason = reasonOf(answer.body);
  if (answer.status === 401) {
    throw new CliFailure(
      `${name} does not let ${username} in: ${reason}; set ANTIPODE_USERNAME and ANTIPODE_PASSWORD to a user of the cluster`,
    );
  }
  throw new CliFailure(`${name} refuses ${method} ${path} (${answer.status}): ${reason}`);
};

/** What the API says in its own words, as `code: description`. */
const reasonOf = (body: string): string => {
  try {
    const { error_code: code, description } = JSON.parse(body) as { error_code?: string; description?: string };
    if (code !== undefined) return description === undefined ? code : `${code}: ${description}`;
  } catch {
    // not ours: shown as it is
  }
  return body;
};
