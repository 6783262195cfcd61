import { createSocket, type Socket } from 'node:dgram';
import { decode, encode, type Answer, type DecodedPacket, type Packet } from 'dns-packet';
import fc from 'fast-check';
import multicastDns, { type MulticastDNS } from 'multicast-dns';
import { describe, expect, it } from 'vitest';
import { MDNS_GROUP, MDNS_PORT, startMdnsResponder } from '../../../src/cluster/names/mdns-responder.ts';
import { makeZone, type Zone } from '../../../src/cluster/names/name-records.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { addressText, type Datagram, type DatagramSocket, type Network } from '../../../src/world/world.ts';

const LOOPBACK = '127.0.0.1';
/** Everybody on this machine shares one multicast group: the names of this run are its own. */
const FQDN = `east-${process.pid}.local`;
const ENDPOINT = `redis-12000.${FQDN}`;
const ORDINARY = `east-${process.pid}.example`;
const wide = Array.from({ length: 200 }, (_, index) => `127.0.1.${index + 1}`);
const zones: readonly Zone[] = [
  makeZone({
    fqdn: FQDN,
    nodes: [{ uid: 1, address: '127.0.1.1' }],
    records: [
      { name: ENDPOINT, addresses: ['127.0.1.1', '127.0.1.2'] },
      { name: `redis-12001.${FQDN}`, addresses: wide },
    ],
  }),
  makeZone({ fqdn: ORDINARY, nodes: [{ uid: 1, address: '127.0.2.1' }], records: [] }),
];

const WAIT_MS = 5000;

/** A datagram sent to the group on loopback comes back. */
const multicastWorks = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    const done = (works: boolean): void => {
      clearTimeout(limit);
      socket.close();
      resolve(works);
    };
    const limit = setTimeout(() => done(false), 1000);
    socket.on('error', () => done(false));
    socket.on('message', () => done(true));
    socket.bind(0, '0.0.0.0', () => {
      try {
        socket.addMembership(MDNS_GROUP, LOOPBACK);
        socket.setMulticastInterface(LOOPBACK);
        socket.send('?', socket.address().port, MDNS_GROUP);
      } catch {
        done(false);
      }
    });
  });

const available = await multicastWorks();
if (!available) console.warn('SKIPPED: multicast DNS, because this machine has no multicast on loopback');
if (!available && process.env['CI'] === 'true') throw new Error('CI must have multicast on loopback');

const running = async (source: () => readonly Zone[] = () => zones): Promise<AsyncDisposable> => {
  const outcome = await startMdnsResponder(new SystemWorld(), LOOPBACK, source);
  if (!outcome.ok) throw new Error(outcome.detail);
  return { [Symbol.asyncDispose]: () => outcome.responder.close() };
};

const within = <Value>(what: string, start: (resolve: (value: Value) => void) => void): Promise<Value> =>
  new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`${what}: nothing within ${WAIT_MS} ms`)), WAIT_MS);
    start((value) => {
      clearTimeout(limit);
      resolve(value);
    });
  });

/** Another implementation of multicast DNS as the asker. */
const asker = (): MulticastDNS & AsyncDisposable => {
  const mdns = multicastDns({ interface: LOOPBACK, bind: '0.0.0.0' });
  return Object.assign(mdns, {
    [Symbol.asyncDispose]: () => new Promise<void>((closed) => mdns.destroy(() => closed())),
  });
};

const askNative = (mdns: MulticastDNS, name: string, type: 'A' | 'AAAA' | 'ANY'): Promise<Packet> =>
  within(`${type} ${name}`, (resolve) => {
    mdns.on('response', (packet) => {
      if (packet.answers?.some((answer) => answer.name.toLowerCase() === name.toLowerCase())) resolve(packet);
    });
    mdns.query(name, type as 'A');
  });

/** A plain resolver's socket: not port 5353. */
const legacySocket = async (): Promise<Socket> => {
  const socket = createSocket('udp4');
  await new Promise<void>((bound) => socket.bind(0, LOOPBACK, bound));
  socket.setMulticastInterface(LOOPBACK);
  return socket;
};

const askLegacy = async (packet: Packet): Promise<DecodedPacket> => {
  const socket = await legacySocket();
  try {
    return await within('a legacy reply', (resolve) => {
      socket.on('message', (bytes) => resolve(decode(bytes)));
      socket.send(encode({ type: 'query', ...packet }), MDNS_PORT, MDNS_GROUP);
    });
  } finally {
    socket.close();
  }
};

describe.skipIf(!available)('the multicast DNS responder', () => {
  it('answers another implementation, with short lives and the flush bit', async () => {
    await using _responder = await running();
    await using mdns = asker();
    const packet = await askNative(mdns, ENDPOINT, 'A');
    expect(packet).toMatchObject({ id: 0, questions: [] });
    expect(packet.answers).toEqual([
      { name: ENDPOINT, type: 'A', class: 'IN', ttl: 5, flush: true, data: '127.0.1.1' },
      { name: ENDPOINT, type: 'A', class: 'IN', ttl: 5, flush: true, data: '127.0.1.2' },
    ]);
  });

  it('answers for nodes and the cluster, in any case', async () => {
    await using _responder = await running();
    await using mdns = asker();
    expect((await askNative(mdns, `NODE1.${FQDN}`, 'A')).answers).toMatchObject([{ data: '127.0.1.1' }]);
    expect((await askNative(mdns, FQDN, 'ANY')).answers).toMatchObject([{ data: '127.0.1.1' }]);
  });

  it('says that a name has no other type than A', async () => {
    await using _responder = await running();
    await using mdns = asker();
    const { answers } = await askNative(mdns, ENDPOINT, 'AAAA');
    expect(answers).toMatchObject([{ type: 'NSEC', data: { nextDomain: ENDPOINT, rrtypes: ['A'] } }]);
  });

  it('gives a legacy resolver its id and question back, without the flush bit, within ten seconds of life', async () => {
    await using _responder = await running();
    const reply = await askLegacy({ id: 4711, questions: [{ type: 'A', name: ENDPOINT }] });
    expect(reply).toMatchObject({ id: 4711, flag_aa: true, questions: [{ type: 'A', name: ENDPOINT }] });
    expect(reply.answers).toMatchObject([
      { data: '127.0.1.1', ttl: 5, flush: false },
      { data: '127.0.1.2', ttl: 5, flush: false },
    ]);
  });

  it('is silent about unknown names, names that are not .local, known answers and nonsense', async () => {
    await using _responder = await running();
    await using mdns = asker();
    const heard: string[] = [];
    const names = [`redis-9.${FQDN}`, `node1.${ORDINARY}`];
    mdns.on('response', (packet) => {
      heard.push(...(packet.answers ?? []).map((answer) => answer.name).filter((name) => name.includes(FQDN)));
    });
    for (const name of names) mdns.query(name, 'A');
    const known = ['127.0.1.1', '127.0.1.2'].map((data) => ({ type: 'A' as const, name: ENDPOINT, ttl: 5, data }));
    mdns.query({ questions: [{ type: 'A', name: ENDPOINT }], answers: known });
    const socket = await legacySocket();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        await new Promise((sent) => socket.send(bytes, MDNS_PORT, MDNS_GROUP, sent));
      }),
      { numRuns: 200 },
    );
    socket.close();
    // Whatever the others would have caused comes before this.
    await askNative(mdns, `node1.${FQDN}`, 'A');
    expect(heard).toEqual([`node1.${FQDN}`]);
  });

  it('gives what fits into one datagram', async () => {
    await using _responder = await running();
    const reply = await askLegacy({ id: 1, questions: [{ type: 'A', name: `redis-12001.${FQDN}` }] });
    const addresses = (reply.answers ?? []).map((answer) => ('data' in answer ? answer.data : null));
    expect(addresses.length).toBeGreaterThan(10);
    expect(addresses).toEqual(wide.slice(0, addresses.length));
  });

  it('works beside another one, and is silenced by taking its zones away', async () => {
    const other = makeZone({ fqdn: `other-${FQDN}`, nodes: [{ uid: 9, address: '127.0.1.9' }], records: [] });
    let shown = zones;
    await using _responder = await running(() => shown);
    await using _beside = await running(() => [other]);
    await using mdns = asker();
    await askNative(mdns, ENDPOINT, 'A');
    await askNative(mdns, `node9.other-${FQDN}`, 'A');
    shown = [];
    let heard = 0;
    mdns.on('response', (packet) => {
      heard += (packet.answers ?? []).filter((answer) => answer.name === ENDPOINT).length;
    });
    mdns.query(ENDPOINT, 'A');
    await askNative(mdns, `node9.other-${FQDN}`, 'A');
    expect(heard).toBe(0);
  });
});

/** A world of one socket, to see exactly what is sent where. */
const recordingWorld = () => {
  const sent: { to: string; packet: DecodedPacket }[] = [];
  let deliver: ((datagram: Datagram) => void) | undefined;
  const socket: DatagramSocket = {
    address: { host: LOOPBACK, port: MDNS_PORT },
    send: (to, bytes) => void sent.push({ to: addressText(to), packet: decode(Buffer.from(bytes)) }),
    close: async () => undefined,
  };
  const datagrams: Network['datagrams'] = async (at, options, receive) => {
    expect({ at, options }).toEqual({ at: socket.address, options: { group: MDNS_GROUP } });
    deliver = receive;
    return { ok: true, socket };
  };
  const hear = (host: string, port: number, packet: Packet, unicastWanted = false): void => {
    const bytes = encode({ type: 'query', ...packet });
    if (unicastWanted) bytes[bytes.length - 2] = 0x80; // top bit of the last question's class
    deliver?.({ from: { host, port }, bytes });
  };
  return { world: { network: { datagrams } as Network }, sent, hear };
};

describe('multicast DNS replies', () => {
  const question = { type: 'A' as const, name: ENDPOINT };
  const known = (ttl: number): Answer => ({ type: 'A', name: ENDPOINT.toUpperCase(), ttl, data: '127.0.1.1' });

  it('go to the group, to the asker when it wants that, and to nobody beyond loopback', async () => {
    const { world, sent, hear } = recordingWorld();
    await startMdnsResponder(world, LOOPBACK, () => zones);
    hear('127.0.0.1', MDNS_PORT, { questions: [question] });
    hear('127.0.1.1', MDNS_PORT, { questions: [question] }, true);
    hear('127.0.0.1', 40_000, { id: 5, questions: [question] }, true);
    expect(sent.map(({ to }) => to)).toEqual([
      `${MDNS_GROUP}:${MDNS_PORT}`,
      `127.0.1.1:${MDNS_PORT}`,
      '127.0.0.1:40000',
    ]);
    expect(sent.map(({ packet }) => packet.id)).toEqual([0, 0, 5]);
    hear('192.0.2.7', MDNS_PORT, { questions: [question] });
    hear('192.0.2.7', 40_000, { questions: [question] });
    hear('127.0.0.1', MDNS_PORT, { type: 'response', questions: [question] });
    hear('127.0.0.1', 0, { questions: [question] });
    expect(sent).toHaveLength(3);
  });

  it('leave out what the asker knows for long enough, and only that', async () => {
    const { world, sent, hear } = recordingWorld();
    await startMdnsResponder(world, LOOPBACK, () => zones);
    hear('127.0.0.1', MDNS_PORT, { questions: [question], answers: [known(3)] });
    hear('127.0.0.1', MDNS_PORT, { questions: [question], answers: [known(2)] });
    const addresses = sent.map(({ packet }) =>
      packet.answers?.map((answer) => ('data' in answer ? answer.data : null)),
    );
    expect(addresses).toEqual([['127.0.1.2'], ['127.0.1.1', '127.0.1.2']]);
  });

  it('are not promised when the port cannot be had', async () => {
    const failure = { ok: false as const, why: 'denied' as const, detail: 'port 5353 is reserved' };
    const network = { datagrams: async () => failure } as unknown as Network;
    expect(await startMdnsResponder({ network }, LOOPBACK, () => zones)).toEqual(failure);
  });
});
