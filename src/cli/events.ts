/** `antipode events`: what has happened in the clusters, as their event logs tell it. */

import type { Command } from 'commander';
import { askApi } from './sandbox-api.ts';
import type { RuntimeCluster } from './runtime-file.ts';
import { printJson, printLine } from './verb.ts';

const FOLLOW_EVERY_MS = 500;

interface EventOptions {
  readonly cluster?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

type Event = Readonly<Record<string, unknown>> & {
  readonly time: string;
  readonly type: string;
  readonly severity: string;
};

export const events = (program: Command): void => {
  program
    .command('events')
    .description('the event log of the clusters, oldest first')
    .option('--cluster <name>', 'of this cluster only')
    .option('-f, --follow', 'go on with what happens, until Ctrl-C')
    .option('--json', 'print each event as a JSON document on a line of its own')
    .action(run);
};

const run = async (options: EventOptions): Promise<void> => {
  const { findSandbox } = await import('./runtime-file.ts');
  const { findCluster } = await import('./database-reference.ts');
  const { waitAlive } = await import('../world/system-wait.ts');
  const clusters = options.cluster === undefined ? findSandbox().clusters : [await findCluster(options.cluster)];
  const seen = new Map<string, number>();
  for (;;) {
    const found = (await Promise.all(clusters.map((cluster) => newEvents(cluster, seen)))).flat();
    // ISO times sort as texts.
    for (const { cluster, event } of found.toSorted((a, b) =>
      a.event.time < b.event.time ? -1 : a.event.time > b.event.time ? 1 : 0,
    )) {
      if (options.json === true) printJson({ cluster, ...event });
      else printLine(lineOf(cluster, event));
    }
    if (options.follow !== true) return;
    await waitAlive(FOLLOW_EVERY_MS);
  }
};

interface FoundEvent {
  readonly cluster: string;
  readonly event: Event;
}

/** Those after the ones shown already. */
const newEvents = async (cluster: RuntimeCluster, seen: Map<string, number>): Promise<readonly FoundEvent[]> => {
  const all = (await askApi(cluster, '/v1/logs?order=asc')) as readonly Event[];
  const from = seen.get(cluster.name) ?? 0;
  seen.set(cluster.name, all.length);
  return all.slice(from).map((event) => ({ cluster: cluster.name, event }));
};

const lineOf = (cluster: string, { time, type, severity, ...fields }: Event): string => {
  const words = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${time}  ${cluster}  ${severity}  ${[type, ...words].join(' ')}`;
};
