#!/usr/bin/env node
/**
 * The program `antipode`: a list of verbs, one file each. A verb that fails says why on standard error and ends with its exit code.
 */

import { Command } from 'commander';
import { ANTIPODE_VERSION } from '../node/shard/version.ts';
import { cert } from './cert.ts';
import { compare } from './compare.ts';
import { db } from './db.ts';
import { down } from './down.ts';
import { events } from './events.ts';
import { names } from './names.ts';
import { replicaOf } from './replica-of.ts';
import { replicate } from './replicate.ts';
import { resolve } from './resolve.ts';
import { runScenarios } from './run.ts';
import { shard } from './shard.ts';
import { sourceUrl } from './source-url.ts';
import { status } from './status.ts';
import { up } from './up.ts';
import { wait } from './wait.ts';
import { CliFailure, type Verb } from './verb.ts';

const VERBS: readonly Verb[] = [
  up,
  status,
  wait,
  down,
  db,
  replicaOf,
  sourceUrl,
  cert,
  resolve,
  names,
  events,
  shard,
  replicate,
  compare,
  runScenarios,
];

const program = new Command('antipode')
  .description('Redis Enterprise style clusters on one machine, with a genuine Replica Of engine')
  .version(ANTIPODE_VERSION, '-v, --version')
  .showHelpAfterError('(antipode help shows all verbs)');
for (const verb of VERBS) verb(program);

// A reader that went away (`antipode status | head -1`) ends the printing, not with an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`antipode: cannot write to standard output: ${error.message}\n`);
  process.exit(1);
});

// Remarks that nobody reads hinder nothing.
process.stderr.on('error', () => undefined);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CliFailure)) throw error;
  process.stderr.write(`antipode: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
