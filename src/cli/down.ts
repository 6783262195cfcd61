/**
 * `antipode down`: ends the running sandbox as Ctrl-C would, and waits until it is gone.
 *
 * Before a process is told to end, its API must have answered with the sandbox's own certificate: a process id alone may belong
 * to another program by now.
 */

import type { Command } from 'commander';
import { CliFailure, printJson, printLine } from './verb.ts';

const LOOK_EVERY_MS = 20;
const PATIENCE_MS = 10_000;

export const down = (program: Command): void => {
  program
    .command('down')
    .description('end the running sandbox')
    .option('--json', 'print one JSON document on one line')
    .action(run);
};

const run = async (options: { readonly json?: boolean }): Promise<void> => {
  const { findSandbox, isAlive } = await import('./runtime-file.ts');
  const { askApi } = await import('./sandbox-api.ts');
  const { waitAlive } = await import('../world/system-wait.ts');
  const { pid, clusters } = findSandbox();
  const first = clusters[0];
  if (first === undefined)
    throw new CliFailure(`the sandbox of process ${pid} has no clusters; end it with: kill ${pid}`);
  await askApi(first, '/v1/cluster');
  process.kill(pid, 'SIGTERM');
  for (let waitedMs = 0; isAlive(pid); waitedMs += LOOK_EVERY_MS) {
    if (waitedMs > PATIENCE_MS)
      throw new CliFailure(`process ${pid} has not ended after ${PATIENCE_MS / 1_000} s; end it with: kill -9 ${pid}`);
    await waitAlive(LOOK_EVERY_MS);
  }
  if (options.json === true) printJson({ ended: true, pid });
  else printLine(`the sandbox has ended (process ${pid})`);
};
