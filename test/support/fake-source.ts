/**
 * A source that only knows one history: a snapshot and the stream after it. It plays the serving side of PSYNC as Redis does and
 * can cut a connection after an exact number of bytes. Also: how to record such a history from a server that speaks PSYNC.
 */

import { encodeRequest } from '../../src/resp/reply.ts';
import { RequestDecoder } from '../../src/resp/request-decoder.ts';
import { RdbReader } from '../../src/rdb/reader.ts';
import type { Address, Connection, Listener, World } from '../../src/world/world.ts';

export interface History {
  readonly replicationId: string;
  /** Offset of the snapshot. */
  readonly offset: number;
  /** The dump, without what surrounds it. */
  readonly snapshot: Buffer;
  /** What follows the snapshot. */
  readonly stream: Buffer;
}

export interface FakeSourceOptions {
  readonly world: World;
  readonly at: Address;
  readonly history: History;
  readonly format: 'sized' | 'marked';
  /** How many bytes each connection may carry before it is cut; those not listed go on. */
  readonly cuts?: readonly number[];
  /** Says this instead of anything else to a request that begins so. */
  readonly answers?: Readonly<Record<string, string>>;
}

export class FakeSource {
  readonly requests: string[][] = [];
  full = 0;
  partial = 0;
  /** Bytes sent over each connection. */
  readonly sent: number[] = [];
  listener!: Listener;
  readonly #options: FakeSourceOptions;

  constructor(options: FakeSourceOptions) {
    this.#options = options;
  }

  async listen(): Promise<Address> {
    const outcome = await this.#options.world.network.listen(this.#options.at, {}, (connection) =>
      this.#serve(connection),
    );
    if (!outcome.ok) throw new Error(outcome.detail);
    this.listener = outcome.listener;
    return this.listener.address;
  }

  #serve(connection: Connection): void {
    const index = this.sent.push(0) - 1;
    const limit = this.#options.cuts?.[index] ?? Infinity;
    const { history, format, answers = {} } = this.#options;
    const decoder = new RequestDecoder();
    let cut = false;
    const send = (bytes: string | Buffer): void => {
      if (cut) return;
      const chunk = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
      const part = chunk.subarray(0, limit - this.sent[index]!);
      this.sent[index]! += part.length;
      connection.write(part);
      if (this.sent[index]! < limit) return;
      cut = true;
      connection.end();
    };
    let confirm: (() => void) | null = null;
    const psync = (replicationId: string, next: number): void => {
      const known =
        replicationId === history.replicationId &&
        next > history.offset &&
        next <= history.offset + 1 + history.stream.length;
      if (known) {
        this.partial++;
        send(`\n+CONTINUE ${replicationId}\r\n`);
        send(history.stream.subarray(next - history.offset - 1));
        return;
      }
      this.full++;
      const mark = 'e'.repeat(40);
      send(`\n\n+FULLRESYNC ${history.replicationId} ${history.offset}\r\n\n\n`);
      send(format === 'marked' ? `$EOF:${mark}\r\n` : `$${history.snapshot.length}\r\n`);
      send(history.snapshot);
      if (format === 'sized') send(history.stream);
      else {
        send(mark);
        confirm = () => send(history.stream);
      }
    };
    connection.handle({
      data: (chunk) => {
        decoder.push(chunk);
        for (let words = decoder.next(); words !== null; words = decoder.next()) {
          this.requests.push(words);
          const said = Object.entries(answers).find(([begins]) => words.join(' ').startsWith(begins));
          if (said !== undefined) send(said[1]);
          else if (words[0] === 'PING') send('+PONG\r\n');
          else if (words[0] === 'PSYNC') psync(words[1]!, Number(words[2]));
          else if (words[1] === 'ACK') {
            confirm?.();
            confirm = null;
          } else send('+OK\r\n');
        }
        decoder.release();
      },
      closed: () => undefined,
    });
  }
}

/** Follows a server from its snapshot on, lets `write` happen meanwhile, and gives what it sent. */
export async function record(world: World, at: Address, write: () => Promise<void>): Promise<History> {
  const outcome = await world.network.connect(at, { timeoutMs: 5000 });
  if (!outcome.ok) throw new Error(outcome.detail);
  const { connection } = outcome;
  let bytes = Buffer.alloc(0);
  connection.handle({ data: (chunk) => (bytes = Buffer.concat([bytes, chunk])), closed: () => undefined });
  const until = async (holds: () => boolean): Promise<void> => {
    for (let turns = 0; !holds(); turns++) {
      if (turns > 5000) throw new Error(`the server does not go on after ${bytes.length} bytes`);
      await new Promise<void>((resolve) => world.clock.after(2, resolve));
    }
  };
  connection.write(encodeRequest(['PSYNC', '?', '-1']));
  let header: RegExpExecArray | null = null;
  await until(
    () =>
      (header = /^\n*\+FULLRESYNC (\w{40}) (\d+)\r\n\n*\$(\d+)\r\n/.exec(bytes.toString('latin1', 0, 300))) !== null,
  );
  const [all, replicationId, offset, length] = header! as unknown as [string, string, string, string];
  const end = all.length + Number(length);
  await until(() => bytes.length >= end);
  await write();
  const last = encodeRequest(['SET', 'end of the recording', '1']);
  await until(() => bytes.includes(last));
  connection.destroy();
  const snapshot = Buffer.from(bytes.subarray(all.length, end));
  new RdbReader({ entry: () => undefined }).push(snapshot);
  const stream = Buffer.from(bytes.subarray(end, bytes.indexOf(last) + last.length));
  return { replicationId, offset: Number(offset), snapshot, stream };
}
