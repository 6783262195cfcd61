/**
 * What the world contract's chapters share: two handfuls of verbs over a world under test, and a handler that remembers.
 *
 * Everything made here is closed after each test. Addresses are loopback addresses, as every cluster of the product uses them.
 */
import { afterEach, beforeEach } from 'vitest';
import type {
  Address,
  ClientTls,
  CloseReason,
  Connection,
  ConnectionHandler,
  ConnectOutcome,
  Listener,
  ListenOptions,
  Network,
  World,
} from '../../src/world/world.ts';

export interface WorldUnderTest extends AsyncDisposable {
  readonly world: World;
  /** Waits for work; in the simulated world time moves meanwhile. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Waits until something holds, or fails. */
  until(holds: () => boolean, what: string): Promise<void>;
}

export type MakeWorld = () => Promise<WorldUnderTest>;

export const EAST = '127.0.1.1';
export const WEST = '127.0.2.1';
export const NORTH = '127.0.3.1';
/** For a connection that must not come about. */
export const IMPATIENT_MS = 150;
export const MEBIBYTE = 1024 * 1024;
const PATIENT_MS = 5000;

/** Remembers what it was told; copies chunks, which are only lent. */
export class Recorder implements ConnectionHandler {
  readonly chunks: string[] = [];
  readonly reasons: CloseReason[] = [];
  drains = 0;
  onData: (text: string) => void = () => undefined;

  get text(): string {
    return this.chunks.join('');
  }

  data(chunk: Buffer): void {
    const text = chunk.toString('latin1');
    this.chunks.push(text);
    this.onData(text);
  }

  drained(): void {
    this.drains++;
  }

  closed(reason: CloseReason): void {
    this.reasons.push(reason);
  }
}

export interface End {
  readonly connection: Connection;
  readonly heard: Recorder;
}

/** Bytes of every value, without a short period. */
export const variedBytes = (length: number): string => {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 7 + (index >> 8) * 31) & 0xff;
  return bytes.toString('latin1');
};

/** A fresh world for each test of the surrounding `describe`. */
export class ContractKit {
  #subject: WorldUnderTest | null = null;
  #listeners: Listener[] = [];
  ends: End[] = [];

  constructor(makeWorld: MakeWorld) {
    beforeEach(async () => {
      this.#subject = await makeWorld();
    });
    afterEach(async () => {
      this.network.faults.heal();
      for (const end of this.ends) end.connection.destroy();
      for (const listener of this.#listeners) await this.run(listener.close());
      this.ends = [];
      this.#listeners = [];
      await this.#subject?.[Symbol.asyncDispose]();
    });
  }

  get world(): World {
    return this.#subject!.world;
  }

  get network(): Network {
    return this.world.network;
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.#subject!.run(work);
  }

  until(holds: () => boolean, what: string): Promise<void> {
    return this.#subject!.until(holds, what);
  }

  readonly keep = (connection: Connection): End => {
    const end = { connection, heard: new Recorder() };
    connection.handle(end.heard);
    this.ends.push(end);
    return end;
  };

  async listen(at: Address, options: ListenOptions, accept: (connection: Connection) => void): Promise<Listener> {
    const outcome = await this.run(this.network.listen(at, options, accept));
    if (!outcome.ok) throw new Error(`cannot listen: ${outcome.detail}`);
    this.#listeners.push(outcome.listener);
    return outcome.listener;
  }

  /** The newest listener, which the test closes itself. */
  forgetListener(): Listener {
    return this.#listeners.pop()!;
  }

  dial(from: string, to: Address, tls: ClientTls | null = null, timeoutMs = PATIENT_MS): Promise<ConnectOutcome> {
    return this.run(this.network.from(from).connect(to, { tls, timeoutMs }));
  }

  async dialled(from: string, to: Address, tls: ClientTls | null = null): Promise<End> {
    const outcome = await this.dial(from, to, tls);
    if (!outcome.ok) throw new Error(`cannot connect: ${outcome.why}: ${outcome.detail}`);
    return this.keep(outcome.connection);
  }

  /** A connection from `from` to `to`, seen from both ends. */
  async pair(from = WEST, to = EAST): Promise<{ near: End; far: End }> {
    const accepted: End[] = [];
    const listener = await this.listen(
      { host: to, port: 0 },
      {},
      (connection) => void accepted.push(this.keep(connection)),
    );
    const near = await this.dialled(from, listener.address);
    await this.until(() => accepted.length === 1, 'the connection is accepted');
    return { near, far: accepted[0]! };
  }

  /** Something sent now on a new path has arrived: what could arrive before it has. */
  async witness(from = WEST, to = EAST): Promise<void> {
    const { near, far } = await this.pair(from, to);
    near.connection.write('seen');
    await this.until(() => far.heard.text === 'seen', 'the witness has arrived');
  }
}
