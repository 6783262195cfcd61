/** The first questions to a source, to one that turns connections away, on real sockets. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { askTopology, type TopologyOutcome } from '../../../src/replication/replica-of/topology.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';

it('are answered by why it hangs up, also when it has done so before they are asked', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('-DENIED Redis is running in protected mode because so it is. And more.\r\n', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { network, clock } = new SystemWorld();
    const late: typeof network = {
      ...network,
      listen: network.listen.bind(network),
      connect: async (...how) => {
        const outcome = await network.connect(...how);
        await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
        return outcome;
      },
    };
    for (const username of [null, 'default']) {
      const url = { host: '127.0.0.1', port, username, password: username === null ? null : 'p' };
      const outcome = await new Promise<TopologyOutcome>((resolve) => {
        askTopology(late, (ms, then) => clock.after(ms, then), { url, tls: null, timeoutMs: 5000 }, resolve);
      });
      expect(outcome).toMatchObject({ ok: false, detail: expect.stringContaining('protected mode') });
    }
  } finally {
    server.close();
  }
});
