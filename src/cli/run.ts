/**
 * `antipode run`: plays scenarios, in the simulated world unless told otherwise. Exit code 1 when one fails; a failure says what was
 * waited for, shows the latest events and the command that plays it again.
 */

import type { Command } from 'commander';
import type { ScenarioResult } from '../sandbox/scenario.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

const SEED_MAX = 2 ** 31 - 1;

interface RunOptions {
  readonly world: string;
  readonly seed?: string;
  readonly json?: boolean;
}

export const runScenarios = (program: Command): void => {
  program
    .command('run')
    .description('play scenarios: files that export `scenario`, or folders of them')
    .argument('<path...>', 'for example scenarios/partition.ts, or scenarios')
    .option('--world <world>', 'simulated: virtual time, repeatable; system: real sockets', 'simulated')
    .option('--seed <number>', 'of all chance; the same seed plays the same simulation')
    .option('--json', 'print one JSON document, on one line')
    .action(run);
};

const run = async (paths: readonly string[], options: RunOptions): Promise<void> => {
  const { world } = options;
  if (world !== 'simulated' && world !== 'system') {
    throw new CliFailure(`--world: "${world}" is no world: write simulated or system`);
  }
  const seed = options.seed === undefined ? null : seedOf(options.seed);
  const { loadScenarios } = await import('./scenario-files.ts');
  const found = await loadScenarios(paths);
  const { runScenario } = await import('../sandbox/scenario.ts');
  const { SystemWorld } = await import('../world/system-world.ts');
  const { random } = new SystemWorld();
  const results: (ScenarioResult & { readonly replay: string })[] = [];
  for (const { path, scenario } of found) {
    const result = await runScenario(scenario, { world, seed: seed ?? random.integer(1, SEED_MAX) });
    const replay = `antipode run ${path} --world ${world} --seed ${result.seed}`;
    results.push({ ...result, replay });
    if (options.json !== true) printLine(linesOf(result, replay).join('\n'));
  }
  const count = (outcome: ScenarioResult['outcome']): number =>
    results.filter((each) => each.outcome === outcome).length;
  const sums = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
  if (options.json === true) printJson({ ...sums, scenarios: results.map(documentOf) });
  else if (results.length > 1) printLine(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
  process.exitCode = sums.failed === 0 ? 0 : 1;
};

const seedOf = (given: string): number => {
  const seed = /^\d{1,10}$/.test(given) ? Number(given) : NaN;
  if (seed <= SEED_MAX) return seed;
  throw new CliFailure(`--seed: "${given}" is no seed: give a whole number from 0 to ${SEED_MAX}`);
};

const linesOf = (result: ScenarioResult, replay: string): readonly string[] => {
  const { name, outcome, world, seed, elapsedMs, realMs, eventLogHash, detail } = result;
  const time =
    world === 'simulated'
      ? `${(elapsedMs / 1000).toFixed(1)} s virtual in ${(realMs / 1000).toFixed(1)} s`
      : `${(realMs / 1000).toFixed(1)} s`;
  const hash = eventLogHash === null ? '' : `, event log ${eventLogHash.slice(0, 16)}`;
  const lines = [`${outcome.padEnd(7)} ${name}  (${world}, ${time}, seed ${seed}${hash})`];
  if (outcome === 'skipped') lines.push(`        ${detail}`);
  if (outcome !== 'failed') return lines;
  lines.push(indented(detail));
  if (result.waitedFor !== '' && !detail.includes(result.waitedFor))
    lines.push(`        waited for last: ${result.waitedFor}`);
  if (result.events.length > 0)
    lines.push('        latest events:', ...result.events.map((event) => indented(`  ${event}`)));
  lines.push(`        play it again: ${replay}`);
  return lines;
};

const indented = (text: string): string => text.replace(/^/gm, '        ');

const documentOf = (result: ScenarioResult & { readonly replay: string }) => ({
  name: result.name,
  outcome: result.outcome,
  world: result.world,
  seed: result.seed,
  elapsed_ms: result.elapsedMs,
  real_ms: result.realMs,
  event_log_hash: result.eventLogHash,
  detail: result.detail,
  waited_for: result.waitedFor,
  events: result.events,
  replay: result.replay,
});
