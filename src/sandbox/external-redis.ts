/**
 * A Redis that belongs to no cluster, for scenarios: a genuine redis-server where there are real sockets, a lone shard of ours in a
 * simulated world. Limits: START_MS_MAX until it answers, STOP_MS_MAX until it is killed.
 */

import { spawn } from 'node:child_process';
import { shardCommands } from '../cluster/control/shard-commands.ts';
import { serveShard } from '../node/shard/resp-server.ts';
import { Shard } from '../node/shard/shard.ts';
import { attachReplication } from '../replication/replication.ts';
import { formatSourceUrl, type SourceUrl } from '../replication/replica-of/source-url.ts';
import { openClient } from '../replication/request-client.ts';
import type { World } from '../world/world.ts';

const PROGRAM = 'redis-server';
const START_MS_MAX = 10_000;
const ASK_EVERY_MS = 50;
const STOP_MS_MAX = 3_000;
/** Where the simulated one lives. */
const SIMULATED_HOST = '127.0.99.1';
const SIMULATED_PORT = 6379;

export interface ExternalRedis {
  /** With the password, percent-encoded: what a Replica Of or a client is given. */
  readonly url: string;
  /** What it is, for messages. */
  readonly kind: string;
  close(): Promise<void>;
}

export async function simulatedRedis(world: World, password: string | null): Promise<ExternalRedis> {
  const config: Record<string, string> = { port: String(SIMULATED_PORT) };
  if (password !== null) config['requirepass'] = password;
  const shard = new Shard({ world, commands: shardCommands, config });
  attachReplication(shard);
  const at = { host: SIMULATED_HOST, port: SIMULATED_PORT };
  const outcome = await serveShard(shard, world.network.from(SIMULATED_HOST), at);
  if (!outcome.ok) throw new Error(`the external Redis cannot listen on ${at.host}:${at.port}: ${outcome.detail}`);
  const url = formatSourceUrl({ ...at, username: null, password });
  const close = async (): Promise<void> => {
    await outcome.server.close();
    shard.close();
  };
  return { url, kind: 'a lone shard in the place of a redis-server', close };
}

/** Null: there is no redis-server on this machine. */
export async function realRedis(world: World, password: string | null): Promise<ExternalRedis | null> {
  const port = await freePort(world);
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--repl-diskless-sync-delay',
    '0',
  ];
  if (password !== null) args.push('--requirepass', password);
  const child = spawn(PROGRAM, [...args, '--enable-debug-command', 'local'], { stdio: 'ignore' });
  let over: 'absent' | 'ended' | null = null;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      over = error.code === 'ENOENT' ? 'absent' : 'ended';
      resolve();
    });
    child.once('exit', () => {
      over ??= 'ended';
      resolve();
    });
  });
  const place: SourceUrl = { host: '127.0.0.1', port, username: null, password };
  const deadline = world.clock.elapsed() + START_MS_MAX;
  for (;;) {
    const opened = await openClient(world, place, { timeoutMs: START_MS_MAX });
    if (opened.ok) opened.client.close();
    if (opened.ok) break;
    if (over === 'absent') return null;
    if (over !== null || world.clock.elapsed() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${PROGRAM} did not start on port ${port}: ${opened.detail}`);
    }
    await new Promise<void>((resolve) => void world.clock.after(ASK_EVERY_MS, resolve));
  }
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    const late = world.clock.after(STOP_MS_MAX, () => child.kill('SIGKILL'));
    await ended;
    late.cancel();
  };
  return { url: formatSourceUrl(place), kind: PROGRAM, close };
}

async function freePort(world: World): Promise<number> {
  const outcome = await world.network.listen({ host: '127.0.0.1', port: 0 }, {}, (connection) => connection.destroy());
  if (!outcome.ok) throw new Error(`no free port on 127.0.0.1: ${outcome.detail}`);
  await outcome.listener.close();
  return outcome.listener.address.port;
}
