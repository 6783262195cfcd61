/** What `antipode up` tells people when it is ready. Colours where the terminal has them. */

import type { DatabaseStatus, Sandbox, SandboxCluster, SandboxDatabase } from '../sandbox/sandbox.ts';
import { colours as pc } from './colours.ts';

export const bannerOf = (sandbox: Sandbox): string => {
  const lines = sandbox.clusters.flatMap(clusterLines);
  if (sandbox.isAddressShared) {
    lines.push(
      pc.yellow(
        'This system has only 127.0.0.1, so all clusters share it and ports of the second cluster are shifted by 1000, and so on.',
      ),
      '',
    );
  }
  lines.push(pc.dim('antipode status shows more, Ctrl-C ends it'));
  return lines.join('\n');
};

const clusterLines = (cluster: SandboxCluster): string[] => [
  pc.bold(cluster.name),
  `  REST API   ${cluster.apiUrl}  ${pc.dim('user')} ${cluster.username}  ${pc.dim('password')} ${cluster.password}`,
  ...cluster.databases.flatMap(databaseLines),
  ...(cluster.databases.length === 0 ? [pc.dim('  no databases')] : []),
  '',
];

const databaseLines = (database: SandboxDatabase): string[] => {
  const status = database.status();
  const shards = `${database.shards} shard${database.shards === 1 ? '' : 's'}`;
  const tls = database.tlsMode === 'enabled' ? ' --tls --insecure' : '';
  return [
    `  ${pc.bold(database.name)}  ${database.endpoint}, ${shards}  ${pc.dim(`redis-cli${tls} -h ${database.host} -p ${database.port}`)}`,
    `    source URL ${database.sourceUrl()}`,
    ...replicaLines(status).map((line) => `    ${line}`),
  ];
};

/** One line for each source of a destination; none for a database that replicates from nowhere. */
export const replicaLines = (status: DatabaseStatus): string[] => {
  if (status.replicaSync === 'disabled') return [];
  if (status.stopped !== '') return [`Replica Of ${pc.red('stopped')}: ${status.stopped}`];
  return status.sources.map((source) => {
    const name = `Replica Of source ${source.key}`;
    if (source.status === 'in-sync') return `${name} ${pc.green('in-sync')}, lag ${source.lagMs} ms`;
    if (source.status === 'syncing') return `${name} ${pc.yellow(`syncing ${source.percent}%`)}`;
    return `${name} ${pc.red('out-of-sync')}${source.lastError === '' ? '' : `: ${source.lastError}`}`;
  });
};
