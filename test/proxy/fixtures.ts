/**
 * The one place where proxy tests build a sharded database behind an endpoint, on real sockets: shards with the data
 * commands, an endpoint in front of them, and raw clients. Every option has a default: what a test sets is what it is about.
 */

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { dataCommands } from '../../src/node/commands/index.ts';
import type { Command } from '../../src/node/commands/command.ts';
import { CommandTable } from '../../src/node/commands/table.ts';
import { serveShard, type RespServer } from '../../src/node/shard/resp-server.ts';
import { Shard } from '../../src/node/shard/shard.ts';
import { openEndpoint, type Endpoint, type EndpointSettings } from '../../src/proxy/endpoint.ts';
import { ReplyFramer } from '../../src/resp/reply-framer.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { compileHashingPolicy, STANDARD_HASHING_RULES } from '../../src/sharding/hashing-policy.ts';
import { evenSlotMap } from '../../src/sharding/slot-map.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import type { ServerTls, World } from '../../src/world/world.ts';

const REPLIES_MS_MAX = 20_000;

export interface TestDatabaseOptions {
  readonly world?: World;
  readonly shards?: number;
  readonly settings?: Partial<EndpointSettings>;
  readonly shardPassword?: string;
  readonly extraCommands?: readonly Command[];
  readonly tls?: () => ServerTls | null;
}

export class TestDatabase implements AsyncDisposable {
  readonly world: World;
  readonly shards: Shard[];
  readonly servers: RespServer[];
  readonly endpoint: Endpoint;
  settings: EndpointSettings;
  readonly #clients: RawClient[] = [];

  constructor(parts: Pick<TestDatabase, 'world' | 'shards' | 'servers' | 'endpoint' | 'settings'>) {
    ({ world: this.world, shards: this.shards, servers: this.servers, endpoint: this.endpoint } = parts);
    this.settings = parts.settings;
  }

  get port(): number {
    return this.endpoint.address.port;
  }

  /** A raw client of the endpoint. */
  async client(): Promise<RawClient> {
    const client = await RawClient.to(this.port);
    this.#clients.push(client);
    return client;
  }

  /** A raw client of one shard, past the proxy. */
  async shardClient(index: number): Promise<RawClient> {
    const client = await RawClient.to(this.servers[index]!.address.port);
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.endpoint.close();
    for (const server of this.servers) await server.close();
    for (const shard of this.shards) shard.close();
  }
}

export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const world = options.world ?? new SystemWorld({ seed: 1 });
  const count = options.shards ?? 3;
  const commands = new CommandTable([...dataCommands, ...(options.extraCommands ?? [])]);
  const shards: Shard[] = [];
  const servers: RespServer[] = [];
  const password = options.shardPassword ?? null;
  for (let index = 0; index < count; index++) {
    // A database of Redis Enterprise has no other than database 0.
    const config = { databases: '1', ...(password !== null && { requirepass: password }) };
    const shard = new Shard({ world, commands, config });
    const served = await serveShard(shard, world.network, { host: '127.0.0.1', port: 0 });
    if (!served.ok) throw new Error(served.detail);
    shards.push(shard);
    servers.push(served.server);
  }
  const hashing = compileHashingPolicy(STANDARD_HASHING_RULES);
  if (!hashing.ok) throw new Error(hashing.detail);
  const settings: EndpointSettings = {
    shards: servers.map(({ address }, index) => ({ index, address, password })),
    slotMap: evenSlotMap(count),
    hashing: hashing.policy,
    hashingRules: STANDARD_HASHING_RULES.map(({ regex }) => regex),
    clustered: count > 1,
    passwords: [],
    defaultUser: true,
    users: [],
    adminPassword: 'internal-secret',
    tlsMode: 'disabled',
    readOnly: false,
    commands,
    maxConnections: 0,
    clientPipelineMax: 2000,
    shardPipelineMax: 2000,
    resp3: true,
    multiSlot: true,
    ...options.settings,
  };
  const opened = await openEndpoint({
    world,
    network: world.network.from('127.0.0.1'),
    at: { host: '127.0.0.1', port: 0 },
    settings: () => database.settings,
    tls: options.tls ?? (() => null),
  });
  if (!opened.ok) throw new Error(opened.detail);
  const database: TestDatabase = new TestDatabase({ world, shards, servers, endpoint: opened.endpoint, settings });
  return database;
}

/** Sends bytes, collects framed replies (encoded, as binary strings). */
export class RawClient {
  readonly socket: Socket;
  /** Replies and pushes not yet taken. */
  readonly replies: string[] = [];
  closed = false;
  readonly #framer = new ReplyFramer();
  #wake: (() => void)[] = [];
  #failure: Error | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#framer.push(chunk, (bytes) => this.replies.push(bytes.latin1Slice()));
      this.#wakeAll();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#wakeAll();
    });
  }

  static async to(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Trusts whatever certificate it is shown: what TLS checks is the world's own test. */
  static async overTls(port: number): Promise<RawClient> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve as () => void);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  send(...words: string[]): void {
    this.sendBytes(encodeRequest(words));
  }

  sendBytes(bytes: string): void {
    this.socket.write(Buffer.from(bytes, 'latin1'));
  }

  /** Sends one request and waits for its reply. */
  async call(...words: string[]): Promise<string> {
    this.send(...words);
    return this.next();
  }

  async next(): Promise<string> {
    while (this.replies.length === 0) {
      if (this.#failure !== null) throw this.#failure;
      if (this.closed) throw new Error('the connection was closed');
      await this.#woken();
    }
    return this.replies.shift()!;
  }

  /** Fails when they do not come in time, saying how many did. */
  async take(count: number): Promise<string[]> {
    const replies: string[] = [];
    const limit = setTimeout(() => {
      this.#failure = new Error(`${replies.length} of ${count} replies after ${REPLIES_MS_MAX} ms`);
      this.#wakeAll();
    }, REPLIES_MS_MAX);
    try {
      while (replies.length < count) replies.push(await this.next());
    } finally {
      clearTimeout(limit);
    }
    return replies;
  }

  async untilClosed(): Promise<void> {
    while (!this.closed) await this.#woken();
  }

  close(): void {
    this.socket.destroy();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const each of wake) each();
  }
}
