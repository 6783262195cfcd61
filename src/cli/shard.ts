/**
 * `antipode shard`: one shard alone, a Redis-compatible server for any client and any replica. It ends on SIGINT and SIGTERM.
 */

import { machine, release, type } from 'node:os';
import { basename, dirname, resolve as absolute } from 'node:path';
import type { Command } from 'commander';
import type { CommandTable } from '../node/commands/table.ts';
import type { Persistence } from '../node/persistence/persistence.ts';
import type { Ending as EndingType, EndWish } from '../node/shard/ending.ts';
import type { Shard as ShardType } from '../node/shard/shard.ts';
import type { FileLock, Folder } from '../world/files.ts';
import type { Place, StartOutcome } from '../node/shard/listening.ts';
import { isSocketPath, type World } from '../world/world.ts';
import type { Rename, UserDeclaration } from './shard-setup.ts';
import { HeldFolder } from './held-folder.ts';
import type { ShardLog as ShardLogType } from './shard-log.ts';
import { CliFailure, goOnUnread, printJson, printLine } from './verb.ts';

const EXIT_INTERRUPTED = 130;
const LOCK = 'antipode.lock';
/** The script engine is loaded when the first clients have been served: loading takes a tenth of a second. */
const ENGINE_AFTER_MS = 200;
/** [redis config.c] */
const SAVE_DEFAULT = '3600 1 300 100 60 10000';

interface ShardCliOptions {
  readonly port?: string;
  readonly host?: string;
  readonly data?: string;
  readonly json?: boolean;
}

const DIRECTIVES = `
It takes redis-server's own command line too: a redis.conf (- for standard input), then --directive value …, as in
  antipode shard redis.conf --port 7000 --requirepass secret --maxmemory 100mb
  antipode shard --replicaof 127.0.0.1 6379 --masterauth secret
  antipode shard --dir data --save 900 1 --appendonly yes --appendfsync everysec
  antipode shard --aclfile users.acl --logfile shard.log --pidfile shard.pid
Every parameter that CONFIG GET names may be given. Without --data or --dir data are in the current folder, as with redis-server, but
are written only when asked (SAVE, BGSAVE, --save, --appendonly yes).
`;

export const shard = (program: Command): void => {
  program
    .command('shard')
    .description('run one shard alone: a Redis-compatible server')
    .argument('[configuration...]', 'a redis.conf, then directives of redis-server')
    .option('-p, --port <number>', 'port to listen on; 0 takes a free one (6379)')
    .option('--host <address>', 'address to listen on (127.0.0.1, and ::1 where there is one)')
    .option('-d, --data <folder>', 'keep the data in that folder: dump.rdb, and an append log with --appendonly yes')
    .option('--json', 'print one JSON document, on one line, when it accepts connections')
    .allowUnknownOption()
    .addHelpText('after', DIRECTIVES)
    .action(run);
};

const run = async (_words: readonly string[], options: ShardCliOptions, command: Command): Promise<void> => {
  const [{ configFileOf, readDirectives }, { portOf, shardSetup }] = await Promise.all([
    import('./server-directives.ts'),
    import('./shard-setup.ts'),
  ]);
  const setup = shardSetup(await readDirectives(command.args));
  const source = setup.follows;
  const [
    { Shard },
    { Listening },
    { shardCommands },
    { attachReplication },
    { attachPersistence },
    { saveMarks },
    { SystemWorld },
    { ShardLog },
    { scriptEngineReady },
    { Ending },
  ] = await Promise.all([
    import('../node/shard/shard.ts'),
    import('../node/shard/listening.ts'),
    import('../cluster/control/shard-commands.ts'),
    import('../replication/replication.ts'),
    import('../node/persistence/persistence.ts'),
    import('../replication/replica-of/marks.ts'),
    import('../world/system-world.ts'),
    import('./shard-log.ts'),
    import('../node/scripting/engine.ts'),
    import('../node/shard/ending.ts'),
  ]);
  goOnUnread();
  const log = new ShardLog();
  const world = new SystemWorld({ log });
  const configFile = configFileOf(command.args);
  const config: Record<string, string> = { ...setup.config };
  if (options.port !== undefined) config['port'] = String(portOf('--port', options.port, 0));
  if (options.host !== undefined) config['bind'] = options.host;
  const aclFile = setup.config['aclfile'] === undefined ? undefined : textOf(setup.config['aclfile']);
  const dataFolder = options.data ?? setup.dir;
  const kept = await keepingOptions(dataFolder, world, config);
  // Whatever else a redis.conf names is seen from there
  if (setup.dir !== null) process.chdir(kept.folder.path);
  const path = config['unixsocket'] ?? '';
  if (path !== '') config['unixsocket'] = bytesOf(absolute(textOf(path)));
  const say =
    setup.logFile === null
      ? printLine
      : await linesInto(setup.logFile).catch(async (error: unknown) => {
          await kept.lock.release();
          throw error;
        });
  let shard: ShardType;
  try {
    shard = new Shard({ world, commands: commandsOf(shardCommands, setup.renames), config });
  } catch (error) {
    await kept.lock.release();
    throw new CliFailure(error instanceof Error ? error.message : String(error));
  }
  shard.configFile = configFile;
  shard.infoSections.set('server', () => processFields(configFile));
  const replication = attachReplication(shard);
  saveMarks(shard);
  if (aclFile !== undefined && aclFile !== '') await loadUsers(shard, aclFile, kept);
  else await declareUsers(shard, setup.users, kept);
  const persistence = attachPersistence(shard, kept.folder);
  const listening = new Listening(shard, world.network);
  listening.hold();
  const outcome = await listening.start();
  const [main] = listening.places;
  if (!outcome.ok || main === undefined) {
    shard.close();
    await kept.lock.release();
    throw new CliFailure(
      outcome.ok ? 'nothing to listen on: give a port, a tls-port or a unixsocket' : listenFailure(outcome),
    );
  }
  // A document on standard output is not to be mixed with a log
  const isDocument = options.json === true && setup.logFile === null;
  if (isDocument) log.open(shard, (line) => process.stderr.write(`${line}\n`), true);
  else log.open(shard, say);
  const goodbye = (): void => {
    if (!isDocument) log.line('#', 'antipode is now ready to exit, bye bye...');
  };
  const ending = asked(Ending, shard, persistence, log);
  // As the logo of redis-server says it, before anything is loaded: test suites wait for these words
  if (options.json !== true && shard.config.get('always-show-logo'))
    say(`Port: ${main.address.port}\n PID: ${process.pid}\nServer initialized`);
  const loading = persistence.start(source === null);
  void listening.letInAfter(loading);
  const restored = await Promise.race([loading, ending.then(() => null)]);
  if (restored === null) {
    // What is on disk is more than what has been loaded of it
    await listening.close();
    await kept.lock.release();
    goodbye();
    process.exit(0);
  }
  if (!restored.ok) {
    await listening.close();
    shard.close();
    await kept.lock.release();
    log.line('#', `Fatal error loading the DB, exiting: ${restored.detail}`);
    const advice = dataFolder === null ? '; --dir chooses another folder than the current one' : '';
    throw new CliFailure(`the data cannot be loaded: ${restored.detail}${advice}`);
  }
  if (restored.lostBytes > 0) {
    process.stderr.write(
      `antipode: the append log ended in the middle of a write: ${restored.lostBytes} bytes were cut off\n`,
    );
  }
  if (source !== null) replication.follow(source);
  if (setup.pidFile !== null) await writePid(setup.pidFile);
  if (options.json === true) {
    const { host, port } = main.address;
    const [tls, unix] = (['tls', 'unix'] as const).map((kind) => listening.places.find((place) => place.kind === kind));
    const also = { ...(tls && { tls_port: tls.address.port }), ...(unix && { unixsocket: unix.address.host }) };
    printJson({ ready: true, host, port, ...also, run_id: shard.runId, pid: process.pid, replica_of: source });
  } else {
    const { ANTIPODE_VERSION } = await import('../node/shard/version.ts');
    const what = source === null ? 'a primary' : `a replica of ${source.host}:${source.port}`;
    say(`antipode ${ANTIPODE_VERSION} shard, ${what}, pid ${process.pid}`);
    const hasData = shard.keyspaces.some(({ size }) => size > 0);
    if (dataFolder === null && hasData) say(`its data come from ${kept.folder.path}: --dir chooses another folder`);
    if (setup.inert.length > 0) say(`without effect here: ${setup.inert.join(', ')}`);
  }
  log.line('*', `Ready to accept connections on ${listening.places.map(placeText).join(', ')}`);
  // A first script would wait for it
  world.clock.after(ENGINE_AFTER_MS, () => void scriptEngineReady());
  const how = await ending;
  await listening.close();
  const saved = await persistence.close(how);
  shard.close();
  await kept.lock.release();
  if (setup.pidFile !== null) await removePid(setup.pidFile);
  goodbye();
  if (!saved.ok) throw new CliFailure(`the data could not be saved (${saved.why}): ${saved.detail}`);
};

/** Lines at the end of a file, as redis-server's `logfile` asks. */
const linesInto = async (file: string): Promise<(line: string) => void> => {
  const { appendFileSync } = await import('node:fs');
  const append = (text: string): void => {
    try {
      appendFileSync(file, text);
    } catch (error) {
      throw new CliFailure(
        `logfile ${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  append(''); // a wrong path is told before anything is opened
  return (line) => append(`${line}\n`);
};

/** What INFO tells of the process, since this shard has one of its own. */
const processFields = (configFile: string | null): [string, string | number][] => [
  ['os', `${type()} ${release()} ${machine()}`],
  ['process_id', process.pid],
  ['executable', process.argv[1] ?? ''],
  ['config_file', configFile ?? ''],
];

/** Whoever looks for the process by its file; a shard without it serves all the same, as redis-server does. */
const writePid = async (file: string): Promise<void> => {
  const { writeFile } = await import('node:fs/promises');
  await writeFile(file, `${process.pid}\n`).catch((error: Error) => {
    process.stderr.write(`antipode: pidfile ${file} cannot be written: ${error.message}\n`);
  });
};

const removePid = async (file: string): Promise<void> => {
  const { rm } = await import('node:fs/promises');
  await rm(file, { force: true });
};

/** Connections are taken only by users that the file knows. */
const loadUsers = async (shard: ShardType, path: string, kept: Kept): Promise<void> => {
  const { AclFile } = await import('../node/acl/acl-file.ts');
  const file = new AclFile(shard.world.files.folder(dirname(absolute(path))), basename(path));
  const loaded = await shard.permissions.loadFile(file, null);
  shard.permissions.file = file;
  if (loaded.ok) return;
  shard.close();
  await kept.lock.release();
  throw new CliFailure(`--aclfile ${path}: ${loaded.detail}; correct the file, or begin with an empty one`);
};

/** As `rename-command` lines of a redis.conf say. */
const commandsOf = (table: CommandTable, renames: readonly Rename[]): CommandTable =>
  renames.reduce((before, { from, to, where }) => {
    const after = before.renamed(from, to);
    if (after === 'unknown') throw new CliFailure(`${where}: No such command in rename-command: '${from}'`);
    if (after === 'taken') throw new CliFailure(`${where}: Target command name already exists: '${to}'`);
    return after;
  }, table);

/** As `user` lines of a redis.conf say. */
const declareUsers = async (shard: ShardType, users: readonly UserDeclaration[], kept: Kept): Promise<void> => {
  const { declarationProblem } = await import('../node/acl/access-list.ts');
  for (const { name, words, where } of users) {
    const outcome = shard.permissions.users.declare(name, words);
    if (outcome.ok) continue;
    shard.close();
    await kept.lock.release();
    const word = outcome.why === 'modifier' ? outcome.word : name;
    throw new CliFailure(`${where}: Error in user declaration '${word}': ${declarationProblem(outcome)}`);
  }
};

interface Kept {
  readonly folder: Folder;
  readonly lock: FileLock;
}

/**
 * The folder of the data, held by this process; puts what concerns it into the configuration. One that nobody named is the current
 * one, held only when something is written there, which only happens when it is asked for.
 */
const keepingOptions = async (data: string | null, world: World, config: Record<string, string>): Promise<Kept> => {
  const folder = world.files.folder(data ?? currentFolder());
  config['dir'] = bytesOf(folder.path);
  if (data === null) {
    config['save'] ??= '';
    return HeldFolder.of(folder, LOCK);
  }
  config['save'] ??= SAVE_DEFAULT;
  const made = await folder.make();
  const lock = made.ok ? await folder.lock(LOCK) : made;
  if (lock.ok) return { folder, lock: lock.value };
  const advice = lock.why === 'in-use' ? 'end that process, or choose another folder' : 'choose another folder';
  throw new CliFailure(`--data ${data} cannot be used (${lock.why}): ${lock.detail}; ${advice}`);
};

/** Resolves when it is to end, whether a client or a signal wants that; SIGINT after another signal ends it at once. */
const asked = (
  Ending: typeof EndingType,
  shard: ShardType,
  persistence: Persistence,
  log: ShardLogType,
): Promise<EndWish['saving']> =>
  new Promise((resolve) => {
    const finish = async ({ saving, isForced }: EndWish): Promise<boolean> => {
      // The data may be nowhere else
      const isHindered = (detail: string): boolean => {
        log.line('#', `${detail}, ${isForced ? 'exit anyway' : "can't exit"}.`);
        return !isForced;
      };
      const beginsLog = !shard.loading && shard.syncedLog === null && shard.config.get('appendonly');
      if (beginsLog && isHindered('Writing initial AOF')) return false;
      const isSaved = !shard.loading && saving !== 'nosave';
      if (!isSaved || (saving === 'as-configured' && !persistence.savesItself)) {
        resolve(saving === 'save' ? 'nosave' : saving);
        return true;
      }
      shard.longScript?.giveUp();
      log.line('*', 'Saving the final RDB snapshot before exiting.');
      const saved = await persistence.saveAnew();
      if (!saved.ok && isHindered(`Error trying to save the DB (${saved.detail})`)) return false;
      resolve('nosave');
      return true;
    };
    const ending = new Ending(shard, finish);
    shard.ending = ending;
    let isAsked = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (isAsked && signal === 'SIGINT' && ending.isUnderWay) process.exit(EXIT_INTERRUPTED);
        isAsked = true;
        log.line('*', `Received ${signal} scheduling shutdown...`);
        const flags = shard.config.get(signal === 'SIGINT' ? 'shutdown-on-sigint' : 'shutdown-on-sigterm').split(' ');
        ending.ask({
          saving: flags.includes('save') ? 'save' : flags.includes('nosave') ? 'nosave' : 'as-configured',
          isNow: flags.includes('now'),
          isForced: flags.includes('force'),
        });
      });
    }
  });

const currentFolder = (): string => {
  try {
    return process.cwd();
  } catch {
    throw new CliFailure('the current folder is there no more: start it in another one, or name one with --dir');
  }
};

/** As every word inside: one char, one byte. */
const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

const placeText = ({ kind, address: { host, port } }: Place): string =>
  kind === 'unix' ? host : `${host.includes(':') ? `[${host}]` : host}:${port}${kind === 'tls' ? ' (TLS)' : ''}`;

const listenFailure = (failure: Extract<StartOutcome, { ok: false }>): string => {
  const { why, detail } = failure;
  if (why === 'tls') return `TLS cannot be spoken: ${detail}`;
  const { host, port } = failure.at;
  if (isSocketPath(host)) return `listening on ${host} is not possible (${detail}): choose another unixsocket`;
  if (why === 'in-use') {
    return `port ${port} of ${host} is in use: end the program that has it, or choose another one with --port (0 takes a free one)`;
  }
  if (why === 'denied')
    return `listening on ${host}:${port} is not permitted (${detail}): choose a port above 1023 with --port`;
  return `${host} is no address of this machine (${detail}): choose another one with --host`;
};
