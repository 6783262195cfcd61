import { describe, expect, it } from 'vitest';
import { SHARDS_PER_NODE_MAX, shardsOf, sourceUrlOf } from '../../../src/cluster/state/cluster-state.ts';
import { applied, certificates, creation, database, NOW_MS, refused, SECRET, testCluster, update } from './fixtures.ts';

const state = testCluster();

describe('creating a database', () => {
  it('gives it a uid, a free port, shards and the passwords of the change', () => {
    const after = applied(state, creation({ shardsCount: 3 }));
    expect(database(after)).toMatchObject({
      uid: 1,
      status: 'pending',
      port: 10_000,
      portWished: false,
      sharding: true,
    });
    expect(shardsOf(after, 1).map(({ uid, port, nodeUid }) => [uid, port, nodeUid])).toEqual([
      [1, 20_000, 1],
      [2, 20_001, 1],
      [3, 20_002, 1],
    ]);
    expect(sourceUrlOf(after, database(after))).toBe(`redis://admin:${SECRET}@redis-10000.east.local:10000`);
    expect(after.version).toBe(state.version + 1);
  });

  it('begins on the node with the fewest shards', () => {
    const once = applied(state, creation({ shardsCount: 2 }));
    const twice = applied(once, creation({ name: 'second' }));
    expect(shardsOf(twice, 2)[0]?.nodeUid).toBe(2);
    expect(database(twice, 2).endpointNodeUid).toBe(2);
  });

  it('goes on to another node only when one is full', () => {
    const after = applied(state, creation({ shardsCount: SHARDS_PER_NODE_MAX + 1 }));
    expect(shardsOf(after, 1).filter((shard) => shard.nodeUid === 1)).toHaveLength(SHARDS_PER_NODE_MAX);
    expect(shardsOf(after, 1).at(-1)?.nodeUid).toBe(2);
  });

  it('refuses more shards than the nodes can hold', () => {
    expect(refused(testCluster(1), creation({ shardsCount: SHARDS_PER_NODE_MAX + 1 })).code).toBe(
      'insufficient_resources',
    );
  });

  it.each([
    ['no name', { name: '' }, 'missing_db_name'],
    ['a name with a space', { name: 'my orders' }, 'name_violation'],
    ['a name that ends in a hyphen', { name: 'orders-' }, 'name_violation'],
    ['a name of 64 characters', { name: 'n'.repeat(64) }, 'name_violation'],
    ['no memory size', { memorySizeBytes: undefined }, 'missing_memory_size'],
    ['a negative memory size', { memorySizeBytes: -1 }, 'missing_memory_size'],
    ['the reserved port', { port: 10_050 }, 'port_unavailable'],
    ['the port of the REST API', { port: 9443 }, 'port_unavailable'],
    ['a port of shards', { port: 20_007 }, 'port_unavailable'],
    ['a port beyond 65535', { port: 70_000 }, 'port_unavailable'],
    ['no shards', { shardsCount: 0 }, 'invalid_sharding'],
    ['513 shards', { shardsCount: 513 }, 'invalid_sharding'],
    ['two shards without sharding', { shardsCount: 2, sharding: false }, 'invalid_sharding'],
    ['a hashing rule without a tag', { hashingRules: [{ regex: 'x' }] }, 'invalid_sharding'],
    ['an empty password', { passwords: [''] }, 'invalid_password'],
    ['client authentication without a certificate', { tlsMode: 'enabled' as const }, 'invalid_certificate'],
    ['a client certificate that is none', { clientCertificates: ['x'] }, 'invalid_certificate'],
  ])('refuses %s', (_, wish, code) => {
    expect(refused(state, creation(wish)).code).toBe(code);
  });

  it('refuses a taken name, port and uid, and names who has them', () => {
    const taken = applied(state, creation({ port: 12_000 }));
    expect(refused(taken, creation())).toMatchObject({
      code: 'name_violation',
      description: expect.stringContaining('database 1'),
    });
    expect(refused(taken, creation({ name: 'b', port: 12_000 }))).toMatchObject({
      code: 'port_unavailable',
      description: expect.stringContaining('"orders"'),
    });
    expect(refused(taken, creation({ name: 'b', uid: 1 })).code).toBe('uid_exists');
  });

  it('passes over reserved and taken ports when it chooses one', () => {
    const taken = applied(state, creation({ port: 10_000 }));
    expect(database(applied(taken, creation({ name: 'b' })), 2).port).toBe(10_001);
  });

  it('refuses a client certificate twice, and an expired one', () => {
    const { certificate } = certificates.syncer;
    const tls = { tlsMode: 'enabled' as const };
    expect(refused(state, creation({ ...tls, clientCertificates: [certificate, certificate] })).code).toBe(
      'duplicated_certs',
    );
    const later = { ...creation({ ...tls, clientCertificates: [certificate] }), atMs: NOW_MS + 400 * 86_400_000 };
    expect(refused(state, later).code).toBe('certificate_expired');
    expect(database(applied(state, creation({ ...tls, clientCertificates: [certificate] }))).tlsMode).toBe('enabled');
  });
});

describe('changing a database', () => {
  const created = applied(applied(state, creation({ port: 12_000, shardsCount: 2 })), {
    kind: 'database-ready',
    uid: 1,
  });

  it('is pending until the reconciler says it is done', () => {
    const changed = applied(created, update(1, { passwords: ['secret'] }));
    expect(database(changed)).toMatchObject({ status: 'active-change-pending', passwords: ['secret'] });
    expect(database(applied(changed, { kind: 'database-ready', uid: 1 })).status).toBe('active');
  });

  it('accepts what it is already, and refuses what is fixed at creation', () => {
    expect(database(applied(created, update(1, { port: 12_000, shardsCount: 2, sharding: true }))).port).toBe(12_000);
    expect(refused(created, update(1, { port: 12_001 })).code).toBe('port_unavailable');
    expect(refused(created, update(1, { shardsCount: 4 })).code).toBe('invalid_sharding');
    expect(refused(created, update(1, { replicaReadOnly: true })).code).toBe('invalid_replication');
  });

  it('counts the regenerations of the internal password', () => {
    const adminPassword = 'T'.repeat(48);
    const after = applied(created, { kind: 'regenerate-password', atMs: NOW_MS, uid: 1, adminPassword });
    expect(database(after)).toMatchObject({ adminPassword, adminPasswordEpoch: 1, status: 'active-change-pending' });
  });

  it('refuses a database that does not exist', () => {
    expect(refused(created, update(9, {})).code).toBe('db_not_exist');
  });
});

describe('deleting a database', () => {
  const created = applied(applied(state, creation()), { kind: 'database-ready', uid: 1 });
  const deleting = applied(created, { kind: 'delete-database', atMs: NOW_MS, uid: 1 });

  it('keeps name, port and shards until it is gone', () => {
    expect(database(deleting).status).toBe('delete-pending');
    expect(refused(deleting, creation()).code).toBe('name_violation');
    const gone = applied(deleting, { kind: 'database-removed', uid: 1 });
    expect(gone.databases).toEqual([]);
    expect(gone.shards).toEqual([]);
    expect(database(applied(gone, creation()), 2).name).toBe('orders');
  });

  it('refuses further changes as busy', () => {
    expect(refused(deleting, update(1, {})).code).toBe('busy');
    expect(refused(deleting, { kind: 'delete-database', atMs: NOW_MS, uid: 1 }).code).toBe('busy');
  });

  it('ignores late messages about a database that is gone', () => {
    const gone = applied(deleting, { kind: 'database-removed', uid: 1 });
    expect(applied(gone, { kind: 'database-ready', uid: 1 })).toBe(gone);
    expect(applied(gone, { kind: 'database-troubled', uid: 1, trouble: 'x' })).toBe(gone);
  });
});

describe('trouble', () => {
  it('is shown, fails a creation, and goes away when the database is ready', () => {
    const created = applied(state, creation());
    const troubled = applied(created, { kind: 'database-troubled', uid: 1, trouble: 'port in use' });
    expect(database(troubled)).toMatchObject({ status: 'creation-failed', trouble: 'port in use' });
    expect(database(applied(troubled, { kind: 'database-ready', uid: 1 }))).toMatchObject({
      status: 'active',
      trouble: '',
    });
  });
});
