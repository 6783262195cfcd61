/**
 * HTTPS and HTTP on real sockets: the world's other door, for REST alone. The simulated world has none; there a request is
 * handed to the API's function itself.
 *
 * Serving is node:https with the adapter of @hono/node-server, which is loaded at the first request: nobody waits for it at the
 * start. Border: routes and bodies belong to the handler. Limits: `HEADERS_MS`, `REQUEST_MS`, `CONNECTIONS_MAX`; an answer that is read, `BODY_BYTES_MAX`.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { DEFAULT_SUITES } from './cipher-list.ts';
import { listenFailureOf, type ListenFailure } from './system-errors.ts';
import type { Address, Milliseconds, TlsVersion } from './world.ts';

const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;
const CONNECTIONS_MAX = 1_000;
const BODY_BYTES_MAX = 64 * 1024 * 1024;

export type HttpHandler = (request: Request) => Promise<Response>;

export interface HttpServer {
  readonly address: Address;
  /** Ends every connection, too. */
  close(): Promise<void>;
}

export type HttpOutcome = { readonly ok: true; readonly server: HttpServer } | ListenFailure;

type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

export interface HttpsTls {
  /** PEM, both. */
  readonly certificate: string;
  readonly key: string;
  readonly minVersion: TlsVersion;
  /** OpenSSL's cipher list, for TLS 1.2. */
  readonly ciphers: string;
}

const LIMITS = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS } as const;

/** `tls` is asked for each connection, so a change never touches a running one. */
export const serveHttps = async (at: Address, tls: () => HttpsTls, handler: HttpHandler): Promise<HttpOutcome> => {
  const { createServer } = await import('node:https');
  let shown = tls();
  const server = createServer({ ...contextOptions(shown), ...LIMITS }, listenerOf(handler));
  server.prependListener('connection', () => {
    const wanted = tls();
    if (isSameTls(wanted, shown)) return;
    shown = wanted;
    try {
      server.setSecureContext(contextOptions(wanted));
    } catch {
      // A cipher list that OpenSSL does not take: the last good one stays, for else nobody could mend it through this very door.
    }
  });
  // A client that speaks no TLS, or goes away: its own affair.
  server.on('tlsClientError', (_, socket) => void socket.destroy());
  return listening(server, at);
};

export const serveHttp = async (at: Address, handler: HttpHandler): Promise<HttpOutcome> => {
  const { createServer } = await import('node:http');
  return listening(createServer(LIMITS, listenerOf(handler)), at);
};

const listenerOf = (handler: HttpHandler) => {
  let listener: Promise<Listener> | null = null;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    listener ??= loadListener(handler);
    await (
      await listener
    )(request, response);
  };
  return (request: IncomingMessage, response: ServerResponse): void => void answer(request, response);
};

const listening = (server: Server, at: Address): Promise<HttpOutcome> => {
  server.maxConnections = CONNECTIONS_MAX;
  server.on('clientError', (_, socket: Duplex) => void socket.destroy());
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(listenFailureOf(error)));
    server.listen({ host: at.host, port: at.port, exclusive: true }, () => {
      const bound = server.address();
      const port = bound !== null && typeof bound === 'object' ? bound.port : at.port;
      const close = (): Promise<void> =>
        new Promise((closed) => {
          server.close(() => closed());
          server.closeAllConnections();
        });
      resolve({ ok: true, server: { address: { host: at.host, port }, close } });
    });
  });
};

/** Suites of TLS 1.3 are named too: Node.js takes their absence for a wish to leave it out. */
const contextOptions = ({ certificate, key, minVersion, ciphers }: HttpsTls) => ({
  cert: certificate,
  key,
  minVersion,
  ciphers: [...DEFAULT_SUITES, ciphers].join(':'),
});

const isSameTls = (one: HttpsTls, other: HttpsTls): boolean =>
  one.certificate === other.certificate &&
  one.key === other.key &&
  one.minVersion === other.minVersion &&
  one.ciphers === other.ciphers;

const loadListener = async (handler: HttpHandler): Promise<Listener> => {
  const { getRequestListener } = await import('@hono/node-server');
  return getRequestListener(handler, { overrideGlobalObjects: false });
};

export interface HttpsRequest {
  readonly url: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the certificate that the server must show. */
  readonly trusted: string;
  readonly timeoutMs: Milliseconds;
}

export type HttpsAnswer =
  | { readonly ok: true; readonly status: number; readonly body: string }
  | { readonly ok: false; readonly why: 'refused' | 'timeout' | 'untrusted' | 'failed'; readonly detail: string };

export const requestHttps = async (asked: HttpsRequest): Promise<HttpsAnswer> => {
  const { Agent, request } = await import('node:https');
  // Without keep-alive: a verb asks and ends.
  const agent = new Agent({ keepAlive: false });
  const options: RequestOptions = {
    agent,
    ca: asked.trusted,
    method: asked.method,
    headers: asked.headers ?? {},
    timeout: asked.timeoutMs,
  };
  return new Promise((resolve) => {
    const sent = request(asked.url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > BODY_BYTES_MAX) sent.destroy(new Error(`the answer is larger than ${BODY_BYTES_MAX} bytes`));
      });
      response.on('error', (error) => resolve({ ok: false, why: 'failed', detail: error.message }));
      response.on('end', () => {
        resolve({ ok: true, status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.on('timeout', () => {
      resolve({ ok: false, why: 'timeout', detail: `no answer within ${asked.timeoutMs} ms` });
      sent.destroy();
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'ECONNREFUSED' ? 'refused' : /CERT|SELF_SIGNED/.test(error.code ?? '') ? 'untrusted' : 'failed';
      resolve({ ok: false, why, detail: error.message });
    });
    sent.end(asked.body);
  });
};
