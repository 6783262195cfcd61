import { encode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { askMulticast, askServer } from '../../../src/cluster/names/ask.ts';
import { startDnsServer } from '../../../src/cluster/names/dns-server.ts';
import { startMdnsResponder } from '../../../src/cluster/names/mdns-responder.ts';
import { makeZone } from '../../../src/cluster/names/name-records.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';

const SERVER = { host: '127.0.1.1', port: 53 };
const CLIENT = '127.0.0.1';
const many = Array.from({ length: 200 }, (_, index) => `127.0.3.${index + 1}`);
const zone = makeZone({
  fqdn: 'east.local',
  nodes: [{ uid: 1, address: '127.0.1.1' }],
  records: [
    { name: 'redis-12000.east.local', addresses: ['127.0.1.1', '127.0.1.2'] },
    { name: 'redis-12001.east.local', addresses: many },
    { name: 'redis-12002.east.local', addresses: [] },
  ],
});

/** Asks in a world with a name server and a responder. */
const inWorld = <T>(story: (world: SimWorld) => Promise<T>): Promise<T> => {
  const world = new SimWorld({ seed: 1 });
  return world.run(async () => {
    const server = await startDnsServer(world, SERVER, () => [zone]);
    const responder = await startMdnsResponder(world, SERVER.host, () => [zone]);
    if (!server.ok || !responder.ok) throw new Error('a port is taken');
    const result = await story(world);
    await server.server.close();
    await responder.responder.close();
    return result;
  });
};

describe('a question to a name server', () => {
  it('is answered with addresses and their life', () =>
    inWorld(async (world) => {
      expect(await askServer(world, CLIENT, SERVER, 'Redis-12000.east.local')).toEqual({
        ok: true,
        addresses: ['127.0.1.1', '127.0.1.2'],
        ttlSeconds: 5,
        isCut: false,
      });
      expect(await askServer(world, CLIENT, SERVER, 'redis-12001.east.local')).toMatchObject({ isCut: true });
    }));

  it('is told why there is no address', () =>
    inWorld(async (world) => {
      const why = async (name: string) => {
        const outcome = await askServer(world, CLIENT, SERVER, name);
        return outcome.ok ? outcome.addresses : outcome.why;
      };
      expect(await why('redis-1.east.local')).toBe('no-such-name');
      expect(await why('redis-12002.east.local')).toBe('no-address');
      expect(await why('redis-12000.north.local')).toBe('refused');
    }));

  it('ends in silence after a second, and is sent twice before', () =>
    inWorld(async (world) => {
      let questions = 0;
      const at = { host: '127.0.9.9', port: 53 };
      const deaf = await world.network.datagrams(at, {}, () => void questions++);
      const before = world.clock.now();
      expect(await askServer(world, CLIENT, at, 'redis-12000.east.local')).toMatchObject({ ok: false, why: 'silent' });
      expect([questions, world.clock.now() - before]).toEqual([2, 1_000]);
      if (deaf.ok) await deaf.socket.close();
    }));

  it('takes no answer to another question, and no nonsense', () =>
    inWorld(async (world) => {
      const at = { host: '127.0.9.9', port: 53 };
      const liar = await world.network.datagrams(at, {}, ({ from }) => {
        if (!liar.ok) return;
        const forged = { type: 'A', name: 'redis-12000.east.local', ttl: 5, data: '10.0.0.1' } as const;
        liar.socket.send(from, Buffer.from('nonsense'));
        liar.socket.send(from, encode({ type: 'response', id: 0, questions: [], answers: [forged] }));
      });
      expect(await askServer(world, CLIENT, at, 'redis-12000.east.local')).toMatchObject({ ok: false, why: 'silent' });
      if (liar.ok) await liar.socket.close();
    }));
});

describe('a question to everybody', () => {
  it('is answered by the responder of the cluster, and by silence for a name that nobody has', () =>
    inWorld(async (world) => {
      expect(await askMulticast(world, CLIENT, 'redis-12000.east.local')).toMatchObject({
        ok: true,
        addresses: ['127.0.1.1', '127.0.1.2'],
      });
      expect(await askMulticast(world, CLIENT, 'redis-1.east.local')).toMatchObject({ ok: false, why: 'silent' });
    }));
});
