/**
 * The sockets of a cluster's REST API: HTTPS on each of its nodes, and plain HTTP while the cluster has `http_support` on.
 * [RS rest-api: ports]
 *
 * That HTTPS cannot listen keeps a sandbox from starting; that HTTP cannot is told in the log and tried again at the cluster's next
 * change.
 */

import { apiTls } from '../cluster/control/tls-policy.ts';
import { serveHttp, serveHttps, type HttpServer } from '../world/system-http.ts';
import type { ClusterPlace } from './addresses.ts';
import type { SandboxCluster } from './cluster.ts';
import { SandboxError } from './options.ts';
import { SwitchedService } from './switched-service.ts';

export class ApiDoors {
  readonly #cluster: SandboxCluster;
  readonly #place: ClusterPlace;
  readonly #https: HttpServer[] = [];
  readonly #http: readonly SwitchedService<HttpServer>[];
  #ends: () => void = () => {};

  constructor(cluster: SandboxCluster, place: ClusterPlace) {
    this.#cluster = cluster;
    this.#place = place;
    this.#http = this.#hosts.map(
      (host) =>
        new SwitchedService(async () => {
          const at = { host, port: place.apiHttpPort };
          const outcome = await serveHttp(at, (request) => cluster.api(request));
          if (outcome.ok) return { ok: true, service: outcome.server };
          const { why, detail } = outcome;
          cluster.control.world.log.event('http-not-open', { cluster: cluster.name, host, port: at.port, why, detail });
          return { ok: false, detail };
        }),
    );
  }

  /** Throws why HTTPS cannot listen. `index`: which cluster of the configuration it is. */
  async open(index: number): Promise<void> {
    const opened = await Promise.allSettled(this.#hosts.map((host) => this.#openHttps(index, host)));
    for (const each of opened) if (each.status === 'rejected') throw each.reason;
    this.#ends = this.#cluster.control.onChange(() => void this.#followHttp());
    await this.#followHttp();
  }

  async close(): Promise<void> {
    this.#ends();
    await Promise.all([...this.#https.map((server) => server.close()), ...this.#http.map((each) => each.turn(false))]);
  }

  get #hosts(): readonly string[] {
    return [...new Set(this.#cluster.nodes.map((node) => node.address))];
  }

  async #openHttps(index: number, host: string): Promise<void> {
    const { name, control } = this.#cluster;
    const { apiPort: port } = this.#place;
    const tls = () => apiTls(control.state);
    const outcome = await serveHttps({ host, port }, tls, (request) => this.#cluster.api(request));
    if (!outcome.ok) {
      const what = `the REST API of ${name} cannot listen on ${host}:${port}`;
      const advice =
        outcome.why === 'in-use'
          ? 'another sandbox may be running (antipode down ends it), or give the cluster another subnet in the config file'
          : 'choose another subnet in the config file';
      throw new SandboxError(`${what} (${outcome.why}): ${outcome.detail}; ${advice}`, ['clusters', index]);
    }
    this.#https.push(outcome.server);
  }

  async #followHttp(): Promise<void> {
    const isOn = this.#cluster.control.state.settings.http_support;
    await Promise.all(this.#http.map((each) => each.turn(isOn)));
  }
}
