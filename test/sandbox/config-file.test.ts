import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/sandbox/config-file.ts';

const problems = (text: string): string[] => {
  const read = readConfig(text);
  if (read.ok) throw new Error('the config was accepted');
  return read.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
};

const CLUSTER = 'clusters:\n  - name: east.local\n    databases:\n      - name: orders\n';

describe('a config file', () => {
  it('places endpoints, and says who cannot resolve names', () => {
    const read = readConfig(`clusters:
  - name: east.local
    nodes: 3
    private_endpoints: true
    mdns_missing: { nodes: [1, 3], clients: true }
    services: { mdns_server: disabled }
    databases: [{ name: orders, proxy_policy: all-nodes, shards_placement: sparse }]
`);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    expect(read.config.clusters[0]).toMatchObject({
      privateEndpoints: true,
      mdnsMissing: { nodes: [1, 3], clients: true },
      services: { mdns_server: 'disabled' },
      databases: [{ settings: { proxy_policy: 'all-nodes', shards_placement: 'sparse' } }],
    });
  });

  it('names the keys of services and of mdns_missing to who misspells one', () => {
    const east = 'clusters:\n  - name: east.local\n';
    expect(problems(`${east}    mdns_missing: { node: 1 }\n`)).toEqual([
      '3:21 clusters.0.mdns_missing: unknown key "node"; there are: nodes, clients',
    ]);
    expect(problems(`${east}    mdns_missing: { nodes: none }\n`)[0]).toMatch(/must be all, or a list of node numbers/);
    expect(problems(`${east}    services: { mdns: disabled }\n`)[0]).toMatch(/unknown key "mdns"; .*mdns_server/);
  });

  it('says what the library says, spelled as in the REST API', () => {
    const read = readConfig(`${CLUSTER}        port: 12000
        shards: 2
        memory_size: 100mb
        password: 12345
        tls_mode: replica_ssl
        enforce_client_authentication: false
        proxy_policy: all-nodes
        max_connections: 7
        replica_of: redis://:p%40ss@127.0.0.1:6379
  - name: West.Local.
    nodes: 3
    subnet: 127.0.7
    databases:
      - name: copy
        replica_of:
          - east.local/orders
          - url: redis://10.0.0.1:6379
            compression: 3
            encryption: true
            server_cert: pem
`);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    expect(read.config).toEqual({
      clusters: [
        {
          name: 'east.local',
          databases: [
            {
              name: 'orders',
              port: 12_000,
              shards: 2,
              memorySizeBytes: 104_857_600,
              password: '12345',
              tlsMode: 'replica_ssl',
              enforceClientAuthentication: false,
              settings: { proxy_policy: 'all-nodes', max_connections: 7 },
              replicaOf: ['redis://:p%40ss@127.0.0.1:6379'],
            },
          ],
        },
        {
          name: 'west.local',
          nodes: 3,
          subnet: '127.0.7',
          databases: [
            {
              name: 'copy',
              replicaOf: [
                'east.local/orders',
                { url: 'redis://10.0.0.1:6379', compression: 3, encryption: true, serverCertificate: 'pem' },
              ],
            },
          ],
        },
      ],
    });
    expect(read.where(['clusters', 1, 'databases', 0, 'replica_of', 0])).toEqual({ line: 20, column: 13 });
    expect(read.where(['clusters', 1, 'databases', 0, 'shards'])).toEqual({ line: 18, column: 9 });
  });

  it.each([
    [
      'a wrong type',
      `${CLUSTER}        shards: many\n`,
      /^5:17 clusters\.0\.databases\.0\.shards: .*number.*\(given: "many"\)/,
    ],
    ['a number out of range', `${CLUSTER}        port: 70000\n`, /^5:15 .*65535/],
    ['a setting that has no such value', `${CLUSTER}        proxy_policy: some\n`, /^5:23 .*not one of single/],
    ['an unknown key', `${CLUSTER}        shardz: 2\n`, /^5:9 clusters\.0\.databases\.0: unknown key "shardz"/],
    ['a key twice', `${CLUSTER}        name: b\n`, /^5:9 .*unique/],
    ['a missing name', 'clusters:\n  - nodes: 1\n', /^2:5 clusters\.0\.name/],
    ['a bad cluster name', 'clusters:\n  - name: east\n', /^2:11 .*two labels/],
    ['an amount of memory that is none', `${CLUSTER}        memory_size: much\n`, /^5:22 .*100mb/],
    ['a subnet outside loopback', 'clusters:\n  - name: a.local\n    subnet: 10.0.0\n', /^3:13 .*127/],
    ['broken YAML', 'clusters:\n  - name: "east\n', /^[23]:\d+ /],
    ['an unknown alias', 'clusters: *nobody\n', /^1:11 .*nobody/],
    ['an empty file', '', /^1:1 the file: empty; the least is clusters:/],
    ['a number that is out of range', `${CLUSTER}        shards: 0\n`, /^5:17 .*must be at least 1 \(given: 0\)/],
    ['an unknown key', `${CLUSTER}        shardz: 2\n`, /there are: name, port, shards, /],
    ['an alias without anchor', `${CLUSTER}        password: *nobody\n`, /^5:19 .*nobody/],
    ['two documents', `${CLUSTER}---\n${CLUSTER}`, /^5:1 a second document/],
    ['a subnet that is no address', 'clusters:\n  - name: a.local\n    subnet: 127.300.1\n', /^3:13 .*127\.300\.1/],
    [
      'an unknown key of a source',
      `${CLUSTER}        replica_of:\n          - url: a\n            tls: true\n`,
      /^7:13 .*unknown key "tls"; there are: url, compression, encryption/,
    ],
    [
      'an unknown key of a lone source',
      `${CLUSTER}        replica_of: { url: a, tls: true }\n`,
      /^5:31 .*unknown key "tls"/,
    ],
    [
      'a source that is a number',
      `${CLUSTER}        replica_of: [5]\n`,
      /^5:22 .*cluster\/database, redis:\/\/host:port, or keys with url \(given: 5\)/,
    ],
    [
      'a password that is no text',
      `${CLUSTER}        password: true\n`,
      /^5:19 .*must be text \(given: true\); put it in quotes/,
    ],
    ['a password that is missing', `${CLUSTER}        password:\n`, /^5:18 .*must be text/],
    [
      'a name that is a number',
      'clusters:\n  - name: a.local\n    databases: [{ name: 7 }]\n',
      /must be text \(given: 7\); put it in quotes/,
    ],
  ])('is refused with line and column for %s', (_, text, words) => {
    expect(problems(text)[0]).toMatch(words);
  });

  it.each([
    ['0123', '0123'],
    ['1e5', '1e5'],
    ['"x"', 'x'],
  ])('takes the password %s as it is written', (written, password) => {
    const read = readConfig(`${CLUSTER}        password: ${written}\n`);
    expect(read).toMatchObject({ ok: true, config: { clusters: [{ databases: [{ password }] }] } });
  });

  it('tells every problem, not only the first', () => {
    expect(problems(`${CLUSTER}        shards: 0\n        port: 0\n`)).toHaveLength(2);
  });
});
