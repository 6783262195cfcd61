import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startDnsServer, type DnsServer } from '../../../src/cluster/names/dns-server.ts';
import { makeZone, type Zone } from '../../../src/cluster/names/name-records.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { programAvailable } from '../../support/programs.ts';

const hasDig = programAvailable('dig', '-v');
const HOST = '127.0.0.1';
const nodes = [
  { uid: 1, address: '127.0.1.1' },
  { uid: 2, address: '127.0.1.2' },
];
const wideAddresses = Array.from({ length: 120 }, (_, index) => `127.0.1.${index + 1}`);
const east = makeZone({
  fqdn: 'east.example',
  nodes,
  records: [
    { name: 'redis-12000.east.example', addresses: ['127.0.1.1', '127.0.1.2'] },
    { name: 'redis-12001.east.example', addresses: wideAddresses },
  ],
});

interface Running extends AsyncDisposable {
  readonly port: number;
  readonly server: DnsServer;
}

const running = async (zones: () => readonly Zone[] = () => [east]): Promise<Running> => {
  const outcome = await startDnsServer(new SystemWorld(), { host: HOST, port: 0 }, zones);
  if (!outcome.ok) throw new Error(outcome.detail);
  const { server } = outcome;
  return { port: server.address.port, server, [Symbol.asyncDispose]: () => server.close() };
};

const run = promisify(execFile);

const dig = async (port: number, ...words: string[]): Promise<string> => {
  const { stdout } = await run('dig', [`@${HOST}`, '-p', String(port), '+tries=1', '+time=5', '+norecurse', ...words]);
  return stdout;
};

const question = (name: string): Buffer => encode({ type: 'query', id: 21, questions: [{ type: 'A', name }] });

/** One datagram there, one back. */
const exchange = async (port: number, bytes: Buffer): Promise<Buffer> => {
  const socket = createSocket('udp4');
  try {
    socket.send(bytes, port, HOST);
    const [reply] = (await once(socket, 'message')) as [Buffer];
    return reply;
  } finally {
    socket.close();
  }
};

/** Everything the server says on one TCP connection until `enough` bytes came or it hangs up. */
const converse = async (port: number, bytes: Buffer, enough: number): Promise<Buffer> => {
  const socket = connect(port, HOST);
  const chunks: Buffer[] = [];
  socket.on('error', () => undefined);
  await new Promise<void>((done) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (Buffer.concat(chunks).length >= enough) done();
    });
    socket.on('close', () => done());
    socket.write(bytes);
  });
  socket.destroy();
  return Buffer.concat(chunks);
};

const framed = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);

describe.skipIf(!hasDig).each([
  { by: 'UDP', option: '+notcp' },
  { by: 'TCP', option: '+tcp' },
])('dig by $by', ({ option }) => {
  it('finds an endpoint, the nodes and the name servers', async () => {
    await using dns = await running();
    const short = async (...words: string[]): Promise<string[]> =>
      (await dig(dns.port, option, '+short', ...words)).trim().split('\n');
    expect(await short('redis-12000.east.example', 'A')).toEqual(['127.0.1.1', '127.0.1.2']);
    expect(await short('node2.east.example', 'A')).toEqual(['127.0.1.2']);
    expect(await short('east.example', 'NS')).toEqual(['node1.east.example.', 'node2.east.example.']);
    const whole = await dig(dns.port, option, 'east.example', 'NS');
    expect(whole).toMatch(/status: NOERROR/);
    expect(whole).toMatch(/flags: qr aa;/);
    expect(whole).toMatch(/ADDITIONAL SECTION:\nnode1\.east\.example\.\s+5\s+IN\s+A\s+127\.0\.1\.1/);
    expect(whole).not.toMatch(/WARNING|malformed|mismatch/i);
  });

  it('learns what does not exist and what has no such type', async () => {
    await using dns = await running();
    const nothing = await dig(dns.port, option, 'redis-1.east.example', 'A');
    expect(nothing).toMatch(/status: NXDOMAIN/);
    expect(nothing).toMatch(/AUTHORITY SECTION:\neast\.example\.\s+5\s+IN\s+SOA\s+node1\.east\.example\./);
    const noAddress = await dig(dns.port, option, 'redis-12000.east.example', 'AAAA');
    expect(noAddress).toMatch(/status: NOERROR/);
    expect(noAddress).toMatch(/ANSWER: 0, AUTHORITY: 1/);
    expect(await dig(dns.port, option, 'elsewhere.example', 'A')).toMatch(/status: REFUSED/);
    expect(await dig(dns.port, option, 'east.example', 'ANY')).toMatch(/ANSWER: 5/);
    expect(await dig(dns.port, option, 'version.bind', 'CH', 'TXT')).toMatch(/status: REFUSED/);
  });
});

describe('the name server', () => {
  it('serves an ordinary resolver', async () => {
    await using dns = await running();
    const resolver = new Resolver({ timeout: 2000, tries: 1 });
    resolver.setServers([`${HOST}:${dns.port}`]);
    expect(await resolver.resolve4('redis-12000.east.example', { ttl: true })).toEqual([
      { address: '127.0.1.1', ttl: 5 },
      { address: '127.0.1.2', ttl: 5 },
    ]);
    expect(await resolver.resolveNs('east.example')).toEqual(['node1.east.example', 'node2.east.example']);
    await expect(resolver.resolve6('redis-12000.east.example')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolve4('redis-9.east.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it.skipIf(!hasDig)('cuts what does not fit into a datagram; by TCP it is whole', async () => {
    await using dns = await running();
    expect((await exchange(dns.port, question('redis-12001.east.example'))).length).toBeLessThanOrEqual(512);
    expect(await dig(dns.port, '+ignore', '+bufsize=4096', 'redis-12001.east.example')).toMatch(/flags: qr aa tc;/);
    const whole = await dig(dns.port, '+short', 'redis-12001.east.example');
    expect(whole.trim().split('\n').toSorted()).toEqual(wideAddresses.toSorted());
  });

  it.skipIf(!hasDig)('tells of a failover in its next answer', async () => {
    let zones = [east];
    await using dns = await running(() => zones);
    expect(await dig(dns.port, '+short', 'node1.east.example')).toBe('127.0.1.1\n');
    zones = [makeZone({ fqdn: 'east.example', nodes: [{ uid: 1, address: '127.0.1.9' }], records: [] })];
    expect(await dig(dns.port, '+short', 'node1.east.example')).toBe('127.0.1.9\n');
  });

  it('answers several queries of one TCP connection, cut anywhere', async () => {
    await using dns = await running();
    const query = framed(question('node1.east.example'));
    const one = await converse(dns.port, query, query.length + 1);
    const bytes = Buffer.concat([query, query, query]);
    const socket = connect(dns.port, HOST);
    socket.setNoDelay(true);
    const received: Buffer[] = [];
    const complete = new Promise<void>((done) => {
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk);
        if (Buffer.concat(received).length >= one.length * 3) done();
      });
    });
    for (const byte of bytes) socket.write(Buffer.of(byte));
    await complete;
    socket.destroy();
    expect(Buffer.concat(received)).toEqual(Buffer.concat([one, one, one]));
  });

  it.skipIf(!hasDig)('answers all of a flood to a client that reads late', async () => {
    await using dns = await running();
    const query = framed(question('redis-12001.east.example'));
    const one = await converse(dns.port, query, 4000);
    const count = 2000;
    const socket = connect(dns.port, HOST);
    socket.pause();
    socket.write(Buffer.concat(Array.from({ length: count }, () => query)));
    // The server is alive for others while this one does not read.
    expect(await dig(dns.port, '+short', 'node1.east.example')).toBe('127.0.1.1\n');
    let bytes = 0;
    await new Promise<void>((done) => {
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes >= one.length * count) done();
      });
      socket.resume();
    });
    socket.destroy();
    expect(bytes).toBe(one.length * count);
  });

  it('hangs up on TCP clients that send too much or an answer', async () => {
    await using dns = await running();
    expect(await converse(dns.port, Buffer.of(0xff, 0xff, 1, 2), 1)).toHaveLength(0);
    const answer = encode({ type: 'response', id: 1, questions: [] });
    expect(await converse(dns.port, framed(answer), 1)).toHaveLength(0);
  });

  it('survives any datagram: the next query is answered', async () => {
    await using dns = await running();
    const socket = createSocket('udp4');
    const start = fc.constantFrom(Buffer.alloc(0), question('node1.east.example'), question('x.y').subarray(0, 14));
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 300 }), async (header, rest) => {
        await new Promise((sent) => socket.send(Buffer.concat([header, rest]), dns.port, HOST, sent));
        const reply = decode(await exchange(dns.port, question('node1.east.example')));
        expect(reply).toMatchObject({ id: 21, answers: [{ data: '127.0.1.1' }] });
      }),
      { numRuns: 300 },
    );
    socket.close();
  });

  it('answers what it cannot read with the same id', async () => {
    await using dns = await running();
    const two = encode({
      type: 'query',
      id: 77,
      questions: [
        { type: 'A', name: 'a.b' },
        { type: 'A', name: 'c.d' },
      ],
    });
    expect(decode(await exchange(dns.port, two))).toMatchObject({ id: 77, rcode: 'FORMERR' });
    expect(decode(await exchange(dns.port, question('node1.east.example').subarray(0, 20)))).toMatchObject({
      id: 21,
      rcode: 'FORMERR',
    });
  });

  it('says so when its port is taken, by UDP or by TCP alone', async () => {
    await using dns = await running();
    const at = { host: HOST, port: dns.port };
    expect(await startDnsServer(new SystemWorld(), at, () => [east])).toMatchObject({ ok: false, why: 'in-use' });
    const other = createServer();
    await new Promise<void>((ready) => other.listen(0, HOST, ready));
    const { port } = other.address() as AddressInfo;
    const outcome = await startDnsServer(new SystemWorld(), { host: HOST, port }, () => [east]);
    expect(outcome).toMatchObject({ ok: false, why: 'in-use' });
    await new Promise((closed) => other.close(closed));
  });

  it('frees its port and its connections when it closes', async () => {
    const dns = await running();
    const socket = connect(dns.port, HOST);
    socket.on('error', () => undefined);
    socket.write(framed(question('node1.east.example')));
    await once(socket, 'data');
    const hungUp = new Promise((done) => socket.on('close', done));
    await dns.server.close();
    await hungUp;
    const again = await startDnsServer(new SystemWorld(), { host: HOST, port: dns.port }, () => [east]);
    expect(again.ok).toBe(true);
    if (again.ok) await again.server.close();
  });
});
