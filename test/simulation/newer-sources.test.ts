/**
 * A source that is newer than its destination: what the destination cannot read stops Replica Of with its name, and the destination keeps
 * what it had; destinations are upgraded first. [RS replica-of: synchronization errors]
 */

import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../../src/resp/reply.ts';
import { FakeSource, type History } from '../support/fake-source.ts';
import { buildDump, rdbEntry, rdbString } from '../support/rdb-bytes.ts';
import { inSimulation } from '../support/sandboxes.ts';

const HOST = '127.9.0.1';
const clusters = [{ name: 'west.local', databases: [{ name: 'copy', shards: 2 }] }];
const readable = rdbEntry(0, 'k', rdbString('v'));
const historyOf = (snapshot: Buffer, stream = ''): History => ({
  replicationId: 'a'.repeat(40),
  offset: 0,
  snapshot,
  stream: Buffer.from(stream, 'latin1'),
});

describe('a source that is newer than its destination', () => {
  it.each([
    ['its dump has a later version', historyOf(buildDump('REDIS0099', readable)), /99/, 1],
    [
      'its dump has a type that nobody knows',
      historyOf(buildDump('REDIS0011', readable, rdbEntry(120, 'new', rdbString('x')))),
      /120/,
      1,
    ],
    [
      'its stream has a command that nobody knows',
      historyOf(buildDump('REDIS0010', readable), encodeRequest(['NEWSET', 'k', 'v'])),
      /NEWSET/,
      1,
    ],
  ] as const)('when %s stops Replica Of by name and leaves data at the destination', (_what, history, text, keys) =>
    // prettier-ignore
    inSimulation({ clusters }, async ({ sandbox, world, connect, wait }) => {
      const west = sandbox.cluster('west.local');
      const copy = west.database('copy');
      const client = await connect(copy);
      expect(await client.ask('SET', 'mine', '1')).toBe('OK');
      const source = new FakeSource({ world, at: { host: HOST, port: 6379 }, history, format: 'sized' });
      await source.listen();
      const edit = { replicaSources: [{ uri: `redis://${HOST}:6379` }], replicaSync: 'enabled' } as const;
      await west.updateDatabase('copy', edit);
      for (let i = 0; i < 100 && copy.status().replicaSync === 'enabled'; i++) await wait(100);
      const { replicaSync, stopped } = copy.status();
      expect([replicaSync, stopped]).toEqual(['stopped', expect.stringMatching(text)]);
      expect(west.control.events.events.map(({ type }) => type)).toContain('replica_src_syncer_general_error');
      expect(copy.status().keys).toBe(keys);
      const hasBegun = history.stream.length > 0;
      expect(await client.ask('EXISTS', hasBegun ? 'k' : 'mine'), 'what was there last stays').toBe(1);
      await source.listener.close();
    }),
  );
});
