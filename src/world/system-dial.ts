/**
 * One attempt to reach one address: waits for a partition to heal, then TCP, then TLS, all within one limit.
 *
 * Border: names and several addresses are `system-network.ts`; the connection that comes out is made by its `open`, at once, so that no
 * event of the socket finds nobody listening. Limits: `limitMs`.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { SharedReads } from './system-connection.ts';
import type { SystemConnection } from './system-connection.ts';
import { connectFailureOf } from './system-errors.ts';
import type { SystemFaults } from './system-faults.ts';
import { dialTls } from './system-tls.ts';
import { addressText, isSocketPath } from './world.ts';
import type { Address, ClientTls, Clock, ConnectFailure, ConnectOutcome, Milliseconds, TlsFacts } from './world.ts';

export interface Ends {
  readonly local: Address;
  readonly remote: Address;
}

export interface OpenParts extends Ends {
  readonly socket: Socket;
  readonly carrier: Socket;
  readonly tls: TlsFacts | null;
  readonly first: Buffer | null;
  readonly reads: SharedReads | null;
}

export interface SystemDialRequest {
  readonly to: Address;
  /** The address that faults see as the origin. */
  readonly origin: string;
  /** The address to bind to; `null` leaves it to the system. */
  readonly localAddress: string | null;
  readonly tls: ClientTls | null;
  readonly limitMs: Milliseconds;
  readonly clock: Clock;
  readonly faults: SystemFaults;
  readonly open: (parts: OpenParts) => SystemConnection;
}

export const dialSystem = (request: SystemDialRequest): Promise<ConnectOutcome> =>
  new Promise((resolve) => new SystemAttempt(request, resolve).start());

/** A dual-stack listener shows IPv4 clients as IPv6; patterns of faults are written in IPv4. */
export const hostOf = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

class SystemAttempt {
  readonly #request: SystemDialRequest;
  readonly #done: (outcome: ConnectOutcome) => void;
  readonly #deadline: number;
  #limit: NodeJS.Timeout | null = null;
  #stopWaiting: (() => void) | null = null;
  #socket: Socket | null = null;

  constructor(request: SystemDialRequest, done: (outcome: ConnectOutcome) => void) {
    this.#request = request;
    this.#done = done;
    this.#deadline = request.clock.elapsed() + request.limitMs;
  }

  start(): void {
    const { faults, origin, to, limitMs } = this.#request;
    this.#limit = setTimeout(() => {
      this.#socket?.on('error', () => undefined).destroy();
      this.#fail('timeout', `no answer from ${addressText(to)} within ${Math.ceil(limitMs)} ms`);
    }, limitMs);
    this.#stopWaiting = faults.whenOpen(origin, to.host, () => this.#dial());
  }

  #dial(): void {
    const { to, localAddress, tls } = this.#request;
    const reads = tls === null ? new SharedReads() : null;
    const place = isSocketPath(to.host) ? { path: to.host } : { host: to.host, port: to.port, noDelay: true };
    const socket = connect({
      ...place,
      allowHalfOpen: true,
      ...(localAddress === null ? {} : { localAddress }),
      ...(reads?.options === undefined ? {} : { onread: reads.options }),
    });
    this.#socket = socket;
    socket.pause();
    const onError = (error: NodeJS.ErrnoException): void => this.#fail(connectFailureOf(error), error.message);
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      const local = isSocketPath(to.host) ? to : { host: hostOf(socket.localAddress), port: socket.localPort ?? 0 };
      const ends = { local, remote: to };
      if (tls === null) this.#succeed({ socket, carrier: socket, tls: null, first: null, reads, ...ends });
      else this.#secure(socket, tls, ends);
    });
  }

  #secure(carrier: Socket, tls: ClientTls, ends: Ends): void {
    const { clock } = this.#request;
    this.#stopLimit(); // the handshake has its own, for what is left
    dialTls(carrier, tls, clock.now(), Math.max(1, this.#deadline - clock.elapsed()), (outcome) => {
      if (outcome.ok)
        this.#succeed({ socket: outcome.socket, carrier, tls: outcome.facts, first: null, reads: null, ...ends });
      else this.#fail(outcome.why, outcome.detail);
    });
  }

  #succeed(parts: OpenParts): void {
    this.#settle({ ok: true, connection: this.#request.open(parts) });
  }

  #fail(why: ConnectFailure, detail: string): void {
    this.#settle({ ok: false, why, detail });
  }

  #settle(outcome: ConnectOutcome): void {
    this.#stopLimit();
    this.#stopWaiting?.();
    this.#done(outcome);
  }

  #stopLimit(): void {
    if (this.#limit !== null) clearTimeout(this.#limit);
    this.#limit = null;
  }
}
