/**
 * The one door to everything outside our code: time, chance, network, TLS, name resolution, files and the log.
 *
 * Nothing else in `src` may touch a clock, a socket or a random number (a tidy test holds this), so the same program
 * runs on real sockets (`system-world.ts`) and in a simulation that replays from one seed (`sim-world.ts`).
 *
 * Border: this file is types and a few tiny helpers; the types of files are `files.ts`, those of threads `threads.ts`. Both worlds obey the contract suite in
 * `test/support/world-contract.ts`.
 */

import type { Files } from './files.ts';
import type { Threads } from './threads.ts';

/** Milliseconds; a point in time is Unix time, a whole number. */
export type Milliseconds = number;

export interface World {
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly files: Files;
  readonly log: Log;
  /** Null: there are none. */
  readonly threads: Threads | null;
}

export interface Timer {
  /** Idempotent. A cancelled timer never fires. */
  cancel(): void;
}

export interface Clock {
  /** Unix time in whole milliseconds. May not go backwards in the simulated world. */
  now(): Milliseconds;
  /** Monotonic, fractional milliseconds since an arbitrary start: only for measuring durations. */
  elapsed(): number;
  /** Calls `then` once, `delay` ms from now or later. Does not keep the process alive by itself. */
  after(delay: Milliseconds, then: () => void): Timer;
  /** Calls `then` on a later turn of the event loop, after pending network input had its chance. For slicing long work. */
  soon(then: () => void): Timer;
}

/** A source of chance. A new draw in one fork leaves the others as they were. */
export interface Random {
  /** An independent stream that depends only on this one's seed and the name. */
  fork(name: string): Random;
  /** Uniform in [0, 1). */
  unit(): number;
  /** Uniform whole number, both ends included. */
  integer(min: number, max: number): number;
  bytes(length: number): Buffer;
}

/** An event with fields, never a sentence put together from parts: the simulation's trace and the UI read it. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  event(name: string, fields?: LogFields): void;
}

/** A host that begins with a slash is the path of a socket in the file system, and its port is 0. Only the system world has these. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const isSocketPath = (host: string): boolean => host.startsWith('/');

/** It cannot come from another one. */
export const isOfThisMachine = ({ host }: Address): boolean =>
  isSocketPath(host) || host === '::1' || /^(::ffff:)?127\./.test(host);

export const addressText = (address: Address): string => `${address.host}:${address.port}`;

/** Why a connection could not be made. The list is closed so that callers can `switch`. */
export type ConnectFailure =
  | 'refused' // nobody listens there
  | 'timeout' // no answer within the limit: blackholed, partitioned
  | 'reset' // accepted, then cut before it could be used
  | 'unresolved' // the name has no address
  | 'unreachable' // no route, no permission
  | 'tls-not-offered' // the far side does not speak TLS
  | 'certificate-untrusted' // presented certificate is neither pinned nor signed by the given authority
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  | 'certificate-name-mismatch'
  | 'client-certificate-refused' // the far side refused ours, or the lack of one
  | 'tls-version' // no version of TLS that both sides allow
  | 'tls-cipher' // no cipher that both sides allow and the server's key serves
  | 'tls-failed'; // any other alert

export type ConnectOutcome =
  | { readonly ok: true; readonly connection: Connection }
  | { readonly ok: false; readonly why: ConnectFailure; readonly detail: string };

export type ListenOutcome =
  | { readonly ok: true; readonly listener: Listener }
  | { readonly ok: false; readonly why: 'in-use' | 'unavailable' | 'denied'; readonly detail: string };

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** What both ends of TLS may be held to. Absent: as OpenSSL has it. */
export interface TlsChoices {
  /** OpenSSL's cipher list, for TLS 1.2. A list that names no cipher at all fails every handshake (`cipher-list.ts` tells). */
  readonly ciphers?: string | undefined;
  /** Names of TLS 1.3 cipher suites; an empty list is as none given. */
  readonly cipherSuites?: readonly string[] | undefined;
}

/** A subject that is let in; what is absent is not looked at. Letters count as they are, upper or lower. */
export interface CertificateSubject {
  readonly CN: string;
  readonly O?: string | undefined;
  /** All of them, in any order. */
  readonly OU?: readonly string[] | undefined;
  readonly L?: string | undefined;
  readonly ST?: string | undefined;
  readonly C?: string | undefined;
}

/** What a trusted client certificate is held to besides. */
export interface ClientCertificateRules {
  readonly allowExpired: boolean;
  /** RSA keys shorter than 2048 bits. */
  readonly allowWeak: boolean;
  /** `name`: the CN, or a DNS name of the SAN, is that of an entry. `full`: the subject is an entry's. `null`: anybody. */
  readonly subjects: { readonly by: 'name' | 'full'; readonly allowed: readonly CertificateSubject[] } | null;
}

/** TLS as seen by a listener. PEM texts. Taken afresh for each new connection, so a change never touches a running one. */
export interface ServerTls extends TlsChoices {
  readonly certificate: string;
  readonly key: string;
  /** `required`: plain connections are closed. `optional`: the first byte decides (0x16 is TLS), one port serves both. */
  readonly mode: 'required' | 'optional';
  /** Trusted client certificates (or their authorities). `null`: a client certificate is not asked for. */
  readonly clientCertificates: readonly string[] | null;
  /** Absent: no expired, no weak certificate, any subject. */
  readonly clientRules?: ClientCertificateRules;
  /** A client may also present no certificate; a wrong one is refused all the same. */
  readonly letsAnonymousIn?: boolean;
  readonly minVersion: TlsVersion;
  /** Absent: the newest there is. */
  readonly maxVersion?: TlsVersion;
}

/** TLS as seen by a dialler. PEM texts. */
export interface ClientTls extends TlsChoices {
  /** Pinned certificates or authorities that the presented chain must contain or lead to. */
  readonly trusted: readonly string[];
  /** Name sent as SNI (an address is not) and checked against the certificate; `null`: neither. */
  readonly serverName: string | null;
  /** `false`: the name is only sent, and the pin alone decides. */
  readonly checkName?: boolean;
  readonly certificate?: string;
  readonly key?: string;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
}

/** What TLS told us about a connection. `null` on a plain one. */
export interface TlsFacts {
  readonly version: string;
  /** PEM of the peer's own certificate, `null` when it presented none. */
  readonly peerCertificate: string | null;
  /** SNI that the client sent (on accepted connections). */
  readonly serverName: string | null;
}

export type CloseReason = 'ended' | 'reset' | 'timeout' | 'local' | 'tls-failed';

/** Called by the connection. `data`'s buffer is only lent: it may be reused as soon as the call returns. */
export interface ConnectionHandler {
  data(chunk: Buffer): void;
  /** Everything written has left; called after `write` returned false. */
  drained?(): void;
  /**
   * The far side has said all it had to say, and may still listen: who has this answers what is left and then ends. Called at most
   * once. Without it the connection is ended at once.
   */
  ended?(): void;
  /** Called exactly once, whoever closed it, after the last `data`. Never called from inside `write`. */
  closed(reason: CloseReason): void;
}

export interface Connection {
  readonly local: Address;
  readonly remote: Address;
  readonly tls: TlsFacts | null;
  /** Bytes accepted by `write` that have not left yet: the caller puts a limit on it. */
  readonly unsentBytes: number;
  /**
   * Says who receives. May be called again to hand the connection on (a pin, an upgraded link); no byte is lost in
   * between: data that arrives while there is no handler waits.
   */
  handle(handler: ConnectionHandler): void;
  /**
   * A string is binary: one char, one byte (latin1). A byte array is given away: it may not change afterwards. False: more
   * than a comfortable amount is waiting, see `drained`. After `end`, `destroy` or `closed` bytes vanish and the answer is true.
   */
  write(bytes: string | Uint8Array): boolean;
  /** Stops and restarts `data`: back pressure. An orderly end is told after the last byte, so a paused end hears of it when it resumes. */
  pause(): void;
  resume(): void;
  /** Closes after everything written has left; what the far side still says is heard. Who cannot wait for it destroys. */
  end(): void;
  /** Closes now (a reset on the wire). */
  destroy(): void;
}

export interface Listener {
  readonly address: Address;
  /** Accepts no more; connections already accepted live on. Resolves when the port is free. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** Read for each new connection; `null`: plain only, a TLS hello is just bytes. */
  readonly tls?: () => ServerTls | null;
  /** Of a host that is an IPv6 address: IPv4 clients are somebody else's. Absent: `::` is every address of either kind. */
  readonly onlyIpv6?: boolean;
  /** Of a socket in the file system: who may use it, as chmod takes it. Absent: as the system has it. */
  readonly permissions?: number;
}

export interface ConnectOptions {
  readonly tls?: ClientTls | null;
  /** Limit for name resolution, TCP and TLS together. */
  readonly timeoutMs: Milliseconds;
}

export type Resolution =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly detail: string };

/** `unresolved`: whoever asks cannot have an answer, and why; nobody else is asked then. */
export type NameAnswer = readonly string[] | { readonly unresolved: string };

/** Answers names of its own, in lower case, for whoever asks `from` that address; `undefined` passes the question on. */
export type NameSource = (name: string, from: string) => NameAnswer | undefined;

export interface Datagram {
  readonly from: Address;
  readonly bytes: Buffer;
}

export interface DatagramSocket {
  readonly address: Address;
  send(to: Address, bytes: Uint8Array): void;
  close(): Promise<void>;
}

export type DatagramOutcome =
  | { readonly ok: true; readonly socket: DatagramSocket }
  | { readonly ok: false; readonly why: 'in-use' | 'unavailable' | 'denied'; readonly detail: string };

export interface DatagramOptions {
  /** Multicast group to join on the interface that has the local address, with address reuse. */
  readonly group?: string;
}

export interface Network {
  /** The same network seen from one address: connections dialled and names asked here originate there. */
  from(host: string): Network;
  /** Port 0 takes a free one; a socket in the file system takes the place of one that is there, whoever has it. `accept` is called synchronously; it must call `connection.handle`. */
  listen(at: Address, options: ListenOptions, accept: (connection: Connection) => void): Promise<ListenOutcome>;
  /** Of a name with several addresses each gets its share of the time, so that one that is silent does not hide the others. */
  connect(to: Address, options: ConnectOptions): Promise<ConnectOutcome>;
  /**
   * Literal addresses answer themselves; then the name sources, newest first, unless one of them says `unresolved`; then (system
   * world only) the system.
   */
  resolve(name: string): Promise<Resolution>;
  /** Adds a source of names; the returned function takes it away again. */
  addNames(source: NameSource): () => void;
  datagrams(at: Address, options: DatagramOptions, receive: (datagram: Datagram) => void): Promise<DatagramOutcome>;
  readonly faults: Faults;
}

/** Conditions of the path between two addresses, one way. Only the simulated world honours all of them. */
export interface LinkConditions {
  readonly latencyMs: Milliseconds;
  readonly jitterMs: Milliseconds;
  /** Bytes per second; 0 is unlimited. */
  readonly bandwidth: number;
  /** How bytes are cut anew on the way: `whole` keeps what was written together, `random` cuts anywhere, `bytes` one by one. */
  readonly chunking: 'whole' | 'random' | 'bytes';
}

/** Which addresses a fault concerns: an exact host, or every host that starts with the text if it ends in a dot (`127.0.1.`). */
export type HostPattern = string;

/** What scenarios do to the network. Works on every connection that passes through this world's door. */
export interface Faults {
  /** No byte passes from any of `from` to any of `to`, new connections time out, nothing is reset. Until healed. A host always reaches itself. */
  partition(from: readonly HostPattern[], to: readonly HostPattern[], ways: 'one-way' | 'both-ways'): void;
  /** Removes every partition; bytes held back by them flow again, as TCP would resend them. */
  heal(): void;
  /** Cuts established connections between the two. `reset`: both sides learn it now. `silent`: nobody is told, bytes vanish. Returns how many. */
  cut(from: HostPattern, to: HostPattern, how: 'reset' | 'silent'): number;
  /** Sets conditions for new and running traffic between the two, both ways. The system world honours `latencyMs` only as far as its timers do. */
  conditions(from: HostPattern, to: HostPattern, conditions: Partial<LinkConditions>): void;
}

export const matchesHost = (pattern: HostPattern, host: string): boolean =>
  pattern.endsWith('.') ? host.startsWith(pattern) : pattern === '*' || pattern === host;
