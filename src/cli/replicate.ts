/**
 * `antipode replicate`: the engine alone, from any servers into one, with its progress. It stays and follows the sources until it is
 * interrupted or, with `--until in-sync`, until the destination has everything. Started again it goes on where it was.
 */

import type { Command } from 'commander';
import type { SourceProgress } from '../replication/replica-of/progress.ts';
import type { ReplicaOf } from '../replication/replica-of/replica-of.ts';
import type { SourceUrl } from '../replication/replica-of/source-url.ts';
import type { StopCause } from '../replication/replica-of/status.ts';
import { placeOf, readTls, readUrl } from './server-options.ts';
import { CliFailure, goOnUnread, printJson, printLine } from './verb.ts';

/** How often it is looked whether there is news, and how often news are told where lines are not overwritten. */
const LOOK_EVERY_MS = 100;
const TELL_EVERY_MS = 1_000;
/** The same trouble is told again after so long. */
const TROUBLE_EVERY_MS = 5_000;
const GENERATION_CHARS = 16;
const EXIT_INTERRUPTED = 130;

interface ReplicateOptions {
  readonly from: readonly string[];
  readonly to: string;
  readonly until?: string;
  readonly fromCa?: string;
  readonly toCa?: string;
  readonly json?: boolean;
}

export const replicate = (program: Command): void => {
  program
    .command('replicate')
    .description(
      'copy sources into a destination, whose own data are removed, and follow them; it resumes when it is started again',
    )
    .requiredOption('--from <url...>', 'the sources, up to 32: redis://[user:password@]host:port')
    .requiredOption('--to <url>', 'the destination')
    .option('--until <state>', 'end once the destination is in that state: in-sync')
    .option('--from-ca <file>', 'speak TLS to the sources and trust these certificates (PEM)')
    .option('--to-ca <file>', 'speak TLS to the destination and trust these certificates (PEM)')
    .option('--json', 'print one JSON document per line for each event')
    .action(run);
};

const run = async (options: ReplicateOptions): Promise<void> => {
  if (options.until !== undefined && options.until !== 'in-sync') {
    throw new CliFailure(
      `--until: "${options.until}" is no state to wait for: write in-sync, or leave it out to follow the sources`,
    );
  }
  const { SOURCES_MAX } = await import('../replication/replica-of/source-url.ts');
  if (options.from.length > SOURCES_MAX) {
    throw new CliFailure(`--from: ${options.from.length} sources are given; a destination has at most ${SOURCES_MAX}`);
  }
  const urls = await Promise.all(options.from.map((url) => readUrl('--from', url)));
  const twice = urls.map(placeOf).find((place, index, places) => places.indexOf(place) !== index);
  if (twice !== undefined) throw new CliFailure(`--from: ${twice} is given twice; give each source once`);
  const to = await readUrl('--to', options.to);
  const [fromTls, toTls] = await Promise.all([readTls('--from-ca', options.fromCa), readTls('--to-ca', options.toCa)]);
  const [{ SystemWorld }, { ReplicaOf }, { findTarget }, { waitAlive }] = await Promise.all([
    import('../world/system-world.ts'),
    import('../replication/replica-of/replica-of.ts'),
    import('./replicate-target.ts'),
    import('../world/system-wait.ts'),
  ]);
  const world = new SystemWorld();
  const target = await findTarget(world, to, toTls);
  const generation = await generationOf(urls, to);
  let warning = warningOf(target, generation, placeOf(to));
  const engine: ReplicaOf = new ReplicaOf({
    world,
    network: world.network,
    engine: generation,
    generation,
    sources: urls
      .map((url) => ({ key: placeOf(url), url, tls: fromTls }))
      .sort((one, other) => (one.key < other.key ? -1 : 1)),
    destination: target.destination,
    destinationRunIds: () => (target.runId === '' ? [] : [target.runId]),
    events: {
      // Said once a source is known to be willing: before anything is removed.
      changed() {
        if (warning === '' || engine.progress.every((source) => source.shards.length === 0)) return;
        process.stderr.write(`${warning}\n`);
        warning = '';
      },
    },
  });
  goOnUnread();
  const isAsked = listenForEnd();
  const teller = options.json === true ? new JsonTeller() : new LineTeller(placeOf(to));
  engine.start();
  try {
    while (!isAsked() && engine.stopped === null) {
      await waitAlive(LOOK_EVERY_MS);
      if (engine.stopped === null) teller.look(engine, world.clock.elapsed());
      if (options.until !== undefined && hasEverything(engine)) break;
    }
    teller.end(engine, engine.stopped !== null ? 'stopped' : isAsked() ? 'interrupted' : 'in-sync');
  } finally {
    engine.close();
  }
  const { stopped } = engine;
  if (stopped !== null)
    throw new CliFailure(`replication stopped (${stopped.cause}): ${stopped.detail}\n${ADVICE[stopped.cause]}`);
};

/** In sync, and nothing that has been received is still on its way into the destination. */
const hasEverything = (engine: ReplicaOf): boolean =>
  engine.inSync && engine.progress.every((source) => source.lagBytes === 0);

/** The same for the same servers, whatever their order and passwords: what a resumption is recognised by. */
const generationOf = async (from: readonly SourceUrl[], to: SourceUrl): Promise<string> => {
  const { createHash } = await import('node:crypto');
  const places = [...from.map(placeOf).sort(), placeOf(to)];
  return createHash('sha256').update(places.join(' ')).digest('hex').slice(0, GENERATION_CHARS);
};

/** Empty: nothing will be lost. */
const warningOf = (target: { keys: number; generation: string | null }, generation: string, place: string): string => {
  if (target.generation === generation || target.keys === 0) return '';
  const why = target.generation === null ? 'holds no checkpoint' : 'was last filled from other sources';
  return `${place} ${why}: its ${target.keys} keys will be removed and replaced when the sources have sent theirs; Ctrl-C before that keeps them`;
};

const ADVICE: Readonly<Record<StopCause, string>> = {
  authentication:
    'Correct the user and password in the URL (percent-encoded: @ is %40, : is %3A, / is %2F, % is %25) and start again.',
  'cross-slot':
    'Give keys that are written together one hash tag, or replicate into a database with one shard; then start again.',
  'out-of-memory':
    'Give the server that is full more memory and start again: it goes on from its checkpoint where it can.',
  compression: 'Turn compression off for that source (level 0), or name the endpoint of a cluster.',
  unsupported: 'Remove what is named above from the source, or choose a destination that knows it; then start again.',
  'not-replicable':
    'Give the address of a server that serves PSYNC to this user; through an endpoint of a cluster that is the user admin.',
  self: 'Give a source that is neither the destination nor filled from it.',
  superseded: 'Let one replication write into a destination: end the other, then start this one again.',
  general: 'See to the destination (is it a replica, or read-only?) and start again.',
};

/** True from the first SIGINT or SIGTERM on; a second one ends at once. */
const listenForEnd = (): (() => boolean) => {
  let isAsked = false;
  const end = (): void => {
    if (isAsked) process.exit(EXIT_INTERRUPTED);
    isAsked = true;
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  return () => isAsked;
};

type Ending = 'stopped' | 'interrupted' | 'in-sync';

/** For people: one line that is overwritten on a terminal; elsewhere a line a second, and only when there is news. */
class LineTeller {
  readonly #to: string;
  readonly #overwrites = process.stdout.isTTY && process.env['CI'] === undefined;
  #told = '';
  #toldAt = -Infinity;
  #troubles = '';
  #states = '';
  #fullSyncs = 0;

  constructor(to: string) {
    this.#to = to;
  }

  look(engine: ReplicaOf, now: number): void {
    for (const { cause, source, detail } of engine.ledger.slice(this.#fullSyncs)) {
      this.#line(`full sync of ${source}: ${cause}${detail === '' ? '' : ` (${detail})`}`);
    }
    this.#fullSyncs = engine.ledger.length;
    const { progress } = engine;
    const states = progress.map((each) => each.status).join();
    const trouble = progress
      .filter((each) => each.status === 'out-of-sync' && each.lastError !== '')
      .map((each) => `  ${each.key}: ${each.lastError}; trying again`)
      .join('\n');
    const since = now - this.#toldAt;
    if (trouble !== '' && (trouble !== this.#troubles || since >= TROUBLE_EVERY_MS)) {
      this.#line(trouble);
      this.#toldAt = now;
    }
    this.#troubles = trouble;
    const text = progressLine(engine, this.#to);
    if (
      text === this.#told ||
      trouble !== '' ||
      (since < (this.#overwrites ? LOOK_EVERY_MS : TELL_EVERY_MS) && states === this.#states)
    )
      return;
    this.#states = states;
    this.#told = text;
    this.#toldAt = now;
    if (this.#overwrites) process.stdout.write(`\r\u001B[K${text}`);
    else printLine(text);
  }

  end(engine: ReplicaOf, how: Ending): void {
    const done = `writes: ${engine.writes}, full syncs: ${engine.fullSyncs}, resumed: ${engine.partialSyncs}`;
    this.#line(`${how} (${done})${how === 'stopped' ? '' : '; start it again to go on from here'}`);
  }

  #line(text: string): void {
    if (this.#overwrites && this.#told !== '') process.stdout.write('\r\u001B[K');
    this.#told = '';
    printLine(text);
  }
}

const progressLine = (engine: ReplicaOf, to: string): string => {
  const sources = engine.progress.map((source) => `${source.key} ${sourceWords(source)}`);
  return `${sources.join(', ')} -> ${to} ${engine.writes} writes`;
};

const MEGABYTE = 1024 * 1024;

const sourceWords = (source: SourceProgress): string => {
  if (source.status === 'in-sync') return `in sync, lag ${source.lagMs} ms, ${source.lagBytes} bytes`;
  if (source.status === 'out-of-sync') return 'connecting';
  if (source.shards.every(({ state }) => state === 'streaming')) return 'catching up';
  const megabytes = `${(source.rdbTransferred / MEGABYTE).toFixed(1)} MB`;
  // A source that sends its snapshot as it makes it does not know its size.
  return source.rdbSize > 0 ? `snapshot ${source.percent}% (${megabytes})` : `snapshot ${megabytes}`;
};

/** For programs: a document when something has changed, at most ten a second. */
class JsonTeller {
  #told = '';
  #fullSyncs = 0;

  look(engine: ReplicaOf): void {
    for (const { cause, source, detail, atMs } of engine.ledger.slice(this.#fullSyncs)) {
      printJson({ event: 'full-sync', source, cause, detail, at_ms: atMs });
    }
    this.#fullSyncs = engine.ledger.length;
    const document = { event: 'progress', ...documentOf(engine) };
    const text = JSON.stringify(document);
    if (text === this.#told) return;
    this.#told = text;
    printLine(text);
  }

  end(engine: ReplicaOf, how: Ending): void {
    printJson({
      event: how,
      ...(engine.stopped === null ? {} : { ...engine.stopped, advice: ADVICE[engine.stopped.cause] }),
      ...documentOf(engine),
    });
  }
}

const documentOf = (engine: ReplicaOf) => ({
  in_sync: engine.inSync,
  writes: engine.writes,
  full_syncs: engine.fullSyncs,
  partial_syncs: engine.partialSyncs,
  sources: engine.progress.map((source) => ({
    source: source.key,
    status: source.status,
    percent: source.percent,
    rdb_size: source.rdbSize,
    rdb_transferred: source.rdbTransferred,
    lag_ms: source.lagMs,
    lag_bytes: source.lagBytes,
    last_error: source.lastError,
  })),
});
