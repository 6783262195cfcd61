/**
 * How a simulated connection comes about: a few trips over the network, then an outcome. TCP's opening, TLS's hellos and the
 * server's verdict on the client are one trip each; what both sides allow is compared by `tls-agreement.ts`, what they show is judged by
 * `verify-peer.ts` and `verify-client.ts` at the clock's time, and afterwards bytes travel plain.
 *
 * As on real sockets: a plain listener takes a TLS hello for bytes, a port that serves both accepts a client when it first speaks,
 * a TLS listener hangs up on plain bytes. Limits: the dialler's `timeoutMs` for everything.
 */
import { connectEnds } from './sim-connection.ts';
import type { SimConnection } from './sim-connection.ts';
import type { SimFabric, SimListening } from './sim-fabric.ts';
import { agree, refusedClientText, sentName } from './tls-agreement.ts';
import { verifyClient } from './verify-client.ts';
import type { ClientVerdict } from './verify-client.ts';
import { splitPem, verifyPeer } from './verify-peer.ts';
import { addressText } from './world.ts';
import type { Address, ClientTls, ConnectFailure, ConnectionHandler, ConnectOutcome, ServerTls } from './world.ts';

/** What a plain listener sees of a TLS dialler: a record header and line ends, so that a reader of lines answers. */
const HELLO_AS_BYTES = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n';
const TLS_HANDSHAKE_RECORD = 0x16;

export interface DialRequest {
  readonly origin: string;
  readonly to: Address;
  readonly tls: ClientTls | null;
  readonly timeoutMs: number;
}

/** Calls `done` once, in an event of its own. */
export const dial = (fabric: SimFabric, request: DialRequest, done: (outcome: ConnectOutcome) => void): void => {
  new Attempt(fabric, request, done).start();
};

class Attempt {
  readonly #fabric: SimFabric;
  readonly #request: DialRequest;
  readonly #done: (outcome: ConnectOutcome) => void;
  readonly #local: Address;
  readonly #cancelLimit: () => void;
  #ends: readonly [SimConnection, SimConnection] | null = null;
  #over = false;

  constructor(fabric: SimFabric, request: DialRequest, done: (outcome: ConnectOutcome) => void) {
    this.#fabric = fabric;
    this.#request = request;
    this.#done = done;
    this.#local = { host: request.origin, port: fabric.takePort(request.origin) };
    const detail = `no answer from ${addressText(request.to)} within ${Math.ceil(request.timeoutMs)} ms`;
    const limit = fabric.queue.after(request.timeoutMs, () => this.#fail('timeout', detail));
    this.#cancelLimit = () => limit.cancel();
  }

  start(): void {
    this.#fabric.note(`dial ${addressText(this.#local)} ${addressText(this.#request.to)}`);
    this.#toServer(() => this.#atServer());
  }

  #atServer(): void {
    const listening = this.#fabric.listenerAt(this.#request.to);
    if (listening === undefined) {
      this.#toClient(() => this.#fail('refused', `nobody listens on ${addressText(this.#request.to)}`));
      return;
    }
    const ends = connectEnds(this.#fabric, this.#local, this.#request.to);
    this.#ends = ends;
    const serverTls = listening.options.tls?.() ?? null;
    const { tls } = this.#request;
    if (serverTls === null) this.#accept(listening, ends[1]);
    if (tls === null) {
      if (serverTls !== null) this.#sniff(listening, serverTls, ends[1]);
      this.#toClient(() => this.#succeed(ends[0]));
    } else if (serverTls === null) this.#toClient(() => this.#helloToPlain(ends[0], tls));
    else this.#toClient(() => this.#toServer(() => this.#handshake(listening, serverTls, tls, ends)));
  }

  /** A plain client of a TLS port: what it says first decides. */
  #sniff(listening: SimListening, serverTls: ServerTls, end: SimConnection): void {
    end.handle({
      data: (chunk) => {
        if (serverTls.mode === 'required' || chunk[0] === TLS_HANDSHAKE_RECORD) {
          this.#noteRefused('tls-not-offered');
          end.handle(nobody);
          end.end();
          return;
        }
        end.unread(chunk.toString('latin1'));
        this.#accept(listening, end);
      },
      closed: () => undefined,
    });
  }

  /** The plain server reads the hello as a request; whatever it does about it tells the client enough. */
  #helloToPlain(end: SimConnection, tls: ClientTls): void {
    const refuse = (detail: string): void => this.#fail('tls-not-offered', detail);
    end.handle({
      data: () => refuse(`no TLS answer to the hello for ${tls.serverName ?? 'no name'}`),
      closed: () => refuse('closed during the TLS handshake'),
    });
    end.write(HELLO_AS_BYTES);
  }

  #handshake(
    listening: SimListening,
    serverTls: ServerTls,
    tls: ClientTls,
    [clientEnd, serverEnd]: readonly [SimConnection, SimConnection],
  ): void {
    this.#toClient(() => {
      const agreed = agree(serverTls, tls);
      if (!agreed.ok) {
        this.#noteRefused(agreed.why);
        return this.#fail(agreed.why, agreed.detail);
      }
      const { version } = agreed;
      const shown = splitPem(serverTls.certificate);
      const { trusted } = tls;
      const serverName = tls.checkName === false ? null : tls.serverName;
      const ofServer = verifyPeer({ chain: shown, trusted, serverName, nowMs: this.#nowMs, usage: 'server' });
      if (!ofServer.ok) return this.#fail(ofServer.why, ofServer.detail);
      this.#toServer(() => {
        const own = serverTls.clientCertificates === null ? [] : splitPem(tls.certificate ?? '');
        const ofClient = this.#judgeClient(serverTls, own);
        if (!ofClient.ok) {
          this.#noteRefused(ofClient.why);
          return this.#toClient(() => this.#fail('client-certificate-refused', refusedClientText(tls, this.#nowMs)));
        }
        const sent = sentName(tls);
        serverEnd.secure({ version, peerCertificate: own[0] ?? null, serverName: sent });
        clientEnd.secure({ version, peerCertificate: shown[0] ?? null, serverName: sent });
        this.#accept(listening, serverEnd);
        this.#toClient(() => this.#succeed(clientEnd));
      });
    });
  }

  #judgeClient(
    { clientCertificates, clientRules, letsAnonymousIn }: ServerTls,
    chain: readonly string[],
  ): ClientVerdict {
    if (clientCertificates === null) return { ok: true };
    return verifyClient({
      chain,
      trusted: clientCertificates,
      nowMs: this.#nowMs,
      rules: clientRules,
      letsAnonymousIn,
    });
  }

  get #nowMs(): number {
    return this.#fabric.queue.now();
  }

  #accept(listening: SimListening, end: SimConnection): void {
    this.#fabric.note(`accept ${end.id} ${addressText(end.local)} ${addressText(end.remote)}`);
    listening.accept(end);
  }

  #toServer(then: () => void): void {
    this.#travel(this.#request.origin, this.#request.to.host, then);
  }

  #toClient(then: () => void): void {
    this.#travel(this.#request.to.host, this.#request.origin, then);
  }

  /** Once the outcome is known nothing more comes of what was on its way. */
  #travel(from: string, to: string, then: () => void): void {
    this.#fabric.hop(from, to, () => {
      if (!this.#over) then();
    });
  }

  #succeed(connection: SimConnection): void {
    if (!this.#finish()) return;
    this.#fabric.note(`connected ${connection.id}`);
    this.#done({ ok: true, connection });
  }

  #fail(why: ConnectFailure, detail: string): void {
    if (!this.#finish()) return;
    this.#fabric.note(`failed ${addressText(this.#local)} ${why}`);
    if (this.#ends === null) this.#fabric.releasePort(this.#local);
    else {
      const [clientEnd] = this.#ends;
      clientEnd.handle(nobody);
      clientEnd.destroy();
    }
    this.#done({ ok: false, why, detail });
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#cancelLimit();
    return true;
  }

  #noteRefused(why: string): void {
    this.#fabric.note(`tls-refused ${addressText(this.#request.to)} ${addressText(this.#local)} ${why}`);
  }
}

/** For an end that the program never gets to see. */
const nobody: ConnectionHandler = { data: () => undefined, closed: () => undefined };
