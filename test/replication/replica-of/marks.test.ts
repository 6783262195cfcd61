/** Marks that a shard keeps for whoever replicates into it: never one behind a write that is missing. */

import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { markCommands } from '../../../src/replication/replica-of/marks.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

const MARK = 'a'.repeat(40);
const at = (offset: number): string => `${MARK} ${offset} 0`;

function batch(client: TestClient, offset: number, ...writes: string[][]): void {
  client.call('MULTI');
  for (const words of writes) client.call(...words);
  client.call('ANTIPODE', 'MARK', '1/0', at(offset));
  client.call('EXEC');
}

describe('marks of a shard', () => {
  const setUp = (): { client: TestClient; next: () => TestClient } => {
    const { client: next } = testShard({ commands: [...dataCommands, ...markCommands] });
    const client = next();
    client.call('ANTIPODE', 'MARKS');
    return { client, next };
  };
  const spoiled = ['spoiled', expect.stringContaining('refused')];

  it('follow the writes they come with', () => {
    const { client, next } = setUp();
    batch(client, 10, ['SET', 'a', '1']);
    batch(client, 20, ['SET', 'a', '2']);
    expect(next().call('ANTIPODE', 'MARKS')).toEqual(['1/0', at(20)]);
  });

  it('say that all is spoiled when a write of their own batch was refused as it ran', () => {
    const { client, next } = setUp();
    batch(client, 10, ['SET', 'a', '1']);
    batch(client, 20, ['RPUSH', 'a', 'x'], ['SET', 'b', '2']);
    expect(next().call('ANTIPODE', 'MARKS')).toEqual(spoiled);
  });

  it('stay before a batch that was refused as a whole, and are spoiled by one that is applied behind it', () => {
    const { client, next } = setUp();
    batch(client, 10, ['SET', 'a', '1']);
    batch(client, 20, ['NO-SUCH-COMMAND']);
    expect(next().call('ANTIPODE', 'MARKS')).toEqual(['1/0', at(10)]);
    batch(client, 30, ['SET', 'a', '3']);
    batch(client, 40, ['SET', 'a', '4']);
    expect(next().call('ANTIPODE', 'MARKS')).toEqual(spoiled);
  });

  it('are spoiled for everybody until they are forgotten', () => {
    const { client, next } = setUp();
    batch(client, 20, ['RPUSH', 'a', 'x'], ['INCR', 'a']);
    const later = next();
    expect(later.call('ANTIPODE', 'MARKS')).toEqual(spoiled);
    batch(later, 30, ['SET', 'a', '1']);
    expect(later.call('ANTIPODE', 'MARKS')).toEqual(spoiled);
    later.call('ANTIPODE', 'UNMARK');
    batch(later, 40, ['SET', 'a', '1']);
    expect(later.call('ANTIPODE', 'MARKS')).toEqual(['1/0', at(40)]);
  });

  it('do not mind what was refused before anybody asked for them', () => {
    const { next } = setUp();
    const client = next();
    client.call('CLIENT', 'KILL', 'ID', 'none');
    client.call('ANTIPODE', 'MARKS');
    batch(client, 10, ['SET', 'a', '1']);
    expect(client.call('ANTIPODE', 'MARKS')).toEqual(['1/0', at(10)]);
  });
});
