/**
 * A plain connection to a server for byte-exact comparisons: requests go out in one piece, replies come back as their bytes,
 * one for each request. Limit: EXCHANGE_MS_MAX, after which it says how many replies came.
 */

import { connect, type Socket } from 'node:net';
import { encodeRequest } from '../../src/resp/reply.ts';
import { ReplyFramer } from '../../src/resp/reply-framer.ts';

const EXCHANGE_MS_MAX = 30_000;

export class RawClient implements Disposable {
  readonly #socket: Socket;
  readonly #framer = new ReplyFramer();
  #replies: string[] = [];
  #wake: () => void = () => undefined;
  #failure: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#framer.push(chunk, (bytes) => this.#replies.push(bytes.toString('latin1')));
      this.#wake();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  static async to(port: number, host = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host });
      socket.once('connect', () => resolve(new RawClient(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends all and waits for as many replies. */
  async exchange(requests: readonly (readonly string[])[]): Promise<string[]> {
    this.#socket.write(Buffer.from(requests.map(encodeRequest).join(''), 'latin1'));
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(`${this.#replies.length} replies to ${requests.length} requests after ${EXCHANGE_MS_MAX} ms`),
          ),
        EXCHANGE_MS_MAX,
      );
      this.#wake = () => {
        if (this.#failure === null && this.#replies.length < requests.length) return;
        clearTimeout(timer);
        if (this.#replies.length >= requests.length) resolve();
        else reject(this.#failure!);
      };
      this.#wake();
    });
    return this.#replies.splice(0, requests.length);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}
