/**
 * `antipode replica-of`: the sources of a database. A source is a pasted URL, or a database of the sandbox by its name, which is then
 * connected completely: URL, and where it asks for TLS its cluster's proxy certificate and the trust in our syncer certificate.
 */

import type { Command } from 'commander';
import {
  changeDatabase,
  findDatabase,
  nameOf,
  type Bdb,
  type BdbSource,
  type FoundDatabase,
} from './database-reference.ts';
import { askApi } from './sandbox-api.ts';
import { readText } from './server-options.ts';
import { sourceUrlOf } from './source-url.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

interface SourceOptions {
  readonly compression?: string;
  readonly serverCert?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly sni?: string;
  readonly json?: boolean;
}

type SyncWord = 'enabled' | 'paused' | 'disabled';

export const replicaOf = (program: Command): void => {
  const verb = program.command('replica-of').description('let a database replicate from others');
  withSourceOptions(
    verb.command('set <database> <source...>').description('replicate from exactly these sources'),
  ).action(set);
  withSourceOptions(
    verb.command('add <database> <source>').description('one source more; all start from scratch'),
  ).action(add);
  verb
    .command('remove <database> <uid>')
    .description('take away the source with this uid; the others start from scratch')
    .option('--json', 'print one JSON document, on one line')
    .action(remove);
  for (const [name, word, text] of [
    ['pause', 'paused', 'stop applying what comes; data stay'],
    ['start', 'enabled', 'start or restart: the destination is flushed and filled anew'],
    ['off', 'disabled', 'end replication for good; data stay'],
  ] as const) {
    verb
      .command(`${name} <database>`)
      .description(text)
      .option('--json', 'print one JSON document, on one line')
      .action((reference: string, options: SourceOptions) => turn(reference, word, options));
  }
  verb
    .command('show <database>')
    .description('the sources with their state')
    .option('--json', 'print one JSON document, on one line')
    .action(async (reference: string, options: SourceOptions) => tell(await findDatabase(reference), options));
  verb.addHelpText(
    'after',
    '\nA source is redis://[user:password@]host:port (antipode source-url prints one), or a database of the sandbox: east.local/orders',
  );
};

const withSourceOptions = (command: Command): Command =>
  command
    .option('--compression <level>', '0 (none) to 6, between clusters')
    .option('--server-cert <file>', "turns TLS on: PEM of the source cluster's proxy certificate")
    .option('--client-cert <file>', "identity to show instead of the cluster's syncer certificate")
    .option('--client-key <file>', 'its key')
    .option('--sni <name>', 'name to ask for and to check in the certificate')
    .option('--json', 'print one JSON document, on one line');

const set = async (reference: string, sources: readonly string[], options: SourceOptions): Promise<void> => {
  const found = await findDatabase(reference);
  const bodies = await Promise.all(sources.map((source) => sourceBody(found, source, options)));
  await submit(found, { replica_sources: bodies, replica_sync: 'enabled' }, options);
};

const add = async (reference: string, source: string, options: SourceOptions): Promise<void> => {
  const found = await findDatabase(reference);
  const body = await sourceBody(found, source, options);
  await submit(found, { replica_sources: [...found.bdb.replica_sources, body], replica_sync: 'enabled' }, options);
};

const remove = async (reference: string, uid: string, options: SourceOptions): Promise<void> => {
  const found = await findDatabase(reference);
  const { replica_sources: sources } = found.bdb;
  const left = sources.filter((each) => String(each.uid) !== uid);
  if (left.length === sources.length) {
    const known = sources.map((each) => each.uid).join(', ') || 'none';
    throw new CliFailure(`${nameOf(found)} has no source ${uid}; it has: ${known}`);
  }
  const sync = left.length === 0 ? { replica_sync: 'disabled' } : {};
  await submit(found, { replica_sources: left, ...sync }, options);
};

const turn = async (reference: string, word: SyncWord, options: SourceOptions): Promise<void> =>
  submit(await findDatabase(reference), { replica_sync: word }, options);

const submit = async (found: FoundDatabase, body: object, options: SourceOptions): Promise<void> => {
  const bdb = await changeDatabase(found, { method: 'PUT', body });
  await tell({ ...found, bdb }, options);
};

const sourceBody = async (found: FoundDatabase, source: string, options: SourceOptions): Promise<object> => {
  const { compression, serverCert, clientCert, clientKey, sni } = options;
  if (compression !== undefined && !/^\d+$/.test(compression)) {
    throw new CliFailure(`--compression "${compression}" is not a level from 0 to 6`);
  }
  const given = {
    ...(compression === undefined ? {} : { compression: Number(compression) }),
    ...(serverCert === undefined ? {} : { encryption: true, server_cert: await readText('--server-cert', serverCert) }),
    ...(clientCert === undefined ? {} : { client_cert: await readText('--client-cert', clientCert) }),
    ...(clientKey === undefined ? {} : { client_key: await readText('--client-key', clientKey) }),
    ...(sni === undefined ? {} : { replication_tls_sni: sni }),
  };
  if (source.includes('://')) return { uri: source, ...given };
  const from = await findDatabase(source);
  const tls = from.bdb.tls_mode === 'disabled' || serverCert !== undefined ? {} : await trustEachOther(from, found);
  return { uri: sourceUrlOf(from.bdb), ...tls, ...given };
};

/** The source learns our syncer certificate; we learn the proxy certificate of its cluster. */
const trustEachOther = async (from: FoundDatabase, to: FoundDatabase): Promise<object> => {
  const ours = (await askApi(to.cluster, '/v1/cluster')) as { readonly syncer_certificate: string };
  const theirs = (await askApi(from.cluster, '/v1/cluster')) as { readonly proxy_certificate: string };
  const { authentication_ssl_client_certs: trusted } = from.bdb as Bdb & {
    readonly authentication_ssl_client_certs: readonly { readonly client_cert: string }[];
  };
  if (!trusted.some((each) => each.client_cert === ours.syncer_certificate)) {
    const body = { authentication_ssl_client_certs: [...trusted, { client_cert: ours.syncer_certificate }] };
    await changeDatabase(from, { method: 'PUT', body });
  }
  return { encryption: true, server_cert: theirs.proxy_certificate };
};

const tell = async ({ cluster, bdb }: FoundDatabase, options: SourceOptions): Promise<void> => {
  const { replica_sync: sync, replica_sources: sources } = bdb;
  if (options.json === true) {
    printJson({ cluster: cluster.name, uid: bdb.uid, replica_sync: sync, replica_sources: sources });
    return;
  }
  const { hidePassword } = await import('../replication/replica-of/source-url.ts');
  printLine(`${cluster.name}/${bdb.name}: replica_sync ${sync}`);
  for (const source of sources) printLine(`  ${source.uid}  ${hidePassword(source.uri)}  ${stateOf(source)}`);
};

export const stateOf = (source: BdbSource): string => {
  const percent =
    source.rdb_size === 0 ? 0 : Math.min(100, Math.floor((100 * source.rdb_transferred) / source.rdb_size));
  const extras = [
    source.status === 'syncing' ? `${source.status} ${percent}%` : source.status,
    `lag ${source.lag} ms`,
    source.encryption ? 'TLS' : '',
    source.compression > 0 ? `compression ${source.compression}` : '',
    source.last_error,
  ];
  return extras.filter((part) => part !== '').join(', ');
};
