/**
 * A genuine redis-server for suites that need a judge: one process on a free loopback port, in its own temporary
 * directory, gone when the test is.
 *
 * Border: it starts, speaks to and ends the server; what is asked of it belongs to the suite. Words and replies of
 * `command` are binary strings (one char per byte), as in `src`. Limits: START_MS_MAX to answer PING, STOP_MS_MAX
 * to end on its own, PORT_ATTEMPTS_MAX when somebody else takes the port first.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { describe } from 'vitest';

const START_MS_MAX = 20_000;
const STOP_MS_MAX = 5_000;
const PORT_ATTEMPTS_MAX = 5;
const LOG_CHARS_MAX = 8_192;
const PROGRAM = 'redis-server';

/** A reply as it came: strings are binary strings. */
export type RealReply = string | number | null | RealReply[];

/** ioredis's constructor types refuse an optional `replyMapping`; no suite needs it. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

export interface RealRedis extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** With the password, percent-encoded. */
  readonly url: string;
  readonly password: string | null;
  /** The server's working directory; removed at the end. */
  readonly directory: string;
  /** A new ioredis connection, closed with the server. */
  client(options?: ClientOptions): Redis;
  /** Sends one request on a shared connection; rejects with the server's error. */
  command(...words: readonly (string | number | Buffer)[]): Promise<RealReply>;
  /** Asks the process to end and waits until it has. Idempotent. */
  stop(): Promise<void>;
  /** SIGKILL, as in a crash. Idempotent. */
  kill(): Promise<void>;
}

export interface RealRedisOptions {
  /** Added after the defaults, so they win: `['--dbfilename', 'a.rdb']`. */
  readonly args?: readonly string[];
  readonly password?: string;
  /** A redis.conf, which the defaults and `args` override. */
  readonly file?: string;
}

const asked = spawnSync(PROGRAM, ['--version'], { encoding: 'latin1' });

export const realRedisAvailable: boolean = asked.status === 0;

/** `7.0.15`; `0.0.0` when there is no server. */
export const realRedisVersion: string = (realRedisAvailable && /v=([\d.]+)/.exec(asked.stdout)?.[1]) || '0.0.0';

/** The number before the first dot: 7; 0 when there is no server. */
export const realRedisMajor: number = Number(realRedisVersion.split('.')[0]);

const versionNumbers = (version: string): number[] => version.split('.').map(Number);
const realVersion = versionNumbers(/v=([\d.]+)/.exec(asked.stdout ?? '')?.[1] ?? '0.0.0');

/** The server at hand is of that version or later: it knows a command that is there since then. */
export function isInRealRedis({ since }: { readonly since: string }): boolean {
  for (const [at, number] of versionNumbers(since).entries()) {
    if (number !== realVersion[at]) return number < (realVersion[at] ?? 0);
  }
  return true;
}

/** A suite that needs redis-server: skipped with one visible line when there is none, an error when CI has none. */
export function describeReal(name: string, body: () => void): void {
  if (realRedisAvailable) {
    describe(name, body);
    return;
  }
  if (process.env['CI']) throw new Error(`redis-server is not installed, and CI must run: ${name}`);
  process.stderr.write(`skipped: redis-server is not installed: ${name}\n`);
  describe.skip(name, body);
}

export async function startRealRedis(options: RealRedisOptions = {}): Promise<RealRedis> {
  for (let attempt = 1; ; attempt += 1) {
    const started = await tryStart(options);
    if (started.ok) return started.redis;
    const portTaken = started.log.includes('Address already in use');
    if (!portTaken || attempt === PORT_ATTEMPTS_MAX) throw new Error(`redis-server did not start:\n${started.log}`);
  }
}

type StartOutcome = { readonly ok: true; readonly redis: RealRedis } | { readonly ok: false; readonly log: string };

async function tryStart(options: RealRedisOptions): Promise<StartOutcome> {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), 'real-redis-'));
  const password = options.password ?? null;
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'];
  // DEBUG DIGEST is how servers are compared; 7.0 refuses DEBUG unless told.
  args.push('--enable-debug-command', 'yes');
  if (password !== null) args.push('--requirepass', password);
  const file = options.file === undefined ? [] : [options.file];
  const child = spawn(PROGRAM, [...file, ...args, ...(options.args ?? [])], { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = new RealRedisProcess(child, port, password, directory);
  if (await server.answers()) return { ok: true, redis: server };
  await server.kill();
  return { ok: false, log: server.log };
}

class RealRedisProcess implements RealRedis {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly password: string | null;
  readonly directory: string;
  readonly url: string;
  log = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #clients: Redis[] = [];
  readonly #killWithUs: () => void;
  #shared: Redis | null = null;
  #ended = false;

  constructor(child: ChildProcess, port: number, password: string | null, directory: string) {
    this.port = port;
    this.password = password;
    this.directory = directory;
    this.url = `redis://${password === null ? '' : `:${encodeURIComponent(password)}@`}${this.host}:${port}`;
    this.#child = child;
    const remember = (chunk: Buffer): void => {
      this.log = (this.log + chunk.toString('latin1')).slice(-LOG_CHARS_MAX);
    };
    child.stdout?.on('data', remember);
    child.stderr?.on('data', remember);
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    this.#killWithUs = () => child.kill('SIGKILL');
    process.once('exit', this.#killWithUs);
  }

  /** True once PING is answered (so loading is over too), false when the process ended or took too long. */
  async answers(): Promise<boolean> {
    const probe = this.client({ maxRetriesPerRequest: null, retryStrategy: () => 20 });
    const verdict = await Promise.race([
      probe.ping().then(() => true),
      this.#exited.then(() => false),
      wait(START_MS_MAX),
    ]);
    probe.disconnect();
    return verdict === true;
  }

  client(options: ClientOptions = {}): Redis {
    if (this.#ended) throw new Error(`redis-server on port ${this.port} has been ended`);
    const client = new Redis({
      host: this.host,
      port: this.port,
      ...(this.password === null ? {} : { password: this.password }),
      maxRetriesPerRequest: 3,
      ...options,
    });
    // A refused connection rejects the pending requests; without a listener ioredis would print it as well.
    client.on('error', () => undefined);
    this.#clients.push(client);
    return client;
  }

  async command(...words: readonly (string | number | Buffer)[]): Promise<RealReply> {
    this.#shared ??= this.client({ protocol: 2 });
    const [name, ...rest] = words.map((word) => (Buffer.isBuffer(word) ? word : Buffer.from(String(word), 'latin1')));
    if (name === undefined) throw new Error('a request has at least one word');
    return plain(await this.#shared.callBuffer(name.toString('latin1'), ...rest));
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#ended = true;
    for (const client of this.#clients.splice(0)) client.disconnect();
    this.#shared = null;
    this.#child.kill(signal);
    const ended = await Promise.race([this.#exited.then(() => true), wait(STOP_MS_MAX)]);
    if (ended !== true) this.#child.kill('SIGKILL');
    await this.#exited;
    process.removeListener('exit', this.#killWithUs);
    await rm(this.directory, { recursive: true, force: true });
  }
}

function plain(reply: unknown): RealReply {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1');
  if (Array.isArray(reply)) return reply.map(plain);
  if (typeof reply === 'string' || typeof reply === 'number' || reply === null) return reply;
  throw new Error(`a reply of an unexpected kind: ${typeof reply}`);
}

/** Nobody had it a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Resolves to null after `ms`; the timer does not hold the process. */
async function wait(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms).unref());
}
