/**
 * What an application asks through node-redis, one request after another on one connection, each leaning on what came before. Every
 * result is as the library gives it, so it holds the library's own idea of each reply's type in RESP2 and in RESP3.
 *
 * A step's name is its source. Nothing here depends on chance or on what time it is.
 */

import type { createClient } from 'redis';

export type NodeRedis = ReturnType<typeof createClient<{}, {}, {}, 3>>;
export interface Steps {
  /** The Redis that has these commands. */
  readonly since: string;
  readonly steps: readonly ((redis: NodeRedis) => Promise<unknown>)[];
}

const LATER = 4_102_444_800;

/** For replies in no order. */
const sortedTexts = (all: readonly unknown[]): string[] => all.map((each) => JSON.stringify(each)).toSorted();

const strings: Steps['steps'] = [
  (redis) => redis.ping(),
  (redis) => redis.echo('välue'),
  (redis) => redis.set('s', 'one'),
  (redis) => redis.set('s', 'two', { condition: 'NX' }),
  (redis) => redis.set('s', 'two', { condition: 'XX', GET: true }),
  (redis) => redis.set('e', 'x', { expiration: { type: 'EXAT', value: LATER } }),
  (redis) => redis.set('e', 'y', { expiration: 'KEEPTTL' }),
  (redis) => redis.expireTime('e'),
  (redis) => redis.getEx('e', { type: 'PERSIST' }),
  (redis) => redis.ttl('e'),
  (redis) => redis.get('absent'),
  (redis) => redis.append('s', '!'),
  (redis) => redis.strLen('s'),
  (redis) => redis.getRange('s', 1, -1),
  (redis) => redis.setRange('s', 2, 'XY'),
  (redis) => redis.getSet('s', 'three'),
  (redis) => redis.getDel('s'),
  (redis) => redis.mSet({ a: '1', b: 'two' }),
  (redis) => redis.mSetNX([['a', '1']]),
  (redis) => redis.mGet(['a', 'absent', 'b']),
  (redis) => redis.incr('a'),
  (redis) => redis.incrBy('a', 40),
  (redis) => redis.incrByFloat('a', 0.5),
  (redis) => redis.decr('b'),
  (redis) => redis.setEx('e', 100, 'x'),
  (redis) => redis.setNX('e', 'x'),
  (redis) => redis.lcs('a', 'b'),
  (redis) => redis.mSet({ x: 'ohmytext', y: 'mynewtext' }),
  (redis) => redis.lcsIdx('x', 'y'),
  (redis) => redis.lcsIdxWithMatchLen('x', 'y'),
  (redis) => redis.lcsLen('x', 'y'),
  (redis) => redis.setBit('bits', 7, 1),
  (redis) => redis.getBit('bits', 7),
  (redis) => redis.bitCount('bits'),
  (redis) => redis.bitPos('bits', 1),
  (redis) => redis.bitOp('NOT', 'flipped', 'bits'),
  (redis) => redis.bitField('bits', [{ operation: 'INCRBY', encoding: 'u8', offset: 0, increment: 300 }]),
  (redis) => redis.bitFieldRo('bits', [{ encoding: 'i5', offset: 1 }]),
];

const keys: Steps['steps'] = [
  (redis) => redis.exists(['a', 'b', 'absent']),
  (redis) => redis.type('a'),
  (redis) => redis.objectEncoding('a'),
  (redis) => redis.expire('a', 100, 'NX'),
  (redis) => redis.expireAt('a', LATER),
  (redis) => redis.pExpireTime('a'),
  (redis) => redis.persist('a'),
  (redis) => redis.pTTL('a'),
  (redis) => redis.copy('a', 'copied', { REPLACE: true }),
  (redis) => redis.rename('copied', 'renamed'),
  (redis) => redis.renameNX('renamed', 'a'),
  (redis) => redis.rename('absent', 'x'),
  (redis) => redis.touch(['a', 'b']),
  (redis) => redis.unlink(['renamed', 'absent']),
  (redis) => redis.del('x'),
  async (redis) => (await redis.keys('*')).toSorted(),
  (redis) => redis.dbSize(),
  (redis) => redis.move('y', 1),
  (redis) => redis.select(1),
  (redis) => redis.get('y'),
  (redis) => redis.swapDb(0, 1),
  (redis) => redis.get('a'),
  (redis) => redis.swapDb(0, 1),
  (redis) => redis.select(0),
  (redis) => redis.sendCommand(['OBJECT', 'HELP']).then(() => 'told'),
];

const lists: Steps['steps'] = [
  (redis) => redis.rPush('l', ['a', 'b', 'c', 'a']),
  (redis) => redis.lPush('l', 'z'),
  (redis) => redis.lPushX('absent', 'x'),
  (redis) => redis.rPushX('l', 'y'),
  (redis) => redis.lRange('l', 0, -1),
  (redis) => redis.lIndex('l', 10),
  (redis) => redis.lInsert('l', 'BEFORE', 'b', 'between'),
  (redis) => redis.lPos('l', 'a'),
  (redis) => redis.lPosCount('l', 'a', 0),
  (redis) => redis.lSet('l', 0, 'first'),
  (redis) => redis.lSet('l', 100, 'x'),
  (redis) => redis.lRem('l', 1, 'a'),
  (redis) => redis.lLen('l'),
  (redis) => redis.lMove('l', 'm', 'LEFT', 'RIGHT'),
  (redis) => redis.rPopLPush('l', 'm'),
  (redis) => redis.lPop('l'),
  (redis) => redis.lPopCount('absent', 3),
  (redis) => redis.rPopCount('l', 2),
  (redis) => redis.lmPop(['absent', 'm'], 'LEFT', { COUNT: 1 }),
  (redis) => redis.lmPop('absent', 'LEFT'),
  (redis) => redis.lTrim('m', 0, 0),
  (redis) => redis.blPop('m', 1),
  (redis) => redis.blmPop(0.01, 'absent', 'LEFT'),
  (redis) => redis.brPop('absent', 0.01),
  (redis) => redis.blMove('l', 'm', 'LEFT', 'LEFT', 1),
  (redis) => redis.lPush('a', 'x'),
  (redis) => redis.rPush('numbers', ['3', '1', '2']),
  (redis) => redis.sort('numbers', { DIRECTION: 'DESC', LIMIT: { offset: 0, count: 2 } }),
  (redis) => redis.sort('numbers', { BY: 'nosort', GET: ['#', 'weight_*'] }),
  (redis) => redis.sortStore('numbers', 'ordered'),
  (redis) => redis.sortRo('ordered'),
];

const hashes: Steps['steps'] = [
  (redis) => redis.hSet('h', { name: 'n', size: '1' }),
  (redis) => redis.hSet('h', [['more', '2']]),
  (redis) => redis.hGetAll('h'),
  (redis) => redis.hGetAll('absent'),
  (redis) => redis.hGet('h', 'absent'),
  (redis) => redis.hmGet('h', ['name', 'absent']),
  (redis) => redis.hIncrBy('h', 'size', 41),
  (redis) => redis.hIncrByFloat('h', 'size', 0.25),
  (redis) => redis.hIncrBy('h', 'name', 1),
  (redis) => redis.hExists('h', 'name'),
  (redis) => redis.hKeys('h'),
  (redis) => redis.hVals('h'),
  (redis) => redis.hLen('h'),
  (redis) => redis.hStrLen('h', 'name'),
  (redis) => redis.hSetNX('h', 'name', 'x'),
  (redis) => redis.hRandField('absent'),
  (redis) => redis.hRandFieldCountWithValues('h', 10),
  (redis) => redis.hRandFieldCount('h', 10),
  (redis) => redis.hScan('h', '0'),
  (redis) => redis.hDel('h', ['more', 'absent']),
];

const sets: Steps['steps'] = [
  (redis) => redis.sAdd('t', ['1', '2', '3']),
  (redis) => redis.sAdd('u', ['2', '3', '4']),
  (redis) => redis.sMembers('t'),
  (redis) => redis.sMembers('absent'),
  (redis) => redis.sIsMember('t', '1'),
  (redis) => redis.smIsMember('t', ['1', '9']),
  (redis) => redis.sInter(['t', 'u']),
  (redis) => redis.sUnion(['t', 'u']),
  (redis) => redis.sDiff(['t', 'u']),
  (redis) => redis.sInterCard(['t', 'u'], { LIMIT: 1 }),
  (redis) => redis.sInterStore('i', ['t', 'u']),
  (redis) => redis.sUnionStore('i', ['t', 'u']),
  (redis) => redis.sDiffStore('i', ['t', 'u']),
  (redis) => redis.sMove('t', 'u', '1'),
  (redis) => redis.sCard('u'),
  (redis) => redis.sRem('u', ['1', '9']),
  (redis) => redis.sPop('i'),
  (redis) => redis.sPop('i'),
  (redis) => redis.sPopCount('absent', 2),
  (redis) => redis.sRandMember('absent'),
  (redis) => redis.sRandMemberCount('i', 2),
  (redis) => redis.sScan('u', '0'),
];

const sortedSets: Steps['steps'] = [
  (redis) => redis.zAdd('z', { score: 1, value: 'one' }),
  (redis) =>
    redis.zAdd('z', [
      { score: 2.5, value: 'two' },
      { score: Infinity, value: 'top' },
      { score: -Infinity, value: 'bottom' },
    ]),
  (redis) => redis.zAdd('z', { score: 3, value: 'one' }, { condition: 'NX' }),
  (redis) => redis.zAddIncr('z', { score: 0.1, value: 'two' }),
  (redis) => redis.zAddIncr('z', { score: 1, value: 'absent' }, { condition: 'XX' }),
  (redis) => redis.zIncrBy('z', 1, 'one'),
  (redis) => redis.zScore('z', 'top'),
  (redis) => redis.zScore('z', 'absent'),
  (redis) => redis.zmScore('z', ['one', 'absent']),
  (redis) => redis.zRange('z', 0, -1),
  (redis) => redis.zRangeWithScores('z', 0, -1),
  (redis) => redis.zRange('z', '+inf', '(1', { BY: 'SCORE', REV: true, LIMIT: { offset: 0, count: 2 } }),
  (redis) => redis.zRangeByScoreWithScores('z', '-inf', 2),
  (redis) => redis.zRank('z', 'two'),
  (redis) => redis.zRevRank('z', 'two'),
  (redis) => redis.zRank('z', 'absent'),
  (redis) => redis.zCount('z', '-inf', '+inf'),
  (redis) => redis.zLexCount('z', '-', '+'),
  (redis) => redis.zCard('z'),
  (redis) => redis.zAdd('w', { score: 1, value: 'two' }),
  (redis) => redis.zInter(['z', 'w']),
  (redis) =>
    redis.zInterWithScores(
      [
        { key: 'z', weight: 2 },
        { key: 'w', weight: 1 },
      ],
      { AGGREGATE: 'MAX' },
    ),
  (redis) => redis.zUnionWithScores(['z', 'w']),
  (redis) => redis.zDiffWithScores(['z', 'w']),
  (redis) => redis.zInterCard(['z', 'w']),
  (redis) => redis.zUnionStore('v', ['z', 'w']),
  (redis) => redis.zRangeStore('v', 'z', 0, 1),
  (redis) => redis.zPopMin('v'),
  (redis) => redis.zPopMaxCount('v', 3),
  (redis) => redis.zPopMin('v'),
  (redis) => redis.zmPop(['v', 'w'], 'MIN'),
  (redis) => redis.zmPop('v', 'MAX'),
  (redis) => redis.bzPopMin('z', 1),
  (redis) => redis.bzPopMax('absent', 0.01),
  (redis) => redis.bzmPop(1, ['absent', 'z'], 'MAX'),
  (redis) => redis.zRandMember('absent'),
  async (redis) => sortedTexts(await redis.zRandMemberCountWithScores('z', 10)),
  (redis) => redis.zScan('z', '0'),
  (redis) => redis.zRemRangeByScore('z', 2, 2),
  (redis) => redis.zRemRangeByRank('z', 0, 0),
  (redis) => redis.zRem('z', 'absent'),
];

const places: Steps['steps'] = [
  (redis) =>
    redis.geoAdd('g', [
      { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' },
      { longitude: 15.087269, latitude: 37.502669, member: 'Catania' },
    ]),
  (redis) => redis.geoDist('g', 'Palermo', 'Catania', 'km'),
  (redis) => redis.geoHash('g', ['Palermo', 'absent']),
  async (redis) => (await redis.geoPos('g', ['Palermo', 'absent'])).map((place) => Number(place?.longitude).toFixed(9)),
  (redis) => redis.geoSearch('g', 'Catania', { radius: 200, unit: 'km' }, { SORT: 'DESC' }),
  (redis) =>
    redis.geoSearchWith('g', { longitude: 15, latitude: 37 }, { width: 400, height: 400, unit: 'km' }, [
      'WITHDIST',
      'WITHHASH',
      'WITHCOORD',
    ]),
  (redis) => redis.geoSearchStore('found', 'g', 'Catania', { radius: 1, unit: 'km' }),
  (redis) => redis.pfAdd('p', ['a', 'b']),
  (redis) => redis.pfCount('p'),
  (redis) => redis.pfMerge('q', 'p'),
];

const streams: Steps['steps'] = [
  (redis) => redis.xAdd('x1', '1-1', { field: 'value' }),
  (redis) => redis.xAdd('x1', '1-*', { field: 'välue', other: '' }),
  (redis) => redis.xAdd('x1', '1-1', { field: 'value' }),
  (redis) =>
    redis.xAdd('x1', '2-0', { f: 'v' }, { TRIM: { strategy: 'MAXLEN', strategyModifier: '=', threshold: 10 } }),
  (redis) => redis.xLen('x1'),
  (redis) => redis.xRange('x1', '-', '+'),
  (redis) => redis.xRevRange('x1', '+', '-', { COUNT: 1 }),
  (redis) => redis.xRead({ key: 'x1', id: '1-1' }),
  (redis) => redis.xRead({ key: 'x1', id: '$' }, { BLOCK: 10 }),
  (redis) =>
    redis.xRead(
      [
        { key: 'x1', id: '0' },
        { key: 'absent', id: '0' },
      ],
      { COUNT: 1 },
    ),
  (redis) => redis.xGroupCreate('x1', 'group', '0'),
  (redis) => redis.xGroupCreate('x1', 'group', '0'),
  (redis) => redis.xGroupCreate('made', 'group', '$', { MKSTREAM: true }),
  (redis) => redis.xGroupCreateConsumer('x1', 'group', 'me'),
  (redis) => redis.xReadGroup('group', 'me', { key: 'x1', id: '>' }, { COUNT: 2 }),
  (redis) => redis.xReadGroup('group', 'me', { key: 'x1', id: '0' }),
  (redis) => redis.xReadGroup('none', 'me', { key: 'x1', id: '>' }),
  (redis) => redis.xPending('x1', 'group'),
  async (redis) =>
    (await redis.xPendingRange('x1', 'group', '-', '+', 10)).map(({ id, consumer, deliveriesCounter }) => [
      id,
      consumer,
      deliveriesCounter,
    ]),
  (redis) => redis.xClaim('x1', 'group', 'other', 0, '1-1', { RETRYCOUNT: 5 }),
  (redis) => redis.xClaimJustId('x1', 'group', 'other', 0, ['1-1', '9-9']),
  (redis) => redis.xAutoClaim('x1', 'group', 'other', 0, '-', { COUNT: 10 }),
  (redis) => redis.xAutoClaimJustId('x1', 'group', 'me', 0, '-'),
  (redis) => redis.xAck('x1', 'group', ['1-1', '9-9']),
  async (redis) => {
    const info = await redis.xInfoStream('x1');
    return [info.length, info['last-generated-id'], info.groups, info['first-entry'], info['last-entry']];
  },
  (redis) => redis.xInfoGroups('x1'),
  async (redis) => (await redis.xInfoConsumers('x1', 'group')).map(({ name, pending }) => [name, pending]),
  (redis) => redis.xGroupDelConsumer('x1', 'group', 'me'),
  (redis) => redis.xGroupSetId('x1', 'group', '$'),
  (redis) => redis.xGroupDestroy('x1', 'group'),
  (redis) => redis.xTrim('x1', 'MAXLEN', 1),
  (redis) => redis.xDel('x1', ['2-0', '9-9']),
];

const wholeServer: Steps['steps'] = [
  (redis) => redis.clientSetName('name'),
  (redis) => redis.clientGetName(),
  async (redis) => Object.keys(await redis.clientInfo()).includes('tot-mem'),
  async (redis) => (await redis.clientList()).map(({ name, db, user }) => [name, db, user]),
  (redis) => redis.clientUnblock(123_456),
  (redis) => redis.clientNoEvict(true),
  (redis) => redis.clientPause(1),
  (redis) => redis.clientUnpause(),
  (redis) => redis.clientTrackingInfo(),
  (redis) => redis.clientGetRedir(),
  async (redis) => sortedTexts(Object.entries(await redis.configGet(['maxmemory', 'maxmemory-policy']))),
  async (redis) => sortedTexts(Object.entries(await redis.configGet('lazyfree-lazy-*'))),
  (redis) => redis.configSet('maxmemory-samples', '7'),
  (redis) => redis.configSet({ hz: '10', 'maxmemory-samples': '5' }),
  (redis) => redis.configResetStat(),
  (redis) => redis.commandGetKeys(['mset', 'a', '1', 'b', '2']),
  (redis) => redis.commandGetKeysAndFlags(['rename', 'a', 'b']),
  (redis) => redis.commandInfo(['get', 'nosuch']),
  async (redis) => (await redis.commandList({ FILTERBY: { type: 'ACLCAT', value: 'transaction' } })).toSorted(),
  (redis) => redis.aclWhoAmI(),
  (redis) => redis.aclSetUser('someone', ['on', '>secret', '~k:*', '+@read']),
  async (redis) => ({ ...(await redis.aclGetUser('someone')), flags: 'newer ones have more' }),
  (redis) => redis.aclUsers(),
  (redis) => redis.aclDryRun('someone', ['get', 'k:1']),
  (redis) => redis.aclDelUser('someone'),
  async (redis) => (await redis.aclCat()).toSorted(),
  (redis) => redis.pubSubChannels(),
  (redis) => redis.pubSubNumSub(['a', 'b']),
  (redis) => redis.pubSubNumPat(),
  (redis) => redis.publish('nobody', 'hears'),
  (redis) => redis.role(),
  (redis) => redis.wait(0, 10),
  async (redis) => (await redis.time()).length,
  async (redis) => typeof (await redis.memoryUsage('a')),
  (redis) => redis.eval('return {KEYS[1], ARGV[1], 1, false}', { keys: ['k'], arguments: ['v'] }),
  (redis) => redis.eval('return redis.call("SMEMBERS", KEYS[1])', { keys: ['t'] }),
  (redis) => redis.scriptLoad('return 7'),
  (redis) => redis.evalSha('1f3d4ee4ab6c0a6dbe3e9ac0f1b3d5e2a2a2a2a2'),
  (redis) => redis.scriptExists(['1f3d4ee4ab6c0a6dbe3e9ac0f1b3d5e2a2a2a2a2']),
  (redis) => redis.scriptFlush(),
  (redis) => redis.multi().set('m1', '1').incr('m1').hGetAll('h').zRangeWithScores('z', 0, -1).exec(),
  (redis) => redis.multi().lPush('h', 'x').get('m1').exec(),
  (redis) => redis.multi().addCommand(['NOSUCH']).exec(),
  (redis) => redis.multi().get('m1').execAsPipeline(),
  async (redis) => {
    const found: string[] = [];
    for await (const each of redis.scanIterator({ MATCH: '[a-h]', TYPE: 'string', COUNT: 3 })) found.push(...each);
    return found.toSorted();
  },
  async (redis) => {
    const found: string[] = [];
    for await (const each of redis.hScanIterator('h'))
      found.push(...each.map(({ field, value }) => `${field} ${value}`));
    return found.toSorted();
  },
  async (redis) => {
    const found: string[] = [];
    for await (const each of redis.zScanIterator('z'))
      found.push(...each.map(({ value, score }) => `${value} ${score}`));
    return found.toSorted();
  },
  (redis) => redis.dump('absent'),
  (redis) => redis.sendCommand(['NOSUCH', 'x']),
  (redis) => redis.sendCommand(['GET']),
  (redis) => redis.sendCommand(['HELLO', '9']),
  (redis) => redis.flushDb(),
  (redis) => redis.flushAll('ASYNC'),
];

const LIBRARY = `#!lua name=mine
redis.register_function('keep', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function{function_name='kept', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}`;

const functions: Steps['steps'] = [
  (redis) => redis.functionLoad(LIBRARY),
  (redis) => redis.functionLoad(LIBRARY),
  (redis) => redis.functionLoad(LIBRARY, { REPLACE: true }),
  (redis) => redis.fCall('keep', { keys: ['fk'], arguments: ['välue'] }),
  (redis) => redis.fCall('kept', { keys: ['fk'] }),
  (redis) => redis.fCallRo('kept', { keys: ['fk'] }),
  (redis) => redis.fCallRo('keep', { keys: ['fk'], arguments: ['x'] }),
  (redis) => redis.fCall('absent', { keys: [] }),
  async (redis) => (await redis.functionList()).map(({ library_name, engine }) => [library_name, engine]),
  async (redis) => (await redis.functionListWithCode({ LIBRARYNAME: 'mine' })).map(({ library_code }) => library_code),
  async (redis) => (await redis.functionStats()).running_script,
  async (redis) => typeof (await redis.functionDump()),
  (redis) => redis.functionFlush(),
  (redis) => redis.functionList(),
  (redis) => redis.functionDelete('mine'),
  (redis) => redis.functionKill(),
];

const hashExpiry: Steps['steps'] = [
  (redis) => redis.hSet('he', { a: '1', b: '2', c: '3' }),
  (redis) => redis.hExpireAt('he', ['a', 'absent'], LATER),
  (redis) => redis.hExpire('he', 'b', 1_000, 'XX'),
  (redis) => redis.hExpireTime('he', ['a', 'b', 'absent']),
  (redis) => redis.hpExpireTime('he', ['a']),
  (redis) => redis.hTTL('absent', 'a'),
  (redis) => redis.hPersist('he', ['a', 'b']),
  (redis) => redis.hScanNoValues('he', '0'),
  (redis) => redis.sendCommand(['CLIENT', 'SETINFO', 'LIB-NAME', 'mine']),
];

const hashesOf8: Steps['steps'] = [
  (redis) => redis.hSetEx('hx', { a: '1', b: '2' }, { expiration: { type: 'EXAT', value: LATER }, mode: 'FNX' }),
  (redis) => redis.hGetEx('hx', ['a', 'absent'], { expiration: 'PERSIST' }),
  (redis) => redis.hGetDel('hx', ['a', 'absent']),
  (redis) => redis.hGetAll('hx'),
];

export const NODE_REDIS_STEPS: readonly Steps[] = [
  {
    since: '7.0',
    steps: [...strings, ...keys, ...lists, ...hashes, ...sets, ...sortedSets, ...places, ...streams, ...functions],
  },
  { since: '7.4', steps: hashExpiry },
  { since: '8.0', steps: hashesOf8 },
  { since: '7.0', steps: wholeServer },
];
