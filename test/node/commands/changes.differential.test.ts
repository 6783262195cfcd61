/** How many changes a command counts for `save` and `rdb_changes_since_last_save`: elements, not keys. Judged by a redis-server. */

import { expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';

/** Each finds what those before it left. */
const REQUESTS = [
  'SET a 1', 'SET a 1 GET', 'SETNX a 2', 'SETNX b 2', 'SETEX c 100 v', 'GETSET a 2', 'GETDEL a', 'GETDEL a', 'SET a 1', 'GETEX a EX 100',
  'GETEX a PERSIST', 'GETEX a', 'APPEND a 123', 'APPEND a', 'SETRANGE a 1 xx', 'SETBIT bits 7 1', 'INCR n', 'INCRBY n 5', 'INCRBYFLOAT n 1.5',
  'MSET a 1 b 2 c 3', 'MSETNX x 1 y 2', 'DEL a b zz', 'UNLINK c x', 'RPUSH l a b c d e f g h', 'LPUSH l 1 2 3', 'LPUSHX l z z', 'LPUSHX nol z',
  'RPUSHX l y', 'LINSERT l BEFORE a Q', 'LSET l 0 w', 'LREM l 0 z', 'LPOP l', 'LPOP l 2', 'RPOP l 1', 'LTRIM l 1 3', 'LTRIM l 0 -1', 'LTRIM l 5 1',
  'RPUSH l 1', 'LPOP l', 'RPUSH l 1 2', 'LMOVE l l2 LEFT RIGHT', 'LMOVE l l2 LEFT RIGHT', 'LMOVE l2 l2 LEFT RIGHT', 'RPOPLPUSH l2 l',
  'RPOPLPUSH l2 l', 'LMPOP 1 l LEFT COUNT 5', 'RPUSH l 1 2 3', 'LMPOP 1 l LEFT COUNT 2', 'SADD s a b c d e f', 'SADD s a', 'SREM s a b zz',
  'SREM s zz', 'SMOVE s s2 c', 'SMOVE s s2 zz', 'SADD s 1 2 3 4 5', 'SADD s1 a b c', 'SADD s2 b c d', 'SUNIONSTORE s3 s1 s2', 'SINTERSTORE s3 s1 s2',
  'SDIFFSTORE s3 s1 s2', 'SDIFFSTORE s3 none', 'SDIFFSTORE s3 none', 'ZADD z 1 a 2 b 3 c', 'ZADD z 1 a', 'ZADD z 2 a 5 d', 'ZADD z XX CH 9 a',
  'ZINCRBY z 1 a', 'ZREM z a b zz', 'ZADD z 1 a 2 b 3 c 4 d 5 e', 'ZPOPMIN z', 'ZPOPMAX z 2', 'ZMPOP 1 z MIN COUNT 2', 'ZADD z 1 a 2 b 3 c 4 d 5 e',
  'ZREMRANGEBYRANK z 0 1', 'ZREMRANGEBYSCORE z 3 3', 'ZREMRANGEBYLEX z - +', 'ZADD z 1 a 2 b 3 c 4 d 5 e', 'ZRANGESTORE z2 z 0 2',
  'ZRANGESTORE z2 z 100 200', 'ZUNIONSTORE z3 1 z', 'ZINTERSTORE z3 2 z none', 'HSET h a 1 b 2 c 3', 'HSET h a 1', 'HSETNX h a 1', 'HSETNX h d 1',
  'HMSET h a 1 b 2', 'HDEL h a b zz', 'HINCRBY h c 1', 'HINCRBYFLOAT h c 1.5', 'EXPIRE h 100', 'PERSIST h', 'PERSIST h', 'EXPIRE none 100',
  'EXPIRE h -1', 'SET k v', 'PEXPIREAT k 1', 'XADD x 1-1 a 1', 'XADD x 2-1 a 1', 'XADD x 3-1 a 1', 'XADD x MAXLEN 2 4-1 a 1', 'XDEL x 3-1 9-9',
  'XTRIM x MAXLEN 1', 'XTRIM x MAXLEN 1', 'XGROUP CREATE x g 0', 'XGROUP CREATECONSUMER x g c', 'XREADGROUP GROUP g c STREAMS x >',
  'XACK x g 4-1 5-5', 'XADD x 5-1 a 1', 'XADD x 6-1 a 1', 'XREADGROUP GROUP g c STREAMS x >', 'XCLAIM x g d 0 5-1 6-1', 'XAUTOCLAIM x g e 0 0',
  'XGROUP SETID x g 0', 'XGROUP DELCONSUMER x g e', 'XGROUP DESTROY x g', 'XSETID x 9-9', 'PFADD p a b', 'PFADD p a b', 'PFMERGE p2 p',
  'GEOADD g 1 1 a 2 2 b', 'GEOSEARCHSTORE g2 g FROMMEMBER a BYRADIUS 1000 km ASC', 'SET o 1', 'RENAME o oo', 'RENAMENX oo ooo', 'COPY ooo o',
  'MOVE o 1', 'SORT s1 ALPHA STORE so', 'SORT none STORE so', 'SORT none STORE so', 'RESTORE rr 0 none', 'BITOP AND bo bits', 'BITOP AND bo none1',
  'BITFIELD bf SET u8 0 5 INCRBY u8 0 1 GET u8 0', 'SETRANGE nn 0 ', 'FLUSHDB',
]; // prettier-ignore

describeReal('a command', () => {
  it('counts as many changes as in redis-server', async () => {
    await using real = await startRealRedis({ args: ['--save', '900 1000000'] });
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    const theirs = async (): Promise<number> =>
      Number(/rdb_changes_since_last_save:(\d+)/.exec(String(await real.command('INFO', 'persistence')))![1]);
    for (const request of REQUESTS) {
      const words = request.split(' ');
      const [before, dirty] = [await theirs(), test.shard.dirty];
      await real.command(...words).catch(() => undefined);
      client.call(...words);
      expect({ request, changes: test.shard.dirty - dirty }).toEqual({ request, changes: (await theirs()) - before });
    }
  });

  it('that was waited for counts once, and what woke it as well', () => {
    using test = testShard({ commands: dataCommands });
    const [client, waiting] = [test.client(), test.client()];
    for (const words of [
      ['BLPOP', 'q', '0'],
      ['BLMOVE', 'q', 'other', 'LEFT', 'LEFT', '0'],
      ['BRPOPLPUSH', 'q', 'other', '0'],
    ]) {
      const { dirty } = test.shard;
      waiting.send(...words);
      client.call('LPUSH', 'q', 'a');
      expect(test.shard.dirty - dirty).toBe(2);
    }
  });
});
