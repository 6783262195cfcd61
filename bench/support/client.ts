/**
 * A small client for steering: one connection, replies in order. Border: it never carries measured load (`load.ts` does).
 * Limits: a command is answered within REPLY_MS_MAX or fails; an error reply is a rejection.
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import RedisParser from 'redis-parser';
import { within } from './waiting.ts';

const CONNECT_MS_MAX = 10_000;
/** A digest of a million keys takes seconds. */
const REPLY_MS_MAX = 120_000;

export interface Place {
  readonly host: string;
  readonly port: number;
}

interface Asked {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Client implements Disposable {
  readonly #socket: Socket;
  readonly #asked: Asked[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const parser = new RedisParser({
      returnReply: (reply) => this.#asked.shift()?.resolve(reply),
      returnError: (error) => this.#asked.shift()?.reject(error),
      returnFatalError: (error) => this.#end(error),
    });
    socket.on('data', (chunk) => parser.execute(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the server closed the connection')));
  }

  static async to({ host, port }: Place): Promise<Client> {
    const socket = connect({ host, port, noDelay: true });
    try {
      await within(
        new Promise<void>((resolve, reject) => {
          socket.once('connect', resolve);
          socket.once('error', reject);
        }),
        CONNECT_MS_MAX,
        `connecting to ${host}:${port}`,
      );
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new Client(socket);
  }

  ask(...words: readonly string[]): Promise<unknown> {
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#asked.push({ resolve, reject });
    });
    const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${bulk.join('')}`);
    return within(answered, REPLY_MS_MAX, `the reply to ${words[0]}`);
  }

  /** Fields of a section of INFO. */
  async info(section: string): Promise<ReadonlyMap<string, string>> {
    const lines = String(await this.ask('INFO', section)).split('\r\n');
    return new Map(
      lines
        .filter((line) => line.includes(':'))
        .map((line) => {
          const at = line.indexOf(':');
          return [line.slice(0, at), line.slice(at + 1)];
        }),
    );
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #end(error: Error): void {
    this.#socket.destroy();
    for (const each of this.#asked.splice(0)) each.reject(error);
  }
}
