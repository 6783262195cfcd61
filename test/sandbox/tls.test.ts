/** The TLS tables on real sockets and in simulation. */
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { inSimulation, testSubnet } from '../support/sandboxes.ts';
import { tlsMatrix } from '../support/tls-matrix.ts';

const clusters = [
  { name: 'east.local', subnet: testSubnet(), databases: [{ name: 'orders', port: 12_000 }] },
  { name: 'west.local', subnet: testSubnet(), databases: [{ name: 'copy', port: 12_000 }] },
];

tlsMatrix('simulated', (story) => inSimulation({ clusters }, story));

tlsMatrix('system', async (story) => {
  const world = new SystemWorld();
  await using sandbox = await startSandbox({ world, clusters });
  await story({ world, sandbox });
});
