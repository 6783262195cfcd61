import { describe, expect, it } from 'vitest';
import { RequestConnection } from '../../src/replication/request-connection.ts';
import type { ReaderReply } from '../../src/resp/reply-reader.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import { eventuallyIn } from '../support/eventually.ts';

const SERVER = { host: '127.0.1.1', port: 7000 };

/** What a client that asks PING once hears from a server that says `words`, and how it ends. */
const heardFrom = (words: string): Promise<{ replies: ReaderReply[]; closed: string }> => {
  const world = new SimWorld({ seed: 1 });
  return world.run(async () => {
    const replies: ReaderReply[] = [];
    let closed = '';
    await world.network.listen(SERVER, {}, (connection) => {
      connection.handle({ data: () => void connection.write(words), closed: () => undefined });
    });
    const outcome = await world.network.from('127.0.9.1').connect(SERVER, { timeoutMs: 1_000 });
    if (!outcome.ok) throw new Error(outcome.why);
    const client = new RequestConnection(outcome.connection, { closed: (reason) => (closed = reason) });
    client.ask(['PING'], (reply) => replies.push(reply));
    await eventuallyIn(world, () => closed !== '', { withinMs: 1_000, what: 'the end of the connection' });
    return { replies, closed };
  });
};

describe('a connection to a server of somebody else', () => {
  it.each([
    ['more than it was asked for', '+PONG\r\n+PONG\r\n', ['PONG']],
    ['what is no reply', 'SSH-2.0-server\r\n', []],
  ])('ends as a breach of protocol at %s', async (_, words, replies) => {
    expect(await heardFrom(words)).toEqual({ replies, closed: 'protocol' });
  });
});
