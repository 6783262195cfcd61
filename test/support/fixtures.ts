/**
 * The one place where tests build a shard. Every option has a default: what a test sets is what it is about.
 * A `TestClient` talks to a session directly, without a socket; replies come back as a client would see them.
 */

import RedisParser from 'redis-parser';
import type { Command } from '../../src/node/commands/command.ts';
import { CommandTable } from '../../src/node/commands/table.ts';
import { Shard } from '../../src/node/shard/shard.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import type { World } from '../../src/world/world.ts';
import { SystemWorld } from '../../src/world/system-world.ts';

export interface TestShardOptions {
  readonly world?: World;
  readonly commands: readonly Command[];
  readonly config?: Readonly<Record<string, string>>;
}

export type TestReply = string | number | null | Error | TestReply[];

export class TestClient {
  /** Raw bytes the session sent and `call` has not looked at. */
  raw = '';
  readonly replies: TestReply[] = [];
  readonly session;
  closed = false;
  readonly #parser;

  constructor(shard: Shard) {
    this.#parser = new RedisParser({
      returnReply: (reply: unknown) => this.replies.push(reply as TestReply),
      returnError: (error: Error) => this.replies.push(error),
    });
    this.session = shard.openSession({
      local: { host: '127.0.0.1', port: 6379 },
      remote: { host: '127.0.0.1', port: 50_000 },
      write: (bytes) => {
        this.raw += bytes;
        this.#parser.execute(Buffer.from(bytes, 'latin1'));
      },
      end: () => {
        this.closed = true;
        shard.closeSession(this.session);
      },
    });
  }

  /** Sends one request and returns its reply; undefined when it blocks. Text replies are decoded as UTF-8 by the parser. */
  call(...words: string[]): TestReply | undefined {
    this.replies.length = 0;
    this.raw = '';
    this.send(...words);
    return this.replies.shift();
  }

  send(...words: string[]): void {
    this.session.receive(Buffer.from(encodeRequest(words), 'latin1'));
    this.session.shard.endTurn();
  }

  /** The reply's exact bytes (RESP2, or RESP3 after HELLO 3). */
  bytes(...words: string[]): string {
    this.call(...words);
    return this.raw;
  }
}

export function testShard(options: TestShardOptions): { shard: Shard; client: () => TestClient } & Disposable {
  const shard = new Shard({
    world: options.world ?? new SystemWorld({ seed: 1 }),
    commands: new CommandTable(options.commands),
    ...(options.config && { config: options.config }),
  });
  return { shard, client: () => new TestClient(shard), [Symbol.dispose]: () => shard.close() };
}
