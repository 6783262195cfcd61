/** Asks the REST API of a sandbox's cluster as its administrator, without HTTPS. */

import type { SandboxCluster } from '../../src/sandbox/sandbox.ts';
import { inSimulation, type SimStory } from './sandboxes.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // What a test reads of it, it compares.
  readonly json: any; // eslint-disable-line
}

export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

const login = (cluster: SandboxCluster): string =>
  `Basic ${Buffer.from(`${cluster.username}:${cluster.password}`).toString('base64')}`;

/** A body that is a text is sent as it is. */
export const asking =
  (cluster: SandboxCluster): Ask =>
  async (method, path, body, headers = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await cluster.api(
      new Request(`https://${cluster.name}:9443${path}`, {
        method,
        headers: { authorization: login(cluster), 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: text }),
      }),
    );
    return { status: answer.status, headers: answer.headers, json: JSON.parse(await answer.text()) };
  };

/** Of the cluster west, which replicates `orders` of east into `orders-copy`. */
export const apiStory = (told: (ask: Ask, story: SimStory) => Promise<void>): Promise<void> =>
  inSimulation({}, (simulated) => told(asking(simulated.sandbox.cluster('west.local')), simulated));
