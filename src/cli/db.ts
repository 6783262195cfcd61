/** `antipode db`: the databases of the running sandbox, made and changed through its REST API. */

import type { Command } from 'commander';
import { bodyOf, withFieldOptions, type FieldOptions } from './bdb-fields.ts';
import {
  changeDatabase,
  everyDatabase,
  findCluster,
  findDatabase,
  nameOf,
  waitActive,
  type Bdb,
} from './database-reference.ts';
import { askApi } from './sandbox-api.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

interface JsonOption {
  readonly json?: boolean;
}

interface CreateOptions extends FieldOptions, JsonOption {
  readonly cluster?: string;
  readonly port?: string;
  readonly shards?: string;
  readonly dryRun?: boolean;
}

const JSON_OPTION = ['--json', 'print one JSON document, on one line'] as const;
const DATABASE = 'name, cluster/name or uid';

export const db = (program: Command): void => {
  const verb = program.command('db').description('make, show and change the databases of the running sandbox');
  verb
    .command('list')
    .description('all databases')
    .option(...JSON_OPTION)
    .action(list);
  verb
    .command('show <database>')
    .description('every field of a database')
    .option('--field <name>', 'this field only')
    .option(...JSON_OPTION)
    .action(show);
  withFieldOptions(
    verb
      .command('create <name>')
      .description('make a database')
      .option('--cluster <name>', 'in which cluster; not needed where there is one')
      .option('--port <number>', 'its port; without it the cluster chooses one')
      .option('--shards <number>', 'how many shards')
      .option('--dry-run', 'only check it')
      .option(...JSON_OPTION),
  ).action(create);
  withFieldOptions(
    verb
      .command('update <database>')
      .description('change fields of a database')
      .option(...JSON_OPTION),
  ).action(update);
  verb
    .command('flush <database>')
    .description('delete every key of a database')
    .option(...JSON_OPTION)
    .action(flush);
  verb
    .command('delete <database>')
    .description('delete a database')
    .option(...JSON_OPTION)
    .action(remove);
  verb.addHelpText('after', `\nA database is named by ${DATABASE}: orders, east.local/orders, east.local/1`);
};

const list = async (options: JsonOption): Promise<void> => {
  const all = await everyDatabase();
  if (options.json === true) {
    printJson({ databases: all.map(({ cluster, bdb }) => ({ cluster: cluster.name, ...bdb })) });
    return;
  }
  for (const found of all) printLine(lineOf(found.cluster.name, found.bdb));
  if (all.length === 0) printLine('no databases; make one: antipode db create NAME');
};

const lineOf = (cluster: string, bdb: Bdb): string =>
  [`${cluster}/${bdb.name}`, `uid ${bdb.uid}`, placeOf(bdb), `${bdb.shards_count} shards`, bdb.status].join('  ');

const placeOf = ({ endpoints: [first] }: Bdb): string => (first === undefined ? '' : `${first.dns_name}:${first.port}`);

const show = async (reference: string, options: JsonOption & { readonly field?: string }): Promise<void> => {
  const { bdb } = await findDatabase(reference);
  const { field } = options;
  if (field !== undefined && !Object.hasOwn(bdb, field)) {
    throw new CliFailure(`a database has no field "${field}"; it has: ${Object.keys(bdb).toSorted().join(', ')}`);
  }
  const shown = Object.entries(bdb).filter(([name]) => field === undefined || name === field);
  if (options.json === true) printJson(Object.fromEntries(shown));
  else for (const [name, value] of shown) printLine(field === undefined ? `${name}: ${plain(value)}` : plain(value));
};

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const create = async (name: string, options: CreateOptions): Promise<void> => {
  const cluster = await findCluster(options.cluster);
  const shards = wholeOf('--shards', options.shards);
  const body = {
    name,
    memory_size: 0,
    ...(options.port === undefined ? {} : { port: wholeOf('--port', options.port) }),
    // The standard rules, which the API wants named.
    ...(shards === undefined ? {} : { shards_count: shards, sharding: shards > 1, oss_sharding: shards > 1 }),
    ...(await bodyOf(options)),
  };
  const path = options.dryRun === true ? '/v1/bdbs?dry_run=true' : '/v1/bdbs';
  const made = (await askApi(cluster, path, { method: 'POST', body })) as Bdb;
  const bdb = options.dryRun === true ? made : await waitActive(cluster, made.uid);
  if (options.json === true) printJson(bdb);
  else printLine(options.dryRun === true ? `${cluster.name} would make ${name}` : lineOf(cluster.name, bdb));
};

const wholeOf = (option: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new CliFailure(`${option} "${text}" is not a whole number`);
  return Number(text);
};

const update = async (reference: string, options: FieldOptions & JsonOption): Promise<void> => {
  const body = await bodyOf(options);
  if (Object.keys(body).length === 0)
    throw new CliFailure('nothing to change; name a field, as in --set max_connections=100');
  const found = await findDatabase(reference);
  const bdb = await changeDatabase(found, { method: 'PUT', body });
  if (options.json === true) printJson(bdb);
  else printLine(`${nameOf(found)}: changed ${Object.keys(body).join(', ')}`);
};

const flush = async (reference: string, options: JsonOption): Promise<void> => {
  const found = await findDatabase(reference);
  await changeDatabase(found, { method: 'PUT' }, '/flush');
  if (options.json === true) printJson({ flushed: true, cluster: found.cluster.name, uid: found.bdb.uid });
  else printLine(`${nameOf(found)}: every key is deleted`);
};

const GONE_PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** Ends when the database is gone. */
const remove = async (reference: string, options: JsonOption): Promise<void> => {
  const found = await findDatabase(reference);
  const { cluster, bdb } = found;
  await askApi(cluster, `/v1/bdbs/${bdb.uid}`, { method: 'DELETE' });
  const { waitAlive } = await import('../world/system-wait.ts');
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const left = (await askApi(cluster, '/v1/bdbs?fields=uid')) as readonly Pick<Bdb, 'uid'>[];
    if (!left.some(({ uid }) => uid === bdb.uid)) break;
    if (waitedMs > GONE_PATIENCE_MS)
      throw new CliFailure(`${nameOf(found)} is still there after ${GONE_PATIENCE_MS / 1_000} s`);
    await waitAlive(LOOK_EVERY_MS);
  }
  if (options.json === true) printJson({ deleted: true, cluster: cluster.name, uid: bdb.uid });
  else printLine(`${nameOf(found)} is deleted`);
};
