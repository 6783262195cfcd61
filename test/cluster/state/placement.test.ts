import { describe, expect, it } from 'vitest';
import { newCluster, shardsOf, type ClusterState } from '../../../src/cluster/state/cluster-state.ts';
import type { DatabaseSettings } from '../../../src/cluster/state/database-settings.ts';
import { endpointsOf } from '../../../src/cluster/state/endpoints.ts';
import { endpointNodes } from '../../../src/cluster/state/placement.ts';
import { wantedOf } from '../../../src/cluster/state/plan.ts';
import { applied, creation, database, refused, testCluster, update } from './fixtures.ts';

const nodesOfShards = (state: ClusterState, uid = 1): number[] => shardsOf(state, uid).map((shard) => shard.nodeUid);
const proxies = (state: ClusterState, uid = 1): number[] =>
  endpointNodes(state, database(state, uid)).map((node) => node.uid);

const made = (settings: Partial<DatabaseSettings>, shardsCount = 3, state = testCluster()): ClusterState =>
  applied(state, creation({ shardsCount, settings }));

describe('the shards of a database', () => {
  it('are placed densely on the node with the fewest, or sparsely over all', () => {
    expect(nodesOfShards(made({}))).toEqual([1, 1, 1]);
    const sparse = made({ shards_placement: 'sparse' }, 5);
    expect(nodesOfShards(sparse)).toEqual([1, 2, 3, 1, 2]);
    const next = applied(sparse, creation({ name: 'next', shardsCount: 2, settings: { shards_placement: 'sparse' } }));
    expect(nodesOfShards(next, 2)).toEqual([3, 1]);
  });

  it('go on to the next node when one is full, and are refused when all are', () => {
    const full = made({}, 150);
    expect(new Set(nodesOfShards(full).slice(0, 100))).toEqual(new Set([1]));
    expect(new Set(nodesOfShards(full).slice(100))).toEqual(new Set([2]));
    const more = creation({ name: 'more', shardsCount: 151, settings: { shards_placement: 'sparse' } });
    expect(refused(full, more)).toMatchObject({ code: 'insufficient_resources' });
  });
});

describe('the endpoint of a database', () => {
  it('is on one node, on those with a primary shard, or on all, as the proxy policy says', () => {
    const sparse = { shards_placement: 'sparse' } as const;
    expect(proxies(made({ ...sparse, proxy_policy: 'single' }, 2))).toEqual([1]);
    expect(proxies(made({ ...sparse, proxy_policy: 'all-master-shards' }, 2))).toEqual([1, 2]);
    expect(proxies(made({ ...sparse, proxy_policy: 'all-nodes' }, 2))).toEqual([1, 2, 3]);
  });

  it('begins with the node that serves it alone under single', () => {
    const state = applied(made({}), creation({ name: 'next', settings: { proxy_policy: 'all-nodes' } }));
    expect(database(state, 2).endpointNodeUid).toBe(2);
    expect(proxies(state, 2)).toEqual([2, 1, 3]);
  });

  it('is all-master-shards for sharded databases and single for others unless somebody chooses', () => {
    expect(database(made({})).settings.proxy_policy).toBe('all-master-shards');
    expect(database(made({}, 1)).settings.proxy_policy).toBe('single');
    expect(database(made({ proxy_policy: 'single' })).settings.proxy_policy).toBe('single');
  });

  it('is what the policy of the cluster says for new databases, and for no others', () => {
    const state = applied(made({}), {
      kind: 'update-cluster',
      edit: {
        settings: {
          default_sharded_proxy_policy: 'all-nodes',
          default_non_sharded_proxy_policy: 'all-master-shards',
          default_shards_placement: 'sparse',
        },
      },
    });
    const more = applied(applied(state, creation({ name: 'two', shardsCount: 2 })), creation({ name: 'three' }));
    const policies = [1, 2, 3].map((uid) => database(more, uid).settings.proxy_policy);
    expect(policies).toEqual(['all-master-shards', 'all-nodes', 'all-master-shards']);
    expect(nodesOfShards(more, 2)).toEqual([2, 3]);
  });

  it('is opened once where nodes share an address', () => {
    const shared = { ...testCluster(), nodes: [1, 2, 3].map((uid) => ({ uid, address: '127.0.0.1' })) };
    expect(proxies(made({ proxy_policy: 'all-nodes' }, 3, shared))).toEqual([1]);
  });

  it('is planned on every node that the policy names, and on no others after a change of policy', () => {
    const state = made({ proxy_policy: 'all-nodes' });
    expect(wantedOf(state).endpoints.map((endpoint) => endpoint.nodeUid)).toEqual([1, 2, 3]);
    const single = applied(state, update(1, { settings: { proxy_policy: 'single' } }));
    expect(wantedOf(single).endpoints.map((endpoint) => endpoint.nodeUid)).toEqual([1]);
  });

  it('has an internal name beside the external one when the cluster was made with private endpoints', () => {
    const { version: _, databases: _1, shards: _2, ...facts } = testCluster();
    const state = made({ proxy_policy: 'all-nodes' }, 2, newCluster({ ...facts, privateEndpoints: true }));
    const addresses = ['127.0.1.1', '127.0.1.2', '127.0.1.3'];
    expect(endpointsOf(state, database(state))).toEqual([
      { uid: '1:1', name: 'redis-10000.east.local', port: 10_000, addresses, kind: 'external' },
      { uid: '1:2', name: 'redis-10000.internal.east.local', port: 10_000, addresses, kind: 'internal' },
    ]);
    expect(endpointsOf(made({}), database(made({})))).toHaveLength(1);
  });
});
