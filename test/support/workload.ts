/**
 * Random writes of every kind, for tests of replication: effects that depend on chance or time (SPOP, INCRBYFLOAT, relative expiry),
 * transactions, several databases, whole databases exchanged or emptied, pops that waited. Pools are small so that requests meet.
 * No FLUSHALL: it makes a redis-server kill the child that writes a snapshot, and its replicas begin anew.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { SeededRandom } from '../../src/world/random.ts';
import type { Random } from '../../src/world/world.ts';
import type { ReplicationNode } from './replication.ts';

const KEYS = 6;
const LONG = 300;

type Maker = (random: Random) => string[];

const pick = <T>(random: Random, items: readonly T[]): T => items[random.integer(0, items.length - 1)]!;
const number = (random: Random, max: number): string => String(random.integer(0, max));
const key = (kind: string) => (random: Random) => `${kind}${number(random, KEYS - 1)}`;
const s = key('s');
const l = key('l');
const h = key('h');
const z = key('z');
const t = key('t');
const any = (random: Random): string => pick(random, [s, l, h, z, t])(random);
const word = (random: Random): string =>
  pick(random, [
    () => '',
    () => number(random, 100),
    () => `m${number(random, 20)}`,
    () => 'x'.repeat(random.integer(0, LONG)),
    () => '\x00\xff\r\n*3\r\n',
  ])();

const MAKERS: readonly Maker[] = [
  (r) => ['SET', s(r), word(r)],
  (r) => ['SET', s(r), word(r), 'EX', number(r, 1000).replace(/^0$/, '1')],
  (r) => ['SET', s(r), word(r), 'PX', String(r.integer(1, 30))],
  (r) => ['APPEND', s(r), word(r)],
  (r) => ['SETRANGE', s(r), number(r, 400), word(r)],
  (r) => ['SETBIT', s(r), number(r, 2000), number(r, 1)],
  (r) => ['INCRBYFLOAT', s(r), '0.1'],
  (r) => ['INCR', s(r)],
  (r) => ['GETDEL', s(r)],
  (r) => ['GETEX', s(r), 'EX', '500'],
  (r) => ['MSET', s(r), word(r), s(r), word(r)],
  (r) => ['RPUSH', l(r), word(r), word(r)],
  (r) => ['LPUSH', l(r), word(r)],
  (r) => ['LPOP', l(r)],
  (r) => ['LMOVE', l(r), l(r), 'LEFT', 'RIGHT'],
  (r) => ['LTRIM', l(r), '0', number(r, 30)],
  (r) => ['LREM', l(r), '0', word(r)],
  (r) => ['HSET', h(r), word(r), word(r), word(r), word(r)],
  (r) => ['HINCRBYFLOAT', h(r), 'f', '1.25'],
  (r) => ['HDEL', h(r), word(r)],
  (r) => ['ZADD', z(r), number(r, 50), word(r), '1.5', word(r)],
  (r) => ['ZINCRBY', z(r), '0.3', word(r)],
  (r) => ['ZPOPMIN', z(r)],
  (r) => ['ZUNIONSTORE', z(r), '2', z(r), z(r)],
  (r) => ['SADD', t(r), word(r), number(r, 9)],
  (r) => ['SPOP', t(r)],
  (r) => ['SPOP', t(r), '3'],
  (r) => ['SMOVE', t(r), t(r), word(r)],
  (r) => ['SINTERSTORE', t(r), t(r), t(r)],
  (r) => ['DEL', any(r), any(r)],
  (r) => ['UNLINK', any(r)],
  (r) => ['EXPIRE', any(r), '300'],
  (r) => ['PEXPIRE', any(r), String(r.integer(1, 20))],
  (r) => ['EXPIRE', any(r), '-1'],
  (r) => ['PERSIST', any(r)],
  (r) => ['RENAME', any(r), any(r)],
  (r) => ['COPY', any(r), any(r), 'REPLACE'],
  (r) => ['MOVE', any(r), number(r, 3)],
  (r) => ['SORT', l(r), 'ALPHA', 'STORE', l(r)],
];
const SELECT: Maker = (r) => ['SELECT', number(r, 3)];
const RARE: readonly Maker[] = [
  () => ['SWAPDB', '0', '1'],
  () => ['FLUSHDB'],
  (r) => ['BLPOP', l(r), l(r), '0.05'],
  (r) => ['BLMOVE', l(r), l(r), 'LEFT', 'LEFT', '0.05'],
  (r) => ['BZPOPMIN', z(r), '0.05'],
];
const BLOCKING: readonly string[] = ['BLPOP', 'BLMOVE', 'BZPOPMIN'];

/** One write, of any kind but those that block or concern whole databases. */
export const randomWrite: Maker = (random) => pick(random, MAKERS)(random);

/** Sends so many requests; refusals (a wrong type, no such key) are part of it. */
export async function workload(node: ReplicationNode, seed: number, requests: number): Promise<void> {
  const random = new SeededRandom(seed);
  const call = (words: readonly string[]): Promise<unknown> => node.call(...words).catch(() => undefined);
  for (let i = 0; i < requests; i++) {
    // A shard in this process answers at once: without a turn of the event loop now and then nothing would be in flight
    if (i % 8 === 0) await nextTurn();
    const chance = random.integer(0, 99);
    if (chance < 5) await call(SELECT(random));
    else if (chance < 10) {
      await call(['MULTI']);
      for (let n = random.integer(0, 4); n > 0; n--) await call(pick(random, [...MAKERS, SELECT])(random));
      await call([pick(random, ['EXEC', 'EXEC', 'DISCARD'])]);
    } else if (chance < 12) {
      const words = pick(random, RARE)(random);
      if (BLOCKING.includes(words[0]!)) node.send(...words);
      else await call(words);
    } else await call(pick(random, MAKERS)(random));
  }
}
