import { describe, expect, it } from 'vitest';
import { askMulticast, askServer } from '../../src/cluster/names/ask.ts';
import { startOutsideNames, type OutsideNames } from '../../src/sandbox/outside-names.ts';
import { SwitchedService } from '../../src/sandbox/switched-service.ts';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';

const CLIENT = '127.0.0.1';
const CLUSTERS = [
  {
    name: 'east.local',
    nodes: 2,
    databases: [{ name: 'orders', port: 12_000, settings: { proxy_policy: 'all-nodes' } }],
  },
  { name: 'west.example.com', databases: [{ name: 'copy', port: 12_000 }] },
] as const;

const withNames = (story: (told: SimStory & { readonly names: OutsideNames }) => Promise<void>): Promise<void> =>
  inSimulation({ clusters: CLUSTERS }, async (told) => {
    const names = await startOutsideNames(told.sandbox);
    try {
      await story({ ...told, names });
    } finally {
      await names.close();
    }
  });

describe('programs outside', () => {
  it('find a cluster by DNS on each of its nodes, and by mDNS when its name ends in .local', () =>
    withNames(async ({ world, names }) => {
      expect(names.answered).toEqual([
        {
          cluster: 'east.local',
          dns: [53, 53].map((port, at) => ({ host: `127.0.1.${at + 1}`, port })),
          mdns: '127.0.1.1',
        },
        { cluster: 'west.example.com', dns: [{ host: '127.0.2.1', port: 53 }], mdns: null },
      ]);
      const addresses = ['127.0.1.1', '127.0.1.2'];
      for (const { host, port } of names.answered[0]!.dns) {
        expect(await askServer(world, CLIENT, { host, port }, 'redis-12000.east.local')).toMatchObject({ addresses });
      }
      expect(await askMulticast(world, CLIENT, 'redis-12000.east.local')).toMatchObject({ addresses });
      const west = { host: '127.0.2.1', port: 53 };
      expect(await askServer(world, CLIENT, west, 'redis-12000.west.example.com')).toMatchObject({ ok: true });
      expect(await askServer(world, CLIENT, west, 'redis-12000.east.local')).toMatchObject({ why: 'refused' });
    }));

  it('find no name under .local while clients have no multicast DNS, and nodes still do', () =>
    withNames(async ({ world, sandbox, names }) => {
      const east = sandbox.cluster('east.local');
      const [server] = names.answered[0]!.dns;
      east.setMdnsMissing({ clients: true });
      expect(await askMulticast(world, CLIENT, 'redis-12000.east.local')).toMatchObject({ why: 'silent' });
      expect(await askServer(world, CLIENT, server!, 'redis-12000.east.local')).toMatchObject({ why: 'refused' });
      expect(await world.network.from('127.0.2.1').resolve('redis-12000.east.local')).toMatchObject({ ok: true });
      east.setMdnsMissing({});
      expect(await askMulticast(world, CLIENT, 'redis-12000.east.local')).toMatchObject({ ok: true });
      expect(await askServer(world, CLIENT, server!, 'redis-12000.east.local')).toMatchObject({ ok: true });
    }));

  it('find nothing while the name services are disabled, whose ports are free then', () =>
    withNames(async ({ world, sandbox, names }) => {
      const east = sandbox.cluster('east.local');
      const [server] = names.answered[0]!.dns;
      east.setServices({ mdns_server: 'disabled' });
      await names.settled();
      expect(names.answered[0]).toMatchObject({ dns: [server, { port: 53 }], mdns: null });
      expect(await askMulticast(world, CLIENT, 'redis-12000.east.local')).toMatchObject({ why: 'silent' });
      expect(await askServer(world, CLIENT, server!, 'redis-12000.east.local')).toMatchObject({ why: 'refused' });
      east.setServices({ pdns_server: 'disabled' });
      await names.settled();
      expect(names.answered[0]).toMatchObject({ dns: [], mdns: null });
      expect(await askServer(world, CLIENT, server!, 'redis-12000.east.local')).toMatchObject({ why: 'silent' });
      const port = await world.network.datagrams(server!, {}, () => undefined);
      expect(port.ok).toBe(true);
      if (port.ok) await port.socket.close();
      east.setServices({ mdns_server: 'enabled', pdns_server: 'enabled' });
      await names.settled();
      expect(await askMulticast(world, CLIENT, 'redis-12000.east.local')).toMatchObject({ ok: true });
      expect(await askServer(world, CLIENT, server!, 'redis-12000.east.local')).toMatchObject({ ok: true });
    }));

  it('see another proxy policy in the next answer', () =>
    withNames(async ({ world, sandbox, names }) => {
      const [server] = names.answered[0]!.dns;
      await sandbox.cluster('east.local').updateDatabase('orders', { settings: { proxy_policy: 'single' } });
      expect(await askServer(world, CLIENT, server!, 'redis-12000.east.local')).toMatchObject({
        addresses: ['127.0.1.1'],
      });
    }));

  it('take DNS from the other port where the usual one is taken, and are told when neither is free', () =>
    inSimulation({ clusters: CLUSTERS }, async ({ world, sandbox }) => {
      const occupied = [];
      for (const [host, port] of [
        ['127.0.1.1', 53],
        ['127.0.2.1', 53],
        ['127.0.2.1', 1053],
      ] as const) {
        const outcome = await world.network.datagrams({ host, port }, {}, () => undefined);
        if (outcome.ok) occupied.push(outcome.socket);
      }
      const names = await startOutsideNames(sandbox);
      expect(names.answered.map(({ dns }) => dns.map(({ port }) => port))).toEqual([[1053, 53], []]);
      expect(names.report[2]).toBe('DNS for west.example.com: none (127.0.2.1:53 in-use, 127.0.2.1:1053 in-use)');
      for (const socket of occupied) await socket.close();
      await names.close();
    }));
});

describe('a switched service', () => {
  it('ends as wished last, however fast the wishes come', async () => {
    let open = 0;
    const service = new SwitchedService(async () => {
      await Promise.resolve();
      open++;
      return {
        ok: true,
        service: {
          close: async () => {
            await Promise.resolve();
            open--;
          },
        },
      };
    });
    for (const last of [true, false]) {
      const turns = [true, false, true, true, false, last].map((on) => service.turn(on));
      await Promise.all(turns);
      expect([open, service.service !== null]).toEqual(last ? [1, true] : [0, false]);
    }
  });
});
