/**
 * `antipode shard`: one shard alone, a Redis-compatible server for any client and any replica. It ends on SIGINT and SIGTERM.
 */

import type { Command } from 'commander';
import type { Address, ListenOutcome } from '../world/world.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

const PORT_MAX = 65_535;
const EXIT_INTERRUPTED = 130;

interface ShardCliOptions {
  readonly port: string;
  readonly host: string;
  readonly requirepass?: string;
  readonly replicaof?: string;
  readonly masterauth?: string;
  readonly json?: boolean;
}

export const shard = (program: Command): void => {
  program
    .command('shard')
    .description('run one shard alone: a Redis-compatible server')
    .requiredOption('-p, --port <number>', 'port to listen on; 0 takes a free one')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--requirepass <password>', 'password that clients must give')
    .option('--replicaof <host:port>', 'replicate that server')
    .option('--masterauth <password>', 'password of the server that is replicated')
    .option('--json', 'print one JSON document, on one line, when it accepts connections')
    .action(run);
};

const run = async (options: ShardCliOptions): Promise<void> => {
  const port = portOf('--port', options.port, 0);
  const source = options.replicaof === undefined ? null : addressOf(options.replicaof);
  const [{ Shard }, { serveShard }, { shardCommands }, { attachReplication }, { SystemWorld }] = await Promise.all([
    import('../node/shard/shard.ts'),
    import('../node/shard/resp-server.ts'),
    import('../cluster/control/shard-commands.ts'),
    import('../replication/replication.ts'),
    import('../world/system-world.ts'),
  ]);
  const world = new SystemWorld();
  const config: Record<string, string> = { port: String(port) };
  if (options.requirepass !== undefined) config['requirepass'] = bytesOf(options.requirepass);
  if (options.masterauth !== undefined) config['masterauth'] = bytesOf(options.masterauth);
  const shard = new Shard({ world, commands: shardCommands, config });
  const replication = attachReplication(shard);
  const outcome = await serveShard(shard, world.network, { host: options.host, port });
  if (!outcome.ok) {
    shard.close();
    throw new CliFailure(listenFailure({ host: options.host, port }, outcome));
  }
  const { server } = outcome;
  if (source !== null) replication.follow(source);
  const ending = asked();
  if (options.json === true) {
    const { host, port } = server.address;
    printJson({ ready: true, host, port, run_id: shard.runId, pid: process.pid, replica_of: source });
  } else {
    const { ANTIPODE_VERSION } = await import('../node/shard/version.ts');
    const what = source === null ? 'a primary' : `a replica of ${source.host}:${source.port}`;
    printLine(`antipode ${ANTIPODE_VERSION} shard, ${what}, pid ${process.pid}`);
    printLine(`Ready to accept connections on ${server.address.host}:${server.address.port}`);
  }
  await ending;
  await server.close();
  shard.close();
};

/** Resolves at the first request to end; a second one ends at once. */
const asked = (): Promise<void> =>
  new Promise((resolve) => {
    let isAsked = false;
    const end = (): void => {
      if (isAsked) process.exit(EXIT_INTERRUPTED);
      isAsked = true;
      resolve();
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
