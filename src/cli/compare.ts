/**
 * `antipode compare`: whether two servers hold the same data, both of which may be in use. The verdict is also the exit code:
 * 0 equal, 1 diverged, 2 undecided (or the question itself was wrong).
 */

import type { Command } from 'commander';
import type { CompareReport, Difference, Reason } from '../replication/compare/compare.ts';
import { placeOf, readTls, readUrl } from './server-options.ts';
import { printJson, printLine } from './verb.ts';

const EXIT_CODES = { equal: 0, diverged: 1, undecided: 2 } as const;
const PROGRESS_EVERY_MS = 1_000;
/** Differences shown to people; --json lists more. */
const SHOWN_MAX = 20;

interface CompareCliOptions {
  readonly from: string;
  readonly to: string;
  readonly fromCa?: string;
  readonly toCa?: string;
  readonly json?: boolean;
}

export const compare = (program: Command): void => {
  program
    .command('compare')
    .description('compare two servers key by key, both ways; exit code 0: equal, 1: diverged, 2: undecided')
    .requiredOption('--from <url>', 'the source: redis://[user:password@]host:port')
    .requiredOption('--to <url>', 'the destination')
    .option('--from-ca <file>', 'speak TLS to the source and trust these certificates (PEM)')
    .option('--to-ca <file>', 'speak TLS to the destination and trust these certificates (PEM)')
    .option('--json', 'print one JSON document, on one line')
    .action(run);
};

const run = async (options: CompareCliOptions): Promise<void> => {
  const trouble = EXIT_CODES.undecided;
  const from = await readUrl('--from', options.from, trouble);
  const to = await readUrl('--to', options.to, trouble);
  const fromTls = await readTls('--from-ca', options.fromCa, trouble);
  const toTls = await readTls('--to-ca', options.toCa, trouble);
  const { compareServers } = await import('../replication/compare/compare.ts');
  const { SystemWorld } = await import('../world/system-world.ts');
  const world = new SystemWorld();
  let shownAt = world.clock.elapsed();
  const progress = (done: number, total: number): void => {
    if (options.json === true || world.clock.elapsed() - shownAt < PROGRESS_EVERY_MS) return;
    shownAt = world.clock.elapsed();
    process.stderr.write(`looked at ${done} of about ${total} keys\n`);
  };
  const report = await compareServers({
    world,
    from: { url: from, options: { tls: fromTls } },
    to: { url: to, options: { tls: toTls } },
    progress,
  });
  if (options.json === true) printJson(documentOf(report));
  else printLine(linesOf(report, placeOf(from), placeOf(to)).join('\n'));
  process.exitCode = EXIT_CODES[report.verdict];
};

const documentOf = (report: CompareReport) => ({
  verdict: report.verdict,
  detail: report.detail,
  keys: report.keys,
  compared: report.compared,
  differing: report.counts,
  changing: report.changing,
  unreadable: report.unreadable,
  ended_early: report.endedEarly,
  differences: report.differences,
  elapsed_ms: report.elapsedMs,
});

const REASONS: Readonly<Record<Reason, string>> = {
  missing: 'missing at the destination',
  extra: 'only at the destination',
  value: 'different values',
  expiry: 'different expiry times',
};

const linesOf = (report: CompareReport, from: string, to: string): readonly string[] => {
  const { verdict, detail, keys, counts, differences, endedEarly } = report;
  const lines = [
    verdict,
    `  ${report.compared} keys compared in ${(report.elapsedMs / 1000).toFixed(1)} s; ${from} has ${keys.from ?? '?'}, ${to} has ${keys.to ?? '?'}`,
  ];
  for (const [reason, count] of Object.entries(counts) as [Reason, number][]) {
    if (count > 0) lines.push(`  ${endedEarly ? 'at least ' : ''}${count} ${REASONS[reason]}`);
  }
  lines.push(...differences.slice(0, SHOWN_MAX).map(differenceLine));
  const found = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (found > SHOWN_MAX) lines.push(`  … and ${found - SHOWN_MAX} more; --json lists up to ${differences.length}`);
  if (endedEarly) lines.push('  too many differences: the rest was not looked at');
  if (detail !== '') lines.push(`  ${detail}`);
  if (verdict === 'undecided') lines.push(`  ${adviceOf(report)}`);
  return lines;
};

const differenceLine = ({ database, key, reason, from, to }: Difference): string =>
  `  ${reason.padEnd(7)} "${key}"${database === 0 ? '' : ` in database ${database}`}: ${from} | ${to}`;

const adviceOf = (report: CompareReport): string => {
  if (report.changing > 0) return 'compare again when there are fewer writes, or pause them';
  if (report.unreadable > 0)
    return 'allow DEBUG on both servers (Redis: enable-debug-command yes): then every type can be compared';
  return 'see that both servers run, that their addresses are right and that the passwords are theirs; then compare again';
};
