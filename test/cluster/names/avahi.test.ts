/**
 * Avahi as the judge of multicast DNS: `avahi-resolve` asks its daemon, which hears our responder. Everything runs in a network of its
 * own (`unshare`), so that the daemon meets neither the machine's own nor other sandboxes.
 */

import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PROGRAM = 'dist/src/cli/main.js';
const TOOLS = ['unshare', 'ip', 'dbus-daemon', 'avahi-daemon', 'avahi-resolve'] as const;
const LIMIT_MS = 25_000;

/** Not every kernel lets a program make a network of its own, so this is skipped in CI too, visibly. */
const isPossible = (): boolean => {
  const missing = TOOLS.filter(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status !== 0,
  );
  const canUnshare = spawnSync('unshare', ['-rnm', 'true'], { stdio: 'ignore' }).status === 0;
  if (missing.length === 0 && canUnshare) return true;
  console.warn(
    `SKIPPED: avahi as the judge, for want of ${missing.join(', ') || 'a network of its own (unshare -rnm)'}`,
  );
  return false;
};

const CONFIG = `clusters:
  - name: east.local
    nodes: 2
    databases:
      - { name: orders, port: 12000 }
      - { name: everywhere, port: 12001, proxy_policy: all-nodes }
`;

const BUS = (socket: string): string => `<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
</busconfig>
`;

const AVAHI = `[server]
allow-interfaces=lo
use-ipv6=no
enable-dbus=yes
[publish]
disable-publishing=yes
[rlimits]
`;

/**
 * The one user that there is in the namespace is also the user that the daemon wants. Everything left behind ends with the namespace's
 * first process.
 */
const script = (home: string): string => `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus /run/avahi-daemon
sed 's/^avahi:x:[0-9]*:[0-9]*:/avahi:x:0:0:/' /etc/passwd > /run/passwd && mount --bind /run/passwd /etc/passwd
sed 's/^avahi:x:[0-9]*:/avahi:x:0:/' /etc/group > /run/group && mount --bind /run/group /etc/group
ip link set lo up multicast on
dbus-daemon --config-file=${home}/bus.conf --fork
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket
avahi-daemon -f ${home}/avahi.conf --no-drop-root --no-rlimits --no-chroot --daemonize
ANTIPODE_HOME=${home}/home ${process.execPath} ${resolve(PROGRAM)} up --json --config ${home}/sandbox.yaml > ${home}/up &
until [ -s ${home}/up ]; do sleep 0.05; done
for name in redis-12000 redis-12001 node2; do avahi-resolve -4 -n $name.east.local; done
avahi-resolve -4 -n redis-12999.east.local 2>&1 || true
`;

describe.skipIf(!isPossible())('avahi', () => {
  it('resolves endpoints and nodes of a sandbox, and no others', async () => {
    if (!existsSync(PROGRAM)) throw new Error('build first: npm run build');
    const home = await mkdtemp(join(tmpdir(), 'antipode-avahi-'));
    try {
      await writeFile(join(home, 'bus.conf'), BUS('/run/dbus/system_bus_socket'));
      await writeFile(join(home, 'avahi.conf'), AVAHI);
      await writeFile(join(home, 'sandbox.yaml'), CONFIG);
      await writeFile(join(home, 'script'), script(home));
      const words = ['-rnmpf', '--mount-proc', '--kill-child', 'bash', join(home, 'script')];
      const { stdout } = await promisify(execFile)('unshare', words, { timeout: LIMIT_MS });
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t'));
      expect(lines[0]).toEqual(['redis-12000.east.local', '127.0.1.1']);
      expect(lines[1]).toEqual(['redis-12001.east.local', expect.stringMatching(/^127\.0\.1\.[12]$/)]);
      expect(lines[2]).toEqual(['node2.east.local', '127.0.1.2']);
      expect(lines[3]?.join()).toMatch(/^Failed to resolve host name 'redis-12999\.east\.local'/);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
});
