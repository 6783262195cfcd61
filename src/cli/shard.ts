/**
 * `antipode shard`: one shard alone, a Redis-compatible server for any client and any replica. It ends on SIGINT and SIGTERM.
 */

import { basename, dirname, resolve as absolute } from 'node:path';
import type { Command } from 'commander';
import type { Shard as ShardType } from '../node/shard/shard.ts';
import type { FileLock, Folder } from '../world/files.ts';
import type { Address, ListenOutcome, World } from '../world/world.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

const PORT_MAX = 65_535;
const EXIT_INTERRUPTED = 130;
const LOCK = 'antipode.lock';
/** [redis config.c] */
const SAVE_DEFAULT = '3600 1 300 100 60 10000';

type EndWish = Parameters<NonNullable<ShardType['endRequested']>>[0];

interface ShardCliOptions {
  readonly port: string;
  readonly host: string;
  readonly requirepass?: string;
  readonly aclfile?: string;
  readonly replicaof?: string;
  readonly masterauth?: string;
  readonly data?: string;
  readonly save?: string;
  readonly appendonly?: string;
  readonly appendfsync?: string;
  readonly json?: boolean;
}

export const shard = (program: Command): void => {
  program
    .command('shard')
    .description('run one shard alone: a Redis-compatible server')
    .requiredOption('-p, --port <number>', 'port to listen on; 0 takes a free one')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--requirepass <password>', 'password that clients must give')
    .option('--aclfile <file>', 'users that may connect, one on each line; ACL LOAD and ACL SAVE read and write it')
    .option('--replicaof <host:port>', 'replicate that server')
    .option('--masterauth <password>', 'password of the server that is replicated')
    .option('-d, --data <folder>', 'keep the data in that folder: dump.rdb, and an append log with --appendonly yes')
    .option('--save <points>', `when a snapshot is made: seconds and changes, in pairs (${SAVE_DEFAULT})`)
    .option('--appendonly <yes|no>', 'keep an append log')
    .option('--appendfsync <policy>', 'when the append log is synced: always, everysec or no')
    .option('--json', 'print one JSON document, on one line, when it accepts connections')
    .action(run);
};

const run = async (options: ShardCliOptions): Promise<void> => {
  const port = portOf('--port', options.port, 0);
  const source = options.replicaof === undefined ? null : addressOf(options.replicaof);
  const [
    { Shard },
    { serveShard },
    { shardCommands },
    { attachReplication },
    { attachPersistence },
    { saveMarks },
    { SystemWorld },
  ] = await Promise.all([
    import('../node/shard/shard.ts'),
    import('../node/shard/resp-server.ts'),
    import('../cluster/control/shard-commands.ts'),
    import('../replication/replication.ts'),
    import('../node/persistence/persistence.ts'),
    import('../replication/replica-of/marks.ts'),
    import('../world/system-world.ts'),
  ]);
  const world = new SystemWorld();
  const config: Record<string, string> = { port: String(port) };
  if (options.requirepass !== undefined) config['requirepass'] = bytesOf(options.requirepass);
  if (options.masterauth !== undefined) config['masterauth'] = bytesOf(options.masterauth);
  if (options.aclfile !== undefined) config['aclfile'] = bytesOf(options.aclfile);
  const kept = await keepingOptions(options, world, config);
  let shard: ShardType;
  try {
    shard = new Shard({ world, commands: shardCommands, config });
  } catch (error) {
    await kept?.lock.release();
    throw new CliFailure(error instanceof Error ? error.message : String(error));
  }
  const replication = attachReplication(shard);
  saveMarks(shard);
  if (options.aclfile !== undefined) await loadUsers(shard, options.aclfile, kept);
  const persistence = kept === null ? null : attachPersistence(shard, kept.folder);
  const outcome = await serveShard(shard, world.network, { host: options.host, port });
  if (!outcome.ok) {
    shard.close();
    await kept?.lock.release();
    throw new CliFailure(listenFailure({ host: options.host, port }, outcome));
  }
  const { server } = outcome;
  const ending = asked(shard);
  const restored = await persistence?.start();
  if (restored?.ok === false) {
    await server.close();
    shard.close();
    await kept?.lock.release();
    throw new CliFailure(`the data cannot be loaded: ${restored.detail}`);
  }
  if (restored !== undefined && restored.lostBytes > 0) {
    process.stderr.write(
      `antipode: the append log ended in the middle of a write: ${restored.lostBytes} bytes were cut off\n`,
    );
  }
  if (source !== null) replication.follow(source);
  if (options.json === true) {
    const { host, port } = server.address;
    printJson({ ready: true, host, port, run_id: shard.runId, pid: process.pid, replica_of: source });
  } else {
    const { ANTIPODE_VERSION } = await import('../node/shard/version.ts');
    const what = source === null ? 'a primary' : `a replica of ${source.host}:${source.port}`;
    printLine(`antipode ${ANTIPODE_VERSION} shard, ${what}, pid ${process.pid}`);
    printLine(`Ready to accept connections on ${server.address.host}:${server.address.port}`);
  }
  const how = await ending;
  await server.close();
  const saved = await persistence?.close(how);
  shard.close();
  await kept?.lock.release();
  if (saved?.ok === false) throw new CliFailure(`the data could not be saved (${saved.why}): ${saved.detail}`);
};

/** Connections are taken only by users that the file knows. */
const loadUsers = async (shard: ShardType, path: string, kept: Kept | null): Promise<void> => {
  const { AclFile } = await import('../node/acl/acl-file.ts');
  const file = new AclFile(shard.world.files.folder(dirname(absolute(path))), basename(path));
  const loaded = await shard.permissions.loadFile(file, null);
  shard.permissions.file = file;
  if (loaded.ok) return;
  shard.close();
  await kept?.lock.release();
  throw new CliFailure(`--aclfile ${path}: ${loaded.detail}; correct the file, or begin with an empty one`);
};

interface Kept {
  readonly folder: Folder;
  readonly lock: FileLock;
}

/** The folder of --data, held by this process; puts what concerns it into the configuration. Null: nothing is kept. */
const keepingOptions = async (
  options: ShardCliOptions,
  world: World,
  config: Record<string, string>,
): Promise<Kept | null> => {
  const { data, save, appendonly, appendfsync } = options;
  if (data === undefined) {
    for (const [name, given] of Object.entries({ save, appendonly, appendfsync })) {
      if (given !== undefined) throw new CliFailure(`--${name} needs a folder to keep data in: --data DIR`);
    }
    return null;
  }
  config['save'] = save ?? SAVE_DEFAULT;
  if (appendonly !== undefined) config['appendonly'] = appendonly;
  if (appendfsync !== undefined) config['appendfsync'] = appendfsync;
  const folder = world.files.folder(data);
  config['dir'] = bytesOf(folder.path);
  const made = await folder.make();
  const lock = made.ok ? await folder.lock(LOCK) : made;
  if (lock.ok) return { folder, lock: lock.value };
  const advice = lock.why === 'in-use' ? 'end that process, or choose another folder' : 'choose another folder';
  throw new CliFailure(`--data ${data} cannot be used (${lock.why}): ${lock.detail}; ${advice}`);
};

/** Resolves at the first request to end, by a signal or a client; a second signal ends at once. */
const asked = (shard: ShardType): Promise<EndWish> =>
  new Promise((resolve) => {
    let isAsked = false;
    shard.endRequested = resolve;
    const end = (): void => {
      if (isAsked) process.exit(EXIT_INTERRUPTED);
      isAsked = true;
      resolve('as-configured');
    };
    process.on('SIGINT', end).on('SIGTERM', end);
  });

/** As every word inside: one char, one byte. */
const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const portOf = (option: string, given: string, min: number): number => {
  const port = /^\d{1,5}$/.test(given) ? Number(given) : NaN;
  if (port >= min && port <= PORT_MAX) return port;
  throw new CliFailure(`${option}: "${given}" is no port: give a number from ${min} to ${PORT_MAX}`);
};

const addressOf = (given: string): Address => {
  // `HOST PORT` is how Redis's own configuration writes it.
  const parts = /^\[?([^\]\s]+?)\]?[:\s]+(\d+)$/.exec(given.trim());
  if (parts === null) throw new CliFailure(`--replicaof: "${given}" is not host:port, as in 127.0.0.1:6379`);
  return { host: parts[1]!, port: portOf('--replicaof', parts[2]!, 1) };
};

const listenFailure = ({ host, port }: Address, { why, detail }: Extract<ListenOutcome, { ok: false }>): string => {
  if (why === 'in-use') {
    return `port ${port} of ${host} is in use: end the program that has it, or choose another one with --port (0 takes a free one)`;
  }
  if (why === 'denied')
    return `listening on ${host}:${port} is not permitted (${detail}): choose a port above 1023 with --port`;
  return `${host} is no address of this machine (${detail}): choose another one with --host`;
};
