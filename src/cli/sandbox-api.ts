/** Asks the REST API of a running sandbox's cluster. */

import { requestHttps } from '../world/system-http.ts';
import type { RuntimeCluster } from './runtime-file.ts';
import { CliFailure } from './verb.ts';

const TIMEOUT_MS = 10_000;

export const askApi = async (cluster: RuntimeCluster, path: string): Promise<unknown> => {
  const { name, api, username, password, certificate } = cluster;
  const answer = await requestHttps({
    url: `${api}${path}`,
    method: 'GET',
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}` },
    trusted: certificate,
    timeoutMs: TIMEOUT_MS,
  });
  if (!answer.ok) {
    throw new CliFailure(
      `${name} does not answer at ${api}${path} (${answer.why}): ${answer.detail}; end it with antipode down and start again`,
    );
  }
  if (answer.status !== 200) throw new CliFailure(`${name} answers ${path} with ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body) as unknown;
};
