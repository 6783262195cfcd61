import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { describe, expect, it } from 'vitest';
import { testDatabase } from './fixtures.ts';

describe('an endpoint', () => {
  it.each([
    ['ioredis 6', Redis],
    ['ioredis 5', Redis5 as unknown as typeof Redis],
  ])('serves %s with its default options', async (_name, Client) => {
    await using database = await testDatabase();
    const redis = new Client(database.port, '127.0.0.1');
    try {
      await redis.mset('a', '1', 'b', '2', 'c', '3');
      expect(await redis.mget('c', 'nothing', 'a', 'b')).toEqual(['3', null, '1', '2']);
      expect(await redis.dbsize()).toBe(3);
      expect((await redis.keys('*')).sort()).toEqual(['a', 'b', 'c']);
      expect(await redis.del('a', 'b', 'c', 'd')).toBe(3);
      expect(await redis.info()).toMatch(/redis_version:7\.4/);
      expect(await redis.multi().set('{t}a', '1').incr('{t}a').exec()).toEqual([[null, 'OK'], [null, 2]]);
    } finally {
      redis.disconnect();
    }
  });
});
