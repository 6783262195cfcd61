/**
 * The programs that are measured: a real redis-server, `antipode shard`, `antipode replicate` and `antipode up`, each in a process
 * of its own on loopback.
 *
 * Border: it starts them as a person would, without persistence; `await using` ends them. Limits: START_MS_MAX until they are
 * ready, PORT_ATTEMPTS_MAX when somebody else takes the port first.
 */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeClusterCertificate } from '../../src/cluster/certificates/cluster-certificates.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { Child } from './child.ts';
import { Client } from './client.ts';
import type { Place } from './client.ts';
import { until } from './waiting.ts';

export const REDIS_PROGRAM = 'redis-server';
/** The built program, beside the built benchmarks. */
const ANTIPODE_PROGRAM = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const LOOPBACK = '127.0.0.1';
const START_MS_MAX = 30_000;
const READY_EVERY_MS = 1;
const PORT_ATTEMPTS_MAX = 5;

export interface Server extends Place, AsyncDisposable {
  readonly pid: number;
  /** Processes whose work belongs to it, as a tunnel's. */
  readonly helpers?: readonly number[];
  /** It speaks TLS on its port. */
  readonly tls?: boolean;
  /** A new connection. */
  client(): Promise<Client>;
}

/** Removed with its process, and with the benchmark at the latest. */
const temporaryDirectory = (): { path: string; remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 'antipode-bench-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  process.once('exit', remove);
  return {
    path,
    remove: () => {
      process.removeListener('exit', remove);
      remove();
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
};

const isReady = async (place: Place): Promise<boolean> => {
  try {
    using client = await Client.to(place);
    return (await client.ask('PING')) === 'PONG';
  } catch {
    return false;
  }
};

const answers = async (child: Child, place: Place): Promise<void> => {
  let gone = false;
  void child.exited.then(() => (gone = true));
  const ready = async (): Promise<boolean> => {
    if (gone) throw child.failure('ended before it answered');
    return isReady(place);
  };
  await until(ready, { everyMs: READY_EVERY_MS, msMax: START_MS_MAX, what: `PONG from port ${place.port}` });
};

const serverOf = (child: Child, { host, port }: Place, afterwards: () => void): Server => ({
  host,
  port,
  pid: child.pid,
  client: () => Client.to({ host, port }),
  async [Symbol.asyncDispose]() {
    await child.stop();
    afterwards();
  },
});

/** No persistence, and a replica's transfer begins at once as it does at a shard. */
export const startRedis = async (more: readonly string[] = []): Promise<Server> => {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const directory = temporaryDirectory();
    const persistence = ['--dir', directory.path, '--save', '', '--appendonly', 'no'];
    const replication = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'];
    const child = new Child({
      program: REDIS_PROGRAM,
      args: ['--port', String(port), '--bind', LOOPBACK, ...persistence, ...replication, ...more],
    });
    try {
      await answers(child, { host: LOOPBACK, port });
      return serverOf(child, { host: LOOPBACK, port }, directory.remove);
    } catch (error) {
      await child.stop();
      directory.remove();
      const isTaken = String(error).includes('Address already in use');
      if (!isTaken || attempt === PORT_ATTEMPTS_MAX) throw error;
    }
  }
};

export const STUNNEL_PROGRAM = 'stunnel';

/** A redis-server that speaks TLS itself. Its plain port is there to see that it is ready. */
export const startTlsRedis = async (): Promise<Server> => {
  const directory = temporaryDirectory();
  const { certificate, key } = writeCertificate(directory.path);
  const tlsPort = await freePort();
  const tls = ['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'];
  const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
  const plain = await startRedis([...tls, ...files]);
  const end = async (): Promise<void> => {
    await plain[Symbol.asyncDispose]();
    directory.remove();
  };
  return { ...plain, port: tlsPort, tls: true, [Symbol.asyncDispose]: end };
};

/** stunnel before a redis-server: its processor time is counted with the server's. */
export const startStunnel = async (): Promise<Server> => {
  const redis = await startRedis();
  const directory = temporaryDirectory();
  const { certificate, key } = writeCertificate(directory.path);
  const port = await freePort();
  const file = join(directory.path, 'stunnel.conf');
  const service = `accept = ${LOOPBACK}:${port}\nconnect = ${LOOPBACK}:${redis.port}\n`;
  writeFileSync(file, `foreground = yes\npid =\n[bench]\n${service}cert = ${certificate}\nkey = ${key}\n`);
  const child = new Child({ program: STUNNEL_PROGRAM, args: [file] });
  const end = async (): Promise<void> => {
    await child.stop();
    await redis[Symbol.asyncDispose]();
    directory.remove();
  };
  try {
    await listens(child, port);
  } catch (error) {
    await end();
    throw error;
  }
  return { ...redis, port, tls: true, helpers: [child.pid], [Symbol.asyncDispose]: end };
};

const writeCertificate = (folder: string): { readonly certificate: string; readonly key: string } => {
  const made = makeClusterCertificate(new SystemWorld(), 'bench.local', 'proxy');
  const certificate = join(folder, 'certificate.pem');
  const key = join(folder, 'key.pem');
  writeFileSync(certificate, made.certificate);
  writeFileSync(key, made.key, { mode: 0o600 });
  return { certificate, key };
};

/** Until somebody takes connections on the port. */
const listens = async (child: Child, port: number): Promise<void> => {
  let gone = false;
  void child.exited.then(() => (gone = true));
  const isOpen = (): Promise<boolean> => {
    if (gone) throw child.failure('ended before it listened');
    return new Promise((resolve) => {
      const socket = connect({ host: LOOPBACK, port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  };
  await until(isOpen, { everyMs: READY_EVERY_MS, msMax: START_MS_MAX, what: `a listener on port ${port}` });
};

/** Where each of our processes leaves a profile at its end; see README.md. */
const profileDirectory = process.env['BENCH_PROFILE'] ?? '';
const profiling = profileDirectory === '' ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDirectory];

const startAntipode = (verb: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child =>
  new Child({
    program: process.execPath,
    args: [...profiling, ANTIPODE_PROGRAM, verb, ...args],
    env: { CI: '1', ...env },
  });

export const startShard = async (): Promise<Server> => {
  const child = startAntipode('shard', ['--host', LOOPBACK, '--port', '0', '--json']);
  try {
    const { port } = JSON.parse(await child.line((line) => line.startsWith('{'), START_MS_MAX)) as Place;
    await answers(child, { host: LOOPBACK, port });
    return serverOf(child, { host: LOOPBACK, port }, () => undefined);
  } catch (error) {
    await child.stop();
    throw error;
  }
};

const urlOf = ({ host, port }: Place): string => `redis://${host}:${port}`;

/** The engine alone. It stays and follows, or ends when in sync. */
export const startReplicate = (from: Place, to: Place, ends: 'when-in-sync' | 'when-told'): Child => {
  const limit = ends === 'when-in-sync' ? ['--until', 'in-sync'] : [];
  return startAntipode('replicate', ['--from', urlOf(from), '--to', urlOf(to), ...limit]);
};

/** Node.js with nothing to do, until it has written a line: what no program of ours can be faster than. */
export const startEmptyProgram = async (): Promise<AsyncDisposable> => {
  const child = new Child({ program: process.execPath, args: ['-e', 'process.stdout.write("ready\\n")'] });
  try {
    await child.line((line) => line === 'ready', START_MS_MAX);
    return child;
  } catch (error) {
    await child.stop();
    throw error;
  }
};

interface Document {
  readonly clusters: readonly { readonly databases: readonly Place[] }[];
}

export interface SandboxStart extends AsyncDisposable {
  readonly pid: number;
  /** Until its line of JSON is there; every database, in the order of the configuration. Ending one ends the sandbox. */
  databases(): Promise<readonly Server[]>;
  /** The first of them. */
  database(): Promise<Server>;
}

/** A sandbox of its own: another one that runs on this machine is neither seen nor disturbed. */
export const startSandbox = (config: string): SandboxStart => {
  const directory = temporaryDirectory();
  const file = join(directory.path, 'bench.yaml');
  writeFileSync(file, config);
  const child = startAntipode('up', ['--json', '--config', file], { ANTIPODE_HOME: directory.path });
  const end = async (): Promise<void> => {
    await child.stop();
    directory.remove();
  };
  const databases = async (): Promise<readonly Server[]> => {
    const line = await child.line((each) => each.startsWith('{'), START_MS_MAX);
    const places = (JSON.parse(line) as Document).clusters.flatMap((cluster) => cluster.databases);
    return places.map((place) => ({ ...serverOf(child, place, () => undefined), [Symbol.asyncDispose]: end }));
  };
  return {
    pid: child.pid,
    databases,
    async database() {
      const [first] = await databases();
      if (first === undefined) throw child.failure('its document names no database');
      return first;
    },
    [Symbol.asyncDispose]: end,
  };
};

/** What must be there before anything can be measured; empty when all is. */
export const missingParts = (redisVersion: string | null): readonly string[] => {
  const missing: string[] = [];
  if (process.platform !== 'linux') missing.push('Linux: processor time and memory are read from /proc');
  if (redisVersion === null) {
    missing.push(
      `${REDIS_PROGRAM} on the PATH: every number is a ratio to it (Debian, Ubuntu: apt-get install redis-server)`,
    );
  }
  if (!existsSync(ANTIPODE_PROGRAM)) missing.push(`${ANTIPODE_PROGRAM}: npm run build makes it`);
  return missing;
};
