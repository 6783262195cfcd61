/** `antipode source-url DB`: what a destination is configured with; `--regenerate` makes the old one worthless. */

import type { Command } from 'commander';
import { changeDatabase, findDatabase, nameOf, type Bdb } from './database-reference.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

interface SourceUrlOptions {
  readonly regenerate?: boolean;
  readonly json?: boolean;
}

export const sourceUrl = (program: Command): void => {
  program
    .command('source-url <database>')
    .description('the URL by which another database replicates from this one, with the internal password')
    .option('--regenerate', 'make a new internal password first; destinations that have the old URL stop')
    .option('--json', 'print one JSON document, on one line')
    .action(run);
};

const run = async (reference: string, options: SourceUrlOptions): Promise<void> => {
  const found = await findDatabase(reference);
  const bdb =
    options.regenerate === true ? await changeDatabase(found, { method: 'PUT' }, '/reset_admin_pass') : found.bdb;
  const url = sourceUrlOf(bdb);
  if (options.json === true) printJson({ cluster: found.cluster.name, uid: bdb.uid, source_url: url });
  else printLine(url);
  if (options.regenerate === true) {
    process.stderr.write(`${nameOf(found)}: destinations with the old URL stop until they are given this one\n`);
  }
};

/** [RS replica-of: source URL] */
export const sourceUrlOf = (bdb: Bdb): string => {
  const endpoint = bdb.endpoints[0];
  if (endpoint === undefined) throw new CliFailure(`database ${bdb.name} has no endpoint yet; try again`);
  return `redis://admin:${bdb.authentication_admin_pass}@${endpoint.dns_name}:${endpoint.port}`;
};
