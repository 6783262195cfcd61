import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startSandbox, type SandboxCluster } from '../../../src/sandbox/sandbox.ts';
import { programAvailable } from '../../support/programs.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';
import { testSubnet } from '../../support/sandboxes.ts';

const hasAll = programAvailable('curl', '--version') && programAvailable('jq', '--version');

describeReal('administration with curl alone', () => {
  describe.skipIf(!hasAll)('from a shell', () => {
    it(
      'walks through a Replica Of: URL, TLS, compression, a new password, more sources, an external server',
      { timeout: 60_000 },
      async () => {
        await using external = await startRealRedis({ password: 'p@ss:w/rd%' });
        await external.command('SET', 'outside', '5');
        await using sandbox = await startSandbox({
          clusters: [
            { name: 'east.local', subnet: testSubnet() },
            { name: 'west.local', subnet: testSubnet() },
          ],
        });
        const [east, west] = sandbox.clusters as [SandboxCluster, SandboxCluster];
        const { stdout } = await promisify(execFile)(join(import.meta.dirname, 'walk.sh'), {
          timeout: 50_000,
          env: {
            ...process.env,
            EAST: east.apiUrl ?? '',
            WEST: west.apiUrl ?? '',
            EAST_LOGIN: `${east.username}:${east.password}`,
            WEST_LOGIN: `${west.username}:${west.password}`,
            EXTERNAL: external.url,
          },
        });
        expect(stdout.trim().split('\n').at(-1)).toBe('== done');
      },
    );
  });
});
