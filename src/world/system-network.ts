/**
 * Listening, dialling and resolving on real sockets. Every connection, dialled or accepted, is known to the faults.
 *
 * Border: one attempt to dial is `system-dial.ts`, TLS `system-tls.ts`, bytes of an open connection `system-connection.ts`, UDP `system-datagrams.ts`.
 * A port that serves both plain and TLS clients learns which by the first byte, so there a connection is accepted when its
 * client speaks first (Redis clients do). Limits: `BACKLOG` connections waiting to be accepted.
 */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { createServer, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { dialAddresses } from './dial-addresses.ts';
import { SharedReads, SystemConnection, withSharedReads } from './system-connection.ts';
import { openDatagrams } from './system-datagrams.ts';
import { dialSystem, hostOf } from './system-dial.ts';
import type { Ends, OpenParts } from './system-dial.ts';
import { closeListener, listenOnPath } from './system-paths.ts';
import { listenFailureOf } from './system-errors.ts';
import type { SystemFaults } from './system-faults.ts';
import { acceptTls, looksLikeTls } from './system-tls.ts';
import { resolutionOf, type NameSources } from './names.ts';
import { isSocketPath } from './world.ts';
import type {
  Address,
  Clock,
  ConnectFailure,
  Connection,
  ConnectOptions,
  ConnectOutcome,
  Datagram,
  DatagramOptions,
  DatagramOutcome,
  Faults,
  ListenOptions,
  ListenOutcome,
  Log,
  NameSource,
  Network,
  Resolution,
  ServerTls,
} from './world.ts';

const PORT_MAX = 65535;
const BACKLOG = 511; // as Redis's tcp-backlog
/** Where connections come from that were not dialled `from` an address; only faults ask. */
const DEFAULT_HOST = '127.0.0.1';

/** What every view of one network shares. */
export interface SystemNetworkParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly names: NameSources;
  readonly faults: SystemFaults;
}

export class SystemNetwork implements Network {
  readonly faults: Faults;
  readonly #parts: SystemNetworkParts;
  readonly #host: string | null;

  constructor(parts: SystemNetworkParts, host: string | null = null) {
    this.#parts = parts;
    this.#host = host;
    this.faults = parts.faults;
  }

  from(host: string): SystemNetwork {
    return new SystemNetwork(this.#parts, host);
  }

  listen(at: Address, options: ListenOptions, accept: (connection: Connection) => void): Promise<ListenOutcome> {
    const { faults, log } = this.#parts;
    const server = createServer({ noDelay: true, pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      if (isSocketPath(at.host)) {
        this.#welcome(socket, { local: at, remote: at }, options, accept);
        return;
      }
      const local = { host: hostOf(socket.localAddress), port: socket.localPort ?? 0 };
      const remote = { host: hostOf(socket.remoteAddress), port: socket.remotePort ?? 0 };
      // Without a port the client has gone already; there is nothing to accept.
      if (socket.remotePort === undefined) {
        socket.destroy();
        return;
      }
      const stopWaiting = faults.whenOpen(local.host, remote.host, () => {
        if (!socket.destroyed) this.#welcome(socket, { local, remote }, options, accept);
      });
      socket.once('close', stopWaiting);
    });
    if (isSocketPath(at.host)) return listenOnPath(server, at, options, log);
    return new Promise((resolve) => {
      server.once('error', (error) => resolve(listenFailureOf(error)));
      const ipv6Only = options.onlyIpv6 ?? false;
      server.listen({ host: at.host, port: at.port, backlog: BACKLOG, exclusive: true, ipv6Only }, () => {
        // Too many open files, for one: that client is lost, the listener lives on.
        server.on('error', (error) => log.event('network-accept-failed', { detail: error.message }));
        const bound = server.address();
        assert(bound !== null && typeof bound === 'object', 'a listening server has an address');
        const address = { host: at.host, port: bound.port };
        resolve({ ok: true, listener: { address, close: () => closeListener(server) } });
      });
    });
  }

  async connect(to: Address, options: ConnectOptions): Promise<ConnectOutcome> {
    const { clock, faults } = this.#parts;
    if (isSocketPath(to.host)) {
      return dialSystem({
        to,
        origin: to.host,
        localAddress: null,
        tls: options.tls ?? null,
        limitMs: options.timeoutMs,
        clock,
        faults,
        open: (parts) => this.#open(parts),
      });
    }
    if (!(Number.isInteger(to.port) && to.port > 0 && to.port <= PORT_MAX)) {
      return failed('unreachable', `${to.port} is not a port`);
    }
    if (this.#host !== null && isIP(this.#host) === 0) {
      return failed('unreachable', `${this.#host} is not an address to dial from`);
    }
    const deadline = clock.elapsed() + options.timeoutMs;
    const found = await withinLimit(this.resolve(to.host), options.timeoutMs);
    if (found === null) return failed('timeout', `no address for ${to.host} within ${options.timeoutMs} ms`);
    if (!found.ok) return failed('unresolved', found.detail);
    return dialAddresses(
      to.host,
      found.addresses,
      () => deadline - clock.elapsed(),
      (host, limitMs) =>
        dialSystem({
          to: { host, port: to.port },
          origin: this.#host ?? DEFAULT_HOST,
          localAddress: this.#host,
          tls: options.tls ?? null,
          limitMs,
          clock,
          faults,
          open: (parts) => this.#open(parts),
        }),
    );
  }

  async resolve(name: string): Promise<Resolution> {
    if (isIP(name) !== 0) return { ok: true, addresses: [name] };
    const known = this.#parts.names.resolve(name, this.#host ?? DEFAULT_HOST);
    if (known !== undefined) return resolutionOf(name, known);
    try {
      const found = await lookup(name, { all: true });
      return { ok: true, addresses: found.map((entry) => entry.address) };
    } catch (error) {
      return { ok: false, detail: error instanceof Error ? error.message : String(error) };
    }
  }

  addNames(source: NameSource): () => void {
    return this.#parts.names.add(source);
  }

  datagrams(at: Address, options: DatagramOptions, receive: (datagram: Datagram) => void): Promise<DatagramOutcome> {
    return openDatagrams(at, options, this.#parts.faults, receive);
  }

  /** Finds out what an accepted socket speaks. */
  #welcome(socket: Socket, ends: Ends, options: ListenOptions, accept: (connection: Connection) => void): void {
    const tls = options.tls?.() ?? null;
    const plain = (first: Buffer | null): void => {
      const reads = new SharedReads();
      const carrier = withSharedReads(socket, reads);
      const shares = carrier !== socket;
      accept(this.#open({ socket: carrier, carrier, tls: null, first, reads: shares ? reads : null, ...ends }));
    };
    if (tls === null) return plain(null);
    if (tls.mode === 'required') return this.#secure(socket, ends, tls, accept);
    const gone = (): void => void socket.destroy();
    socket.once('end', gone);
    socket.once('data', (first: Buffer) => {
      socket.off('end', gone);
      socket.pause();
      if (!looksLikeTls(first)) return plain(first);
      socket.unshift(first);
      this.#secure(socket, ends, tls, accept);
    });
    socket.resume();
  }

  #secure(carrier: Socket, ends: Ends, tls: ServerTls, accept: (connection: Connection) => void): void {
    acceptTls(carrier, tls, this.#parts.clock.now(), (outcome) => {
      if (outcome.ok) {
        const parts = { socket: outcome.socket, carrier, tls: outcome.facts, first: null, reads: null };
        accept(this.#open({ ...parts, ...ends }));
      } else {
        const { why, detail } = outcome;
        this.#parts.log.event('network-tls-refused', { local: ends.local.host, remote: ends.remote.host, why, detail });
      }
    });
  }

  #open(parts: OpenParts): SystemConnection {
    const { faults } = this.#parts;
    const connection = new SystemConnection({ ...parts, forget: (end) => faults.remove(end) });
    // There is no network between the ends of a socket in the file system
    if (!isSocketPath(parts.remote.host)) faults.add(connection);
    return connection;
  }
}

const failed = (why: ConnectFailure, detail: string): ConnectOutcome => ({ ok: false, why, detail });

/** `null` when the promise has not settled in time. */
const withinLimit = <T>(promise: Promise<T>, limitMs: number): Promise<T | null> => {
  let limit: NodeJS.Timeout | undefined;
  const tooLate = new Promise<null>((resolve) => {
    limit = setTimeout(() => resolve(null), limitMs);
  });
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(limit));
};
