/** The document of `antipode up --json`: what scripts rely on. Names are only ever added. */

import type { Sandbox } from '../sandbox/sandbox.ts';

export const documentOf = (sandbox: Sandbox) => ({
  ready: true,
  clusters: sandbox.clusters.map((cluster) => ({
    name: cluster.name,
    api: cluster.apiUrl,
    ui: cluster.uiUrl,
    username: cluster.username,
    password: cluster.password,
    databases: cluster.databases.map((database) => ({
      uid: database.uid,
      name: database.name,
      endpoint: database.endpoint,
      host: database.host,
      port: database.port,
      shards: database.shards,
      source_url: database.sourceUrl(),
      replica_sync: database.status().replicaSync,
    })),
  })),
});
