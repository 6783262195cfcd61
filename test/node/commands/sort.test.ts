import { describe, expect, it } from 'vitest';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { listCommands } from '../../../src/node/commands/lists.ts';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { sortCommands } from '../../../src/node/commands/sort.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { testShard } from '../../support/fixtures.ts';
import { collectWrites } from '../../support/writes.ts';

const commands = [...sortCommands, ...listCommands, ...setCommands, ...hashCommands, ...stringCommands, ...keyCommands];

describe('SORT', () => {
  it('replicates what it stored where equal texts leave the order to chance, otherwise itself', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SADD', 's', 'b', 'a', 'c');
    const writes = collectWrites(test.shard);
    client.call('SORT', 's', 'BY', 'w_*', 'ALPHA', 'STORE', 'd');
    client.call('SORT', 's', 'BY', 'w_*', 'STORE', 'd');
    client.call('SORT', 's', 'ALPHA', 'STORE', 'd');
    client.call('SORT', 's', 'BY', 'w_*', 'ALPHA', 'LIMIT', '5', '1', 'STORE', 'd');
    expect(writes).toEqual([
      'MULTI',
      'DEL d',
      'RPUSH d a b c',
      'EXEC',
      'SORT s BY w_* STORE d',
      'SORT s ALPHA STORE d',
      'SORT s BY w_* ALPHA LIMIT 5 1 STORE d',
    ]);
  });

  it('orders by other keys, hash fields too, and returns what others hold', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('RPUSH', 'l', 'a', 'b', 'c');
    client.call('MSET', 'w_a', '3', 'w_b', '1', 'w_c', '2');
    client.call('HSET', 'h_a', 'name', 'Anna', 'age', '10');
    client.call('HSET', 'h_c', 'name', 'Cleo', 'age', '9');
    expect(client.call('SORT', 'l', 'BY', 'w_*')).toEqual(['b', 'c', 'a']);
    expect(client.call('SORT', 'l', 'BY', 'w_*', 'DESC', 'LIMIT', '0', '2')).toEqual(['a', 'c']);
    const names = ['SORT', 'l', 'BY', 'h_*->age', 'GET', '#', 'GET', 'h_*->name', 'GET', 'nostar'];
    expect(client.call(...names)).toEqual(['b', null, null, 'c', 'Cleo', null, 'a', 'Anna', null]);
  });

  it('puts elements without a weight first when it compares text, and equal ones in byte order', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('RPUSH', 'l', 'd', 'c', 'b', 'a');
    client.call('MSET', 'w_a', 'x', 'w_b', 'x');
    expect(client.call('SORT', 'l', 'BY', 'w_*', 'ALPHA')).toEqual(['c', 'd', 'a', 'b']);
  });

  it('keeps the order of a list when told not to sort, and sorts a set even so when it stores', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('RPUSH', 'l', '3', '1', '2');
    client.call('SADD', 's', 'c', 'a', 'b');
    expect(client.call('SORT', 'l', 'BY', 'nosort')).toEqual(['3', '1', '2']);
    expect(client.call('SORT', 'l', 'BY', 'nosort', 'DESC')).toEqual(['2', '1', '3']);
    expect(client.call('SORT', 's', 'BY', 'nosort', 'STORE', 'd')).toBe(3);
    expect(client.call('LRANGE', 'd', '0', '-1')).toEqual(['a', 'b', 'c']);
  });

  it('stores a list, empty texts for what is not there, and removes the key when there is nothing', () => {
    using test = testShard({ commands });
    const writes = collectWrites(test.shard);
    const client = test.client();
    client.call('RPUSH', 'l', '2', '1');
    client.call('SET', 'v1', 'one', 'EX', '100');
    client.call('SET', 'd', 'old', 'EX', '100');
    expect(client.call('SORT', 'l', 'GET', 'v*', 'STORE', 'd')).toBe(2);
    expect(client.call('LRANGE', 'd', '0', '-1')).toEqual(['one', '']);
    expect(client.call('TTL', 'd')).toBe(-1);
    expect(client.call('SORT', 'none', 'STORE', 'd')).toBe(0);
    expect(client.call('EXISTS', 'd')).toBe(0);
    expect(writes.slice(-2)).toEqual(['SORT l GET v* STORE d', 'SORT none STORE d']);
  });

  it('refuses text where it needs numbers', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('RPUSH', 'l', '1', 'x');
    expect(client.bytes('SORT', 'l')).toBe("-ERR One or more scores can't be converted into double\r\n");
    expect(client.bytes('SORT_RO', 'l', 'STORE', 'd')).toBe('-ERR syntax error\r\n');
  });

  it('finds its destination among the words, wherever it stands', () => {
    const sort = sortCommands.find((command) => command.name === 'SORT')!;
    expect(sort.keyPositions(['SORT', 'l', 'BY', 'STORE', 'STORE', 'd', 'ALPHA'])).toEqual([1, 5]);
    expect(sort.keyPositions(['SORT', 'l', 'LIMIT', '0', 'STORE'])).toEqual([1]);
  });
});
