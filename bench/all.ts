/**
 * `npm run bench`: all tables, or those named: `npm run bench -- shard memory --quick`.
 *
 * --quick takes small sizes, to see that all works: its numbers are not to be quoted. --json adds one line of JSON for each table.
 * Exit code 1: something is missing or could not be measured. A missed target is said and does not fail the run.
 */

import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { coldStart } from './cold-start.ts';
import { estimate } from './estimate.ts';
import { fullSync } from './full-sync.ts';
import { lazyFree } from './lazy-free.ts';
import { large } from './large.ts';
import { liveStream } from './live-stream.ts';
import { memory } from './memory.ts';
import { proxy } from './proxy.ts';
import { replicaOfTable } from './replica-of.ts';
import { shard } from './shard.ts';
import { endAllChildren } from './support/child.ts';
import { REDIS_PROGRAM, missingParts } from './support/servers.ts';
import { tableJson, tableText, verdictOf } from './support/table.ts';
import type { Table } from './support/table.ts';
import { within } from './support/waiting.ts';

const TABLE_MS_MAX = { quick: 5 * 60_000, full: 30 * 60_000 };
const VERSION_MS_MAX = 5_000;

const TABLES: Readonly<Record<string, (isQuick: boolean) => Promise<Table>>> = {
  shard,
  memory,
  large,
  estimate,
  'lazy-free': lazyFree,
  'full-sync': fullSync,
  'live-stream': liveStream,
  proxy,
  'replica-of': replicaOfTable,
  'cold-start': coldStart,
};

const USAGE = `npm run bench -- [TABLE…] [--quick] [--json]
tables: ${Object.keys(TABLES).join(', ')}; none named: all`;

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const fail = (text: string): never => {
  process.stderr.write(`${text}\n`);
  process.exit(1);
};

interface Wanted {
  readonly names: readonly string[];
  readonly isQuick: boolean;
  readonly isJson: boolean;
}

const readArguments = (): Wanted => {
  try {
    const options = { quick: { type: 'boolean' }, json: { type: 'boolean' } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const unknown = positionals.find((name) => !Object.hasOwn(TABLES, name));
    if (unknown !== undefined) throw new Error(`there is no table "${unknown}"`);
    const names = positionals.length === 0 ? Object.keys(TABLES) : [...new Set(positionals)];
    return { names, isQuick: values.quick === true, isJson: values.json === true };
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
};

const redisVersion = (): string | null => {
  const asked = spawnSync(REDIS_PROGRAM, ['--version'], { encoding: 'latin1', timeout: VERSION_MS_MAX });
  return asked.status === 0 ? (/v=(\S+)/.exec(asked.stdout)?.[1] ?? 'of an unknown version') : null;
};

const { names, isQuick, isJson } = readArguments();
const redis = redisVersion();
const missing = missingParts(redis);
if (missing.length > 0) fail(`The benchmarks need:\n${missing.map((part) => `  ${part}`).join('\n')}`);

const about = {
  quick: isQuick,
  redis,
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
};
print(`redis-server ${about.redis}, Node.js ${about.node}, ${about.cores} x ${about.cpu}`);
print(`load average before: ${loadavg()[0]?.toFixed(1)}${isQuick ? '; quick sizes: not to be quoted' : ''}\n`);

const counts = { met: 0, missed: 0, failed: 0 };
for (const name of names) {
  try {
    const limit = isQuick ? TABLE_MS_MAX.quick : TABLE_MS_MAX.full;
    const table = await within(TABLES[name]!(isQuick), limit, `table ${name}`);
    for (const row of table.rows) {
      const verdict = row.failure === null ? verdictOf(row) : 'failed';
      if (verdict !== null) counts[verdict] += 1;
    }
    print(tableText(table));
    if (isJson) print(tableJson(table, about));
  } catch (error) {
    endAllChildren();
    counts.failed += 1;
    print(`FAILED ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
print(`targets met: ${counts.met}, missed: ${counts.missed}; not measured: ${counts.failed}`);
// Explicit: a table that was given up must not hold the process, and its children end with it.
process.exit(counts.failed === 0 ? 0 : 1);
