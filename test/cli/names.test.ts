import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Home } from '../support/program-home.ts';
import { programAvailable } from '../support/programs.ts';

/** Everybody on this machine shares one multicast group: the names of this run are its own. */
const EAST = `east-${process.pid}.local`;
const WEST = `west-${process.pid}.example.com`;
const NAME = `redis-12000.${EAST}`;

const started = async (home: Home, more = ''): Promise<readonly string[]> => {
  const file = await home.config(`clusters:
  - name: ${EAST}
    subnet: ${home.subnets[0]}
    nodes: 2
    private_endpoints: true
    ${more}
    databases: [{ name: orders, port: 12000, proxy_policy: all-nodes }]
  - name: ${WEST}
    subnet: ${home.subnets[1]}
    databases: [{ name: copy, port: 12000 }]
`);
  const up = home.start('up', '--json', '--config', file);
  expect(JSON.parse(await up.firstLine)).toMatchObject({ ready: true });
  return [1, 2].map((node) => `${home.subnets[0]}.${node}`);
};

describe('antipode resolve', () => {
  it('asks DNS and mDNS of the running sandbox and prints the addresses', async () => {
    await using home = await Home.make();
    const addresses = await started(home);
    const plain = await home.run('resolve', `${NAME.toUpperCase()}.`);
    expect(plain).toMatchObject({ code: 0, stdout: `${addresses.join('\n')}\n`, stderr: '' });
    const { stdout } = await home.run('resolve', `redis-12000.internal.${EAST}`, '--json');
    const read = JSON.parse(stdout) as { addresses: string[]; asked: { at: string; ttl?: number }[] };
    expect(read).toMatchObject({ addresses, trouble: '' });
    expect(read.asked[0]).toMatchObject({ addresses, ttl: 5 });
    expect(read.asked[1]?.at).toBe('224.0.0.251:5353');
  });

  it('says of a miss why, and what there is', async () => {
    await using home = await Home.make();
    await started(home);
    const unknown = await home.run('resolve', `redis-1.${EAST}`);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain(
      `${EAST} has no such name; its endpoints are ${NAME}, redis-12000.internal.${EAST}`,
    );
    const foreign = await home.run('resolve', 'redis-12000.nowhere.local', '--json');
    expect(foreign).toMatchObject({ code: 1 });
    expect(foreign.stderr).toContain(`belongs to no cluster of the running sandbox; its clusters are ${EAST}, ${WEST}`);
  });

  it('says that clients have no multicast DNS', async () => {
    await using home = await Home.make();
    await started(home, 'mdns_missing: { clients: true }');
    const missed = await home.run('resolve', NAME);
    expect(missed).toMatchObject({ code: 1, stdout: '' });
    expect(missed.stderr).toContain('mdns_missing has clients; turn that off, or use an address');
  });

  it('says that no sandbox is running', async () => {
    await using home = await Home.make();
    expect((await home.run('resolve', NAME)).stderr).toMatch(/no sandbox is running .* start one: antipode up/);
  });
});

describe.skipIf(!programAvailable('dig', '-v'))('dig', () => {
  it('finds an endpoint of a running sandbox on each of its nodes, and its name servers with their addresses', async () => {
    await using home = await Home.make();
    const addresses = await started(home);
    const { services } = JSON.parse((await home.run('names', '--json')).stdout) as {
      services: { cluster: string; dns: { host: string; port: number }[] }[];
    };
    const dig = async (at: { host: string; port: number }, ...words: string[]): Promise<string[]> => {
      const asked = [`@${at.host}`, '-p', String(at.port), '+noall', '+answer', '+additional', ...words];
      const { stdout } = await promisify(execFile)('dig', asked);
      return stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/).join(' '))
        .toSorted();
    };
    const [east, west] = services;
    expect(east?.dns.map(({ host }) => host)).toEqual(addresses);
    const endpoint = addresses.map((address) => `${NAME}. 5 IN A ${address}`);
    for (const server of east!.dns) expect(await dig(server, NAME)).toEqual(endpoint);
    expect(await dig(east!.dns[0]!, '+tcp', NAME)).toEqual(endpoint);
    expect(await dig(west!.dns[0]!, 'NS', WEST)).toEqual([
      `node1.${WEST}. 5 IN A ${home.subnets[1]}.1`,
      `${WEST}. 5 IN NS node1.${WEST}.`,
    ]);
  });
});

describe('antipode names', () => {
  it('prints every endpoint with its addresses, lines for /etc/hosts, and advice for this sandbox', async () => {
    await using home = await Home.make();
    const addresses = await started(home);
    const { stdout } = await home.run('names');
    expect(stdout).toContain(`${NAME}:12000  ${addresses.join(', ')}  (orders)`);
    expect(stdout).toMatch(new RegExp(`server=/${EAST}/${addresses[0]}#(53|1053)\n`));
    expect(stdout).toContain(`/etc/resolver/${WEST}`);
    expect(stdout).toContain(`for ${EAST}: install libnss-mdns`);
    const hosts = (await home.run('names', '--hosts')).stdout.trim().split('\n');
    expect(hosts).toContain(`${addresses[1]} ${NAME}`);
    expect(hosts).toHaveLength(5);
    const { names } = JSON.parse((await home.run('names', '--json')).stdout) as { names: { name: string }[] };
    expect(names.map(({ name }) => name)).toContain(`redis-12000.${WEST}`);
  });
});

describe('a Node.js program', () => {
  const inHome = async (home: Home, text: string): Promise<string> => {
    const file = join(home.directory, 'program.mjs');
    await writeFile(file, text);
    return file;
  };
  const built = (file: string): string => pathToFileURL(join('dist/src/cli', file)).href;

  it('resolves the names with the preload module, and all others as ever', async () => {
    await using home = await Home.make();
    const addresses = await started(home);
    const program = await inHome(
      home,
      `import net from 'node:net';
      import { lookup, promises } from 'node:dns';
      import { promisify } from 'node:util';
      const socket = net.connect({ host: '${NAME}', port: 12000 });
      socket.write('PING\\r\\n');
      const reply = await new Promise((resolve) => socket.once('data', (data) => resolve(String(data).trim())));
      socket.destroy();
      const missed = (work) => work.catch((error) => error.code);
      console.log(JSON.stringify([
        reply,
        (await promises.lookup('${NAME}', { all: true })).map(({ address }) => address).sort(),
        (await promisify(lookup)('${NAME}')).family,
        (await promises.lookup('127.0.0.1')).address,
        await missed(promises.lookup('${NAME}', 6)),
        await missed(promises.lookup('redis-1.${EAST}')),
        await missed(promises.lookup('redis-1.nowhere.invalid')),
      ]));`,
    );
    const { stdout, stderr } = await home.runNode('--import', built('preload.js'), program);
    expect(JSON.parse(stdout || stderr)).toEqual([
      '+PONG',
      addresses,
      4,
      '127.0.0.1',
      'ENOTFOUND',
      'ENOTFOUND',
      expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    ]);
  });

  it('passes lookup to whoever takes it, and changes nothing else', async () => {
    await using home = await Home.make();
    await started(home);
    const program = await inHome(
      home,
      `import net from 'node:net';
      import dns from 'node:dns';
      import { lookup } from '${built('lookup.js')}';
      const ask = (options) => new Promise((resolve) => {
        const socket = net.connect({ host: '${NAME}', port: 12000, ...options });
        socket.once('error', (error) => resolve(error.code));
        socket.once('connect', () => { socket.destroy(); resolve('connected'); });
      });
      console.log(await ask({ lookup }), await ask({}), dns.lookup === lookup);`,
    );
    const { stdout } = await home.runNode(program);
    expect(stdout).toMatch(/^connected (ENOTFOUND|EAI_AGAIN) false\n$/);
  });
});
