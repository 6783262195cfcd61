import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/sandbox/config-file.ts';

const problems = (text: string): string[] => {
  const read = readConfig(text);
  if (read.ok) throw new Error('the config was accepted');
  return read.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
};

const CLUSTER = 'clusters:\n  - name: east.local\n    databases:\n      - name: orders\n';

describe('a config file', () => {
  it('says what the library says, spelled as in the REST API', () => {
    const read = readConfig(`${CLUSTER}        port: 12000
        shards: 2
        memory_size: 100mb
        password: 12345
        tls_mode: replica_ssl
        enforce_client_authentication: false
        replica_of: redis://:p%40ss@127.0.0.1:6379
  - name: West.Local.
    nodes: 3
    subnet: 127.0.7
    databases:
      - name: copy
        replica_of:
          - east.local/orders
          - url: redis://10.0.0.1:6379
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
                { url: 'redis://10.0.0.1:6379', encryption: true, serverCertificate: 'pem' },
              ],
            },
          ],
        },
      ],
    });
    expect(read.where(['clusters', 1, 'databases', 0, 'replica_of', 0])).toEqual({ line: 18, column: 13 });
    expect(read.where(['clusters', 1, 'databases', 0, 'shards'])).toEqual({ line: 16, column: 9 });
  });

  it.each([
    [
      'a wrong type',
      `${CLUSTER}        shards: many\n`,
      /^5:17 clusters\.0\.databases\.0\.shards: .*number.*\(given: "many"\)/,
    ],
    ['a number out of range', `${CLUSTER}        port: 70000\n`, /^5:15 .*65535/],
    ['an unknown key', `${CLUSTER}        shardz: 2\n`, /^5:9 clusters\.0\.databases\.0: unknown key "shardz"/],
    ['a key twice', `${CLUSTER}        name: b\n`, /^5:9 .*unique/],
    ['a missing name', 'clusters:\n  - nodes: 1\n', /^2:5 clusters\.0\.name/],
    ['a bad cluster name', 'clusters:\n  - name: east\n', /^2:11 .*two labels/],
    ['an amount of memory that is none', `${CLUSTER}        memory_size: much\n`, /^5:22 .*100mb/],
    ['a subnet outside loopback', 'clusters:\n  - name: a.local\n    subnet: 10.0.0\n', /^3:13 .*127/],
    ['broken YAML', 'clusters:\n  - name: "east\n', /^[23]:\d+ /],
    ['an unknown alias', 'clusters: *nobody\n', /^1:1 .*nobody/],
    ['an empty file', '', /^1:1 /],
  ])('is refused with line and column for %s', (_, text, words) => {
    expect(problems(text)[0]).toMatch(words);
  });

  it('tells every problem, not only the first', () => {
    expect(problems(`${CLUSTER}        shards: 0\n        port: 0\n`)).toHaveLength(2);
  });
});
