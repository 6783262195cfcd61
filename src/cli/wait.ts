/** `antipode wait --for in-sync`: until every enabled Replica Of of the running sandbox, or of one database, is in sync. */

import type { Command } from 'commander';
import { everyDatabase, findDatabase, nameOf, type FoundDatabase } from './database-reference.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

const LOOK_EVERY_MS = 50;
const SECONDS_DEFAULT = '60';
const SECONDS_MAX = 86_400;

interface WaitOptions {
  readonly for: string;
  readonly timeout: string;
  readonly json?: boolean;
}

export const wait = (program: Command): void => {
  program
    .command('wait [database]')
    .description(
      'wait until replication is in sync; ends with an error when it is not in time, or is stopped or paused',
    )
    .requiredOption('--for <state>', 'in-sync')
    .option('--timeout <seconds>', 'how long', SECONDS_DEFAULT)
    .option('--json', 'print one JSON document, on one line')
    .action(run);
};

const run = async (reference: string | undefined, options: WaitOptions): Promise<void> => {
  if (options.for !== 'in-sync') throw new CliFailure(`--for "${options.for}": what can be waited for is in-sync`);
  const seconds = Number(options.timeout);
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
    throw new CliFailure(`--timeout "${options.timeout}" is not a number of seconds up to ${SECONDS_MAX}`);
  }
  const { waitAlive } = await import('../world/system-wait.ts');
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const asked = reference === undefined ? await everyDatabase() : [await findDatabase(reference)];
    const late = asked.filter(({ bdb }) => bdb.replica_sync !== 'disabled' && !isInSync(bdb));
    if (reference !== undefined && asked[0]!.bdb.replica_sync === 'disabled') {
      throw new CliFailure(`${nameOf(asked[0]!)} does not replicate; give it sources: antipode replica-of set`);
    }
    if (late.length === 0) break;
    const ended = late.find(({ bdb }) => bdb.replica_sync !== 'enabled');
    if (ended !== undefined) throw new CliFailure(`it will not be in sync by itself: ${stateOf(ended)}`);
    if (waitedMs >= seconds * 1_000) {
      throw new CliFailure(`not in sync after ${seconds} s: ${late.map(stateOf).join('; ')}`);
    }
    await waitAlive(LOOK_EVERY_MS);
  }
  if (options.json === true) printJson({ in_sync: true });
  else printLine('in sync');
};

const isInSync = ({ replica_sync: sync, replica_sources: sources }: FoundDatabase['bdb']): boolean =>
  sync === 'enabled' && sources.every((source) => source.status === 'in-sync');

const stateOf = (found: FoundDatabase): string => {
  const { replica_sync: sync, replica_sources: sources } = found.bdb;
  const each = sources.map(
    ({ uid, status, last_error: error }) => `source ${uid} ${status}${error === '' ? '' : ` (${error})`}`,
  );
  return `${nameOf(found)}: replica_sync ${sync}, ${each.join(', ')}`;
};
