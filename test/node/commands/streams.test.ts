import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard } from '../../support/fixtures.ts';
import { collectWrites } from '../../support/writes.ts';

describe('streams', () => {
  it('replicate the id that an entry got and the trimming that came about', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    const writes = collectWrites(test.shard);
    const id = client.call('XADD', 's', '*', 'f', 'v') as string;
    client.call('XADD', 's', 'MAXLEN', '~', '1', 'LIMIT', '5', '18446744073709551615-1', 'f', 'v');
    client.call('XTRIM', 's', 'MAXLEN', '1');
    client.call('XTRIM', 's', 'MAXLEN', '~', '0');
    expect(writes).toEqual([
      `XADD s ${id} f v`,
      'XADD s MAXLEN = 2 18446744073709551615-1 f v',
      'XTRIM s MAXLEN 1',
      'XTRIM s MAXLEN = 0',
    ]);
  });

  it('replicate exact trimming as it was asked for, and approximate trimming without its limit', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    const writes = collectWrites(test.shard);
    client.call('XADD', 's', 'MAXLEN', '1', '1-1', 'f', 'v');
    client.call('XADD', 's', 'MAXLEN', '1', '2-1', 'f', 'v');
    client.call('XADD', 's', 'MINID', '3', '3-1', 'f', 'v');
    client.call('XADD', 's', 'MINID', '=', '4', '4-1', 'f', 'v');
    client.call('XADD', 's', 'LIMIT', '5', 'MAXLEN', '~', '1', 'LIMIT', '7', '5-1', 'f', 'v');
    expect(writes).toEqual([
      'XADD s MAXLEN 1 1-1 f v',
      'XADD s MAXLEN 1 2-1 f v',
      'XADD s MINID 3 3-1 f v',
      'XADD s MINID = 4 4-1 f v',
      'XADD s MAXLEN = 2 5-1 f v',
    ]);
  });

  it('obey a primary that leaves the limit of approximate trimming in its stream', () => {
    using test = testShard({ commands: dataCommands });
    const primary = test.client();
    primary.session.kind = 'primary';
    primary.call('XADD', 's', 'MAXLEN', '=', '2', 'LIMIT', '1', '1-1', 'f', 'v');
    expect(test.client().call('XLEN', 's')).toBe(1);
  });

  it('lose only whole nodes when trimming is approximate', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    for (let i = 1; i <= 250; i++) client.call('XADD', 's', `${i}-1`, 'f', 'v');
    expect(client.call('XTRIM', 's', 'MAXLEN', '~', '120')).toBe(100);
    expect(client.call('XTRIM', 's', 'MAXLEN', '=', '120')).toBe(30);
    expect(client.call('OBJECT', 'ENCODING', 's')).toBe('stream');
  });

  it('serve those who wait with what came after `$`, in a key that is made, deleted and retyped meanwhile', () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ world, commands: dataCommands });
    const [writer, reader, other] = [test.client(), test.client(), test.client()];
    writer.call('XADD', 's', '1-1', 'f', 'old');
    expect(reader.call('XREAD', 'BLOCK', '0', 'STREAMS', 's', '$')).toBeUndefined();
    expect(other.call('XREAD', 'COUNT', '1', 'BLOCK', '0', 'STREAMS', 'x', 's', '$', '$')).toBeUndefined();
    writer.call('DEL', 's');
    writer.call('SET', 's', 'no stream');
    writer.call('DEL', 's');
    expect([reader.replies, other.replies]).toEqual([[], []]);
    writer.call('XADD', 's', '2-1', 'f', 'new');
    const expected = [['s', [['2-1', ['f', 'new']]]]];
    expect([reader.replies.splice(0), other.replies.splice(0)]).toEqual([[expected], [expected]]);
  });

  it('read the last entry by `+`', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    expect(client.call('XREAD', 'STREAMS', 's', '+')).toBeNull();
    client.call('XADD', 's', '1-1', 'f', 'a');
    client.call('XADD', 's', '2-1', 'f', 'b');
    expect(client.call('XREAD', 'STREAMS', 's', '+')).toEqual([['s', [['2-1', ['f', 'b']]]]]);
  });
});
