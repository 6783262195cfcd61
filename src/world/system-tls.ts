/**
 * TLS of the system world: wraps an open TCP socket as server or as client, and says in our own words why it failed.
 *
 * Node.js and OpenSSL do the handshake; whether a certificate is accepted is decided by `verify-peer.ts` and `verify-client.ts`
 * alone, so that the simulated world decides the same. A server refuses a client that presents no certificate inside the
 * handshake (an alert), one that presents a wrong certificate right after it (the connection is cut). In TLS 1.3 either
 * comes after the client believes the handshake to be done, so a dialler waits for a sign that the server goes on:
 * session tickets, which OpenSSL sends after its own check, then two turns of the event loop. Against a server that sends
 * no tickets it waits `VERDICT_MS` at most; a refusal later than that closes the connection with 'tls-failed' or 'reset'.
 * Limits: `HANDSHAKE_MS` for a server's side of a handshake, `CONTEXTS_MAX` remembered contexts.
 */
import type { Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import type { DetailedPeerCertificate, SecureContext, SecureContextOptions } from 'node:tls';
import { DEFAULT_CIPHERS, DEFAULT_SUITES } from './cipher-list.ts';
import { cipherText, refusedClientText, sentName, versionText } from './tls-agreement.ts';
import { verifyClient } from './verify-client.ts';
import type { ClientRefusal } from './verify-client.ts';
import { verifyPeer } from './verify-peer.ts';
import type { ClientTls, ConnectFailure, ServerTls, TlsChoices, TlsFacts } from './world.ts';

const HANDSHAKE_MS = 10_000;
const VERDICT_MS = 100;
const CONTEXTS_MAX = 256;
/** First byte of a TLS record that carries a handshake. */
const TLS_HANDSHAKE_RECORD = 0x16;

export const looksLikeTls = (bytes: Buffer): boolean => bytes[0] === TLS_HANDSHAKE_RECORD;

export type TlsOutcome<Why extends string> =
  | { readonly ok: true; readonly socket: TLSSocket; readonly facts: TlsFacts }
  | { readonly ok: false; readonly why: Why; readonly detail: string };

type AcceptFailure = ConnectFailure | ClientRefusal;

/** Calls `done` once. On failure the carrier is closed already. */
export const acceptTls = (
  carrier: Socket,
  options: ServerTls,
  nowMs: number,
  done: (outcome: TlsOutcome<AcceptFailure>) => void,
): void => {
  const handshake = new Handshake<AcceptFailure>(carrier, done);
  const asksClient = options.clientCertificates !== null;
  let socket: TLSSocket;
  try {
    const secureContext = contextFor({
      cert: options.certificate,
      key: options.key,
      minVersion: options.minVersion,
      maxVersion: options.maxVersion ?? 'TLSv1.3',
      ca: [...(options.clientCertificates ?? [])],
      dhparam: 'auto', // otherwise OpenSSL would leave out the ciphers with DHE
      ...chosenCiphers(options),
    });
    // With `rejectUnauthorized` OpenSSL itself refuses a client without a certificate; a wrong one is left to us.
    socket = new TLSSocket(carrier, {
      isServer: true,
      secureContext,
      requestCert: asksClient,
      rejectUnauthorized: asksClient && options.letsAnonymousIn !== true,
    });
  } catch (error) {
    handshake.fail('tls-failed', `our own certificate, key or ciphers: ${textOf(error)}`);
    return;
  }
  handshake.watch(socket, HANDSHAKE_MS);
  socket.once('secure', () => {
    if (options.clientCertificates !== null) {
      const { clientCertificates: trusted, clientRules: rules, letsAnonymousIn } = options;
      const verdict = verifyClient({ chain: presentedChain(socket), trusted, nowMs, rules, letsAnonymousIn });
      if (!verdict.ok) return handshake.fail(verdict.why, verdict.detail);
    }
    handshake.succeed(socket);
  });
};

/** Calls `done` once. On failure the carrier is closed already. */
export const dialTls = (
  carrier: Socket,
  options: ClientTls,
  nowMs: number,
  limitMs: number,
  done: (outcome: TlsOutcome<ConnectFailure>) => void,
): void => {
  const texts: FailureTexts = {
    'tls-version': () => versionText(options),
    'tls-cipher': () => cipherText(options),
    'client-certificate-refused': () => refusedClientText(options, nowMs),
  };
  const handshake = new Handshake<ConnectFailure>(carrier, done, texts, options.certificate !== undefined);
  let socket: TLSSocket;
  try {
    const secureContext = contextFor({
      ca: [...options.trusted],
      ...(options.certificate === undefined ? {} : { cert: options.certificate }),
      ...(options.key === undefined ? {} : { key: options.key }),
      minVersion: options.minVersion ?? 'TLSv1.2',
      maxVersion: options.maxVersion ?? 'TLSv1.3',
      ...chosenCiphers(options),
    });
    const name = sentName(options);
    socket = connect({
      socket: carrier,
      secureContext,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(name === null ? {} : { servername: name }),
    });
  } catch (error) {
    handshake.fail('tls-failed', `our own certificate, key or ciphers: ${textOf(error)}`);
    return;
  }
  handshake.watch(socket, limitMs);
  let ticketSeen = false;
  const ticket = (): void => {
    ticketSeen = true;
  };
  socket.once('session', ticket);
  socket.once('secureConnect', () => {
    const verdict = verifyPeer({
      chain: presentedChain(socket),
      trusted: options.trusted,
      serverName: options.checkName === false ? null : options.serverName,
      nowMs,
      usage: 'server',
    });
    if (!verdict.ok) return handshake.fail(verdict.why, verdict.detail);
    handshake.clientDone();
    const isModern = socket.getProtocol() === 'TLSv1.3';
    if (ticketSeen || !isModern) handshake.settle(socket);
    else {
      socket.off('session', ticket);
      const settle = (): void => handshake.settle(socket);
      socket.once('session', settle);
      handshake.settleAfter(VERDICT_MS, socket);
    }
  });
};

/** Better words for a failure than OpenSSL's. */
type FailureTexts = Partial<Record<ConnectFailure, () => string>>;

/** One attempt: whatever comes first decides, everything later is ignored. */
class Handshake<Why extends string> {
  readonly #carrier: Socket;
  readonly #done: (outcome: TlsOutcome<Why | ConnectFailure>) => void;
  readonly #texts: FailureTexts;
  readonly #showsCertificate: boolean;
  readonly #cancels: (() => void)[] = [];
  #socket: TLSSocket | null = null;
  #decided = false;
  #stage: 'handshake' | 'verdict' = 'handshake';

  constructor(
    carrier: Socket,
    done: (outcome: TlsOutcome<Why | ConnectFailure>) => void,
    texts: FailureTexts = {},
    showsCertificate = false,
  ) {
    this.#carrier = carrier;
    this.#done = done;
    this.#texts = texts;
    this.#showsCertificate = showsCertificate;
  }

  watch(socket: TLSSocket, limitMs: number): void {
    this.#socket = socket;
    const onError = (error: NodeJS.ErrnoException): void => this.#broken(error, textOf(error));
    const onClose = (): void => this.#broken({ code: 'ECONNRESET' }, 'closed during the TLS handshake');
    socket.on('error', onError);
    this.#carrier.on('error', onError);
    socket.on('close', onClose);
    socket.on('end', onClose);
    this.#cancels.push(() => {
      socket.off('close', onClose).off('end', onClose).off('error', onError);
      this.#carrier.off('error', onError);
    });
    this.#limit(limitMs, () => this.fail('timeout', `no TLS handshake within ${limitMs} ms`));
  }

  /** The client has all it needs; what the server thinks of us is still open. */
  clientDone(): void {
    this.#stage = 'verdict';
  }

  settleAfter(limitMs: number, socket: TLSSocket): void {
    this.#limit(limitMs, () => this.settle(socket));
  }

  settle(socket: TLSSocket): void {
    setImmediate(() => setImmediate(() => this.succeed(socket)));
  }

  succeed(socket: TLSSocket): void {
    if (!this.#decide()) return;
    const facts: TlsFacts = {
      version: socket.getProtocol() ?? 'unknown',
      peerCertificate: presentedChain(socket)[0] ?? null,
      serverName: typeof socket.servername === 'string' && socket.servername !== '' ? socket.servername : null,
    };
    this.#done({ ok: true, socket, facts });
  }

  #broken(error: { readonly code?: string | undefined }, text: string): void {
    const why = this.#whyOf(error);
    this.fail(why, this.#texts[why]?.() ?? text);
  }

  fail(why: Why | ConnectFailure, detail: string): void {
    if (!this.#decide()) return;
    this.#socket?.on('error', () => undefined);
    this.#carrier.on('error', () => undefined);
    this.#socket?.destroy();
    this.#carrier.destroy();
    this.#done({ ok: false, why, detail });
  }

  #decide(): boolean {
    if (this.#decided) return false;
    this.#decided = true;
    for (const cancel of this.#cancels) cancel();
    return true;
  }

  #limit(limitMs: number, then: () => void): void {
    const timer = setTimeout(then, limitMs);
    this.#cancels.push(() => clearTimeout(timer));
  }

  get #hasSeenPeer(): boolean {
    return this.#socket !== null && presentedChain(this.#socket).length > 0;
  }

  #whyOf(error: { readonly code?: string | undefined }): ConnectFailure {
    const code = error.code ?? '';
    if (CLIENT_CERTIFICATE_ALERTS.test(code)) return 'client-certificate-refused';
    if (OTHER_VERSION.test(code)) return 'tls-version';
    // In TLS 1.2 a server says the same of a client without a certificate, but only after it has shown its own.
    if (HANDSHAKE_FAILURE.test(code)) return this.#hasSeenPeer ? 'client-certificate-refused' : 'tls-cipher';
    if (code.startsWith('ERR_SSL')) return NOT_TLS.test(code) ? 'tls-not-offered' : 'tls-failed';
    if (code === 'ETIMEDOUT') return 'timeout';
    // In TLS 1.2 the verdict on us comes before the end of the handshake. Who has said anything by then speaks TLS: else that were the error.
    if (this.#stage === 'handshake' && this.#carrier.bytesRead === 0) return 'tls-not-offered';
    return this.#showsCertificate ? 'client-certificate-refused' : 'reset';
  }
}

/** Alerts by which a server says what it thinks of the client's certificate, or of its absence [RFC 8446 §6.2]. */
const CLIENT_CERTIFICATE_ALERTS =
  /ALERT_(?:CERTIFICATE_REQUIRED|NO_CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA|ACCESS_DENIED)$/;
/** The peer's alert, and what OpenSSL says of a peer's hello. */
const OTHER_VERSION = /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE/;
const HANDSHAKE_FAILURE = /ALERT_HANDSHAKE_FAILURE|ALERT_INSUFFICIENT_SECURITY|NO_SHARED_CIPHER/;
/** What OpenSSL says when the answer to its hello is no TLS record. */
const NOT_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL|UNEXPECTED_MESSAGE$/;

/** Both lists always: Node.js takes the absence of either for a wish to leave that version of TLS out. */
const chosenCiphers = ({ ciphers = DEFAULT_CIPHERS, cipherSuites = [] }: TlsChoices): { readonly ciphers: string } => ({
  ciphers: [...(cipherSuites.length === 0 ? DEFAULT_SUITES : cipherSuites), ciphers].join(':'),
});

const contexts = new Map<string, SecureContext>();

/** Making a context costs milliseconds of key parsing, so the latest ones are kept. */
const contextFor = (options: SecureContextOptions): SecureContext => {
  const key = JSON.stringify(options);
  let context = contexts.get(key);
  if (context === undefined) {
    // `ca` is always given, if empty: otherwise Node.js would load the system's authorities, which nobody asks here.
    context = createSecureContext(options);
  }
  contexts.delete(key);
  contexts.set(key, context);
  if (contexts.size > CONTEXTS_MAX) contexts.delete(contexts.keys().next().value!);
  return context;
};

/** PEM texts, the peer's own first. */
const presentedChain = (socket: TLSSocket): readonly string[] => {
  const chain: string[] = [];
  const seen = new Set<string>();
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256);
    chain.push(pemOf(certificate.raw));
    certificate = certificate.issuerCertificate;
  }
  return chain;
};

const pemOf = (der: Buffer): string => {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};

/** OpenSSL's own reason is short; its message is full of file names. */
const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
};
