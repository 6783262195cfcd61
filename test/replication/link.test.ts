/** One link to a source that behaves, or does not: what its owner hears, when, and how it ends. */

import { describe, expect, it } from 'vitest';
import { ReplicaLink, type ReplicaLinkOptions } from '../../src/replication/link.ts';
import type { LinkOutcome } from '../../src/replication/link-outcome.ts';
import { RdbWriter } from '../../src/rdb/writer.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import { FakeSource, type FakeSourceOptions, type History } from '../support/fake-source.ts';

const SOURCE = { host: '127.0.1.1', port: 7000 };
const ID = 'a'.repeat(40);
const MINUTE_MS = 60_000;

function snapshotOf(pairs: Readonly<Record<string, string>>): Buffer {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter((chunk) => void chunks.push(chunk));
  writer.header([['repl-stream-db', '0']]);
  writer.functionLibrary('#!lua name=mine');
  writer.selectDatabase(0, 1, 0);
  for (const [key, value] of Object.entries(pairs)) writer.entry(key, value, null);
  writer.end();
  return Buffer.concat(chunks);
}

const STREAM = ['SELECT 0', 'SET a 1', 'REPLCONF GETACK *', 'SET a 2', 'PING'].map((text) =>
  encodeRequest(text.split(' ')),
);
const HISTORY: History = {
  replicationId: ID,
  offset: 1000,
  snapshot: snapshotOf({ a: '0' }),
  stream: Buffer.from(STREAM.join('')),
};

/** End offsets of the requests of STREAM. */
const ENDS = STREAM.map((_, index) => 1000 + STREAM.slice(0, index + 1).join('').length);

interface Owner {
  readonly world: SimWorld;
  readonly source: FakeSource;
  readonly link: ReplicaLink;
  readonly heard: string[];
  readonly outcomes: LinkOutcome[];
  acks(): string[];
}

const agree = (event: string, link: ReplicaLink): void => {
  if (event.startsWith('full')) link.accept();
};

/** An owner that writes down what it hears, and agrees to everything unless `on` says otherwise. */
async function owner(
  source: Partial<FakeSourceOptions> = {},
  options: Partial<ReplicaLinkOptions> = {},
  on: (event: string, link: ReplicaLink) => void = agree,
): Promise<Owner> {
  const world = new SimWorld({ seed: 1, conditions: { latencyMs: 1 } });
  const fake = new FakeSource({ world, at: SOURCE, history: HISTORY, format: 'marked', ...source });
  await world.run(fake.listen());
  const heard: string[] = [];
  const outcomes: LinkOutcome[] = [];
  const hear = (event: string): void => {
    heard.push(event);
    on(event, link);
  };
  const link: ReplicaLink = new ReplicaLink({
    world,
    source: SOURCE,
    resumeFrom: null,
    handler: {
      full: (replicationId, offset) => hear(`full ${replicationId === ID} ${offset}`),
      continued: (replicationId, offset) => hear(`continued ${replicationId === ID} ${offset}`),
      aux: (name, value) => hear(`aux ${name} ${value}`),
      functionLibrary: (code) => hear(`function ${code}`),
      entry: (entry) => hear(`entry ${entry.key} ${entry.decode() as string}`),
      snapshotSize: (bytes) => hear(`size ${bytes}`),
      snapshotDone: () => hear('done'),
      write: (words, endOffset) => hear(`${words.join(' ')} @${endOffset}`),
      closed: (outcome) => outcomes.push(outcome),
    },
    ...options,
  });
  link.open();
  const acks = (): string[] => fake.requests.filter((words) => words[1] === 'ACK').map((words) => words[2]!);
  return { world, source: fake, link, heard, outcomes, acks };
}

const WRITES = ['SELECT 0', 'SET a 1', 'REPLCONF GETACK *', 'SET a 2', 'PING'].map(
  (text, index) => `${text} @${ENDS[index]}`,
);
const SNAPSHOT = ['aux repl-stream-db 0', 'function #!lua name=mine', 'entry a 0', 'done'];

describe('a link', () => {
  it('hands over the snapshot and then every request with the exact offset of its end', async () => {
    const { world, heard, outcomes, link } = await owner();
    await world.advance(1000);
    expect(heard).toEqual(['full true 1000', ...SNAPSHOT, ...WRITES]);
    expect(link.offset).toBe(1000 + HISTORY.stream.length);
    expect(outcomes).toEqual([]);
  });

  it('knows the size of a snapshot that was announced with it', async () => {
    const { world, heard } = await owner({ format: 'sized' });
    await world.advance(1000);
    expect(heard.slice(0, 2)).toEqual(['full true 1000', `size ${HISTORY.snapshot.length}`]);
    expect(heard.slice(-5)).toEqual(WRITES);
  });

  it('goes on behind the offset it is given', async () => {
    const { world, heard, source } = await owner({}, { resumeFrom: { replicationId: ID, offset: ENDS[0]! } });
    await world.advance(1000);
    expect(heard).toEqual([`continued true ${ENDS[0]}`, ...WRITES.slice(1)]);
    expect(source.requests).toContainEqual(['PSYNC', ID, String(ENDS[0]! + 1)]);
  });

  it('reads nothing of a full sync that its owner has not agreed to, however long that takes', async () => {
    const { world, heard, link, outcomes } = await owner({}, {}, () => undefined);
    await world.advance(10 * MINUTE_MS);
    expect(heard).toEqual(['full true 1000']);
    link.accept();
    await world.advance(100);
    expect(heard.slice(1)).toEqual([...SNAPSHOT, ...WRITES]);
    expect(outcomes).toEqual([]);
  });

  it('hands over nothing while its owner holds it back, and all of it afterwards', async () => {
    const { world, heard, link, outcomes } = await owner({}, {}, (event, each) => {
      agree(event, each);
      if (event === 'done' || event.startsWith('SET a 1')) each.pause();
    });
    await world.advance(10 * MINUTE_MS);
    expect(heard).toEqual(['full true 1000', ...SNAPSHOT]);
    link.resume();
    await world.advance(10 * MINUTE_MS);
    expect(heard.slice(5)).toEqual(WRITES.slice(0, 2));
    link.resume();
    await world.advance(100);
    expect(heard.slice(5)).toEqual(WRITES);
    expect(outcomes).toEqual([]);
  });

  it('tells the source only what its owner has acknowledged, each second', async () => {
    const { world, link, acks } = await owner();
    await world.advance(500);
    // The first is what makes a source that sent an end mark begin the stream; the second was asked for by GETACK
    expect(acks()).toEqual(['0']);
    link.acknowledge(ENDS[1]!);
    await world.advance(100);
    expect(acks()).toEqual(['0', String(ENDS[1])]);
    link.acknowledge(ENDS[4]!);
    link.acknowledge(ENDS[2]!);
    await world.advance(3000);
    expect(acks().slice(2)).toEqual([String(ENDS[4]), String(ENDS[4]), String(ENDS[4])]);
  });

  it('says nothing more once its owner has closed it, even in the middle of a chunk', async () => {
    const { world, heard, outcomes } = await owner({}, {}, (event, each) => {
      agree(event, each);
      if (event.startsWith('SELECT')) each.close();
    });
    await world.advance(MINUTE_MS);
    expect(heard).toEqual(['full true 1000', ...SNAPSHOT, WRITES[0]]);
    expect(outcomes).toEqual([]);
  });
});

/** How the only link to such a source ended. */
const why = async (
  source: Partial<FakeSourceOptions>,
  options: Partial<ReplicaLinkOptions> = {},
): Promise<LinkOutcome> => {
  const { world, outcomes } = await owner(source, options);
  await world.advance(5 * MINUTE_MS);
  expect(outcomes).toHaveLength(1);
  return outcomes[0]!;
};
const damaged = (at: number): History => {
  const snapshot = Buffer.from(HISTORY.snapshot);
  snapshot[at < 0 ? snapshot.length + at : at]! ^= 1;
  return { ...HISTORY, snapshot };
};

describe('a link ends', () => {
  it('with the network’s own words when nobody listens', async () => {
    expect(await why({}, { source: { host: SOURCE.host, port: 7001 } })).toMatchObject({
      why: 'connect',
      failure: 'refused',
    });
  });

  it('by name when the password is wrong', async () => {
    const outcome = await why({ answers: { AUTH: '-WRONGPASS no\r\n' } }, { source: { ...SOURCE, password: 'x' } });
    expect(outcome).toEqual({ why: 'auth-failed', detail: 'WRONGPASS no' });
  });

  it('by name when the source has no PSYNC', async () => {
    expect(await why({ answers: { PSYNC: "-ERR unknown command 'PSYNC'\r\n" } })).toMatchObject({
      why: 'psync-not-supported',
    });
  });

  it.each([
    ['PING', 'handshake: the reply to PING'],
    ['REPLCONF capa', 'handshake: the reply to REPLCONF capa'],
    ['PSYNC', 'handshake: the reply to PSYNC'],
  ])('and says that %s was not answered', async (request, waitingFor) => {
    expect(await why({ answers: { [request]: '' } })).toMatchObject({ why: 'timeout', waitingFor });
  });

  it('and says that the snapshot never came', async () => {
    const outcome = await why({ answers: { PSYNC: `+FULLRESYNC ${ID} 1000\r\n\n` } });
    expect(outcome).toMatchObject({ why: 'timeout', waitingFor: 'the source to prepare its snapshot' });
  });

  it('and says how much of the snapshot came before the silence', async () => {
    const outcome = await why({ answers: { PSYNC: `+FULLRESYNC ${ID} 1000\r\n$100\r\nREDIS0010` } });
    expect(outcome).toMatchObject({ why: 'timeout', waitingFor: 'the snapshot (9 bytes so far)' });
  });

  it('when the source fails to make its snapshot', async () => {
    const outcome = await why({ answers: { PSYNC: `+FULLRESYNC ${ID} 1000\r\n-ERR no memory\r\n` } });
    expect(outcome).toEqual({ why: 'source-refused', detail: 'ERR no memory', transient: true });
  });

  it('at a snapshot whose checksum is wrong', async () => {
    expect(await why({ history: damaged(-1) })).toMatchObject({
      why: 'rdb-corrupt',
      error: { why: 'checksum-mismatch' },
    });
  });

  it('at a snapshot of a version that is not known', async () => {
    const snapshot = Buffer.from(HISTORY.snapshot);
    snapshot.write('9999', 5, 'latin1');
    const outcome = await why({ history: { ...HISTORY, snapshot } });
    expect(outcome).toMatchObject({ why: 'rdb-unsupported', error: { why: 'unsupported-version' } });
  });

  it('at a snapshot that is shorter or longer than announced', async () => {
    const dump = HISTORY.snapshot.toString('latin1');
    const announce = (bytes: number): string => `+FULLRESYNC ${ID} 1000\r\n$${bytes}\r\n${dump}`;
    const left = 'bytes are left over after the snapshot';
    expect(await why({ answers: { PSYNC: announce(dump.length + 3) } })).toEqual({
      why: 'protocol',
      detail: `3 ${left}`,
    });
    expect(await why({ answers: { PSYNC: announce(dump.length - 3) } })).toMatchObject({ why: 'protocol' });
  });

  it('at a wrong end mark', async () => {
    const mark = 'm'.repeat(40);
    const said = `+FULLRESYNC ${ID} 1000\r\n$EOF:${mark}\r\n${HISTORY.snapshot.toString('latin1')}${'n'.repeat(40)}`;
    expect(await why({ answers: { PSYNC: said } })).toMatchObject({
      why: 'protocol',
      detail: expect.stringContaining('end mark'),
    });
  });

  it.each([
    ['-ERR the proxy lost its shard\r\n', 'the source sent an error in its stream: ERR the proxy lost its shard'],
    ['SET a 1\r\n', 'not a replication stream: "SET a 1"'],
    ['*1\r\n$-5\r\n', 'invalid bulk length'],
  ])('at %j in the stream', async (stream, detail) => {
    expect(await why({ history: { ...HISTORY, stream: Buffer.from(stream) } })).toEqual({ why: 'protocol', detail });
  });

  it('when the connection is cut, and says where', async () => {
    expect(await why({ cuts: [7] })).toMatchObject({
      why: 'cut',
      reason: 'ended',
      waitingFor: 'handshake: the reply to REPLCONF capa',
    });
  });
});
