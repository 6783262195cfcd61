import { describe, expect, it } from 'vitest';
import { startOutsideNames } from '../../src/sandbox/outside-names.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { requestHttps } from '../../src/world/system-http.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { testSubnet } from '../support/sandboxes.ts';

const clusters = () => [
  {
    name: 'east.local',
    subnet: testSubnet(),
    databases: [{ name: 'orders', port: 12_000, shards: 2, password: 'geh:eim' }],
  },
  {
    name: 'west.local',
    subnet: testSubnet(),
    nodes: 2,
    databases: [
      { name: 'copy', port: 12_000, shards: 3, replicaOf: ['east.local/orders'] },
      { name: 'secure', port: 12_001, tlsMode: 'enabled' as const, enforceClientAuthentication: false },
    ],
  },
];

describe('a sandbox on real sockets', () => {
  it('serves ioredis, by address, with password and with TLS', async () => {
    await using sandbox = await startSandbox({ clusters: clusters() });
    const orders = await sandbox.cluster('east.local').database('orders').client();
    expect(await orders.mset({ a: '1', b: '2', c: '3' })).toBe('OK');
    const west = sandbox.cluster('west.local');
    await west.database('copy').inSync();
    expect(await (await west.database('copy').client()).mget('a', 'b', 'c')).toEqual(['1', '2', '3']);
    const secure = await west.database('secure').client();
    expect(await secure.set('k', 'v')).toBe('OK');
    const plain = await west
      .database('secure')
      .client({ tls: undefined as never, retryStrategy: null as never, maxRetriesPerRequest: 0 });
    await expect(plain.get('k')).rejects.toThrow(/closed|ended/i);
  });

  it('serves REST on every node, with the certificate of the cluster', async () => {
    await using sandbox = await startSandbox({ clusters: clusters() });
    const west = sandbox.cluster('west.local');
    const trusted = west.control.state.certificates.api.certificate;
    const authorization = `Basic ${Buffer.from(`${west.username}:${west.password}`).toString('base64')}`;
    const ask = { method: 'GET', headers: { authorization }, trusted, timeoutMs: 5_000 };
    for (const { address } of west.nodes) {
      const answer = await requestHttps({ ...ask, url: `https://${address}:9443/v1/bdbs?fields=name` });
      expect(answer).toMatchObject({ ok: true, status: 200, body: '[{"name":"copy"},{"name":"secure"}]' });
    }
    const foreign = sandbox.cluster('east.local').control.state.certificates.api.certificate;
    expect(await requestHttps({ ...ask, trusted: foreign, url: `${west.apiUrl}/v1/cluster` })).toMatchObject({
      ok: false,
      why: 'untrusted',
    });
    const created = await requestHttps({
      ...ask,
      method: 'POST',
      url: `${west.apiUrl}/v1/bdbs`,
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'new', memory_size: 0 }),
    });
    expect(created).toMatchObject({ ok: true, status: 200 });
    await west.control.settled();
    expect(await (await west.database('new').client()).ping()).toBe('PONG');
  });

  it('says which port is in use, leaves nothing behind, and starts when it is free', async () => {
    const config = clusters();
    const first = await startSandbox({ clusters: config });
    await expect(startSandbox({ clusters: config })).rejects.toThrow(/9443 \(in-use\).*antipode down/);
    await first.close();
    await using again = await startSandbox({ clusters: config });
    expect(again.cluster('east.local').database('orders').status().status).toBe('active');
  });

  it('answers DNS for programs outside, or says that it cannot', async () => {
    await using sandbox = await startSandbox({ clusters: clusters() });
    const names = await startOutsideNames(sandbox);
    expect(names.report).toEqual([
      expect.stringMatching(/^DNS for east\.local: 127\.\d+\.\d+\.1:(53|1053)$/),
      expect.stringMatching(/^mDNS for east\.local: (answers on the loopback interface|none \(.+\))$/),
      expect.stringMatching(/^DNS for west\.local: 127\.\d+\.\d+\.1:(53|1053), 127\.\d+\.\d+\.2:(53|1053)$/),
      expect.stringMatching(/^mDNS for west\.local: /),
    ]);
    await names.close();
  });

  it('ends while databases are being created', async () => {
    const sandbox = await startSandbox({ clusters: [{ name: 'east.local', subnet: testSubnet() }] });
    const { control } = sandbox.cluster('east.local');
    for (let port = 12_000; port < 12_020; port++)
      control.submit(control.creation({ name: `n${port}`, port, memorySizeBytes: 0 }));
    const [{ address } = { address: '' }] = sandbox.cluster('east.local').nodes;
    await sandbox.close();
    const outcome = await new SystemWorld().network.connect({ host: address, port: 12_000 }, { timeoutMs: 1_000 });
    expect(outcome).toMatchObject({ ok: false, why: 'refused' });
  });
});
