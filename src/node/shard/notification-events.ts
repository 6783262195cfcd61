/**
 * Which event a command's change of a key is, by the command's name: a table, so that a new command is one line.
 *
 * Told are the request, the key, whether it is still there, and whose turn the key has where a command changes two (`role`).
 */

/** The letter of its class, and its name. */
export type Event = readonly [letter: string, name: string];

export interface KeyChange {
  readonly words: readonly string[];
  readonly exists: boolean;
  /** 0, or the place among `keys`. */
  readonly role: number;
  /** False where a command reaches into another logical database. */
  readonly isOwnDatabase: boolean;
}

export interface EventRule {
  events(change: KeyChange): readonly Event[];
  /** Keys in the order in which their events come, where that is not the order of the changes. */
  keys?(words: readonly string[]): readonly string[];
  /** The key counts as new even where another was there before; `first`: and that is told before anything else. */
  readonly remakes?: 'in turn' | 'first';
}

const GONE: Event = ['g', 'del'];

/** The event, and `del` behind it when nothing is left. */
const emptying = (...event: Event): EventRule => ({ events: ({ exists }) => (exists ? [event] : [event, GONE]) });
/** The event, or `del` in its place. */
const storing = (...event: Event): EventRule => ({ events: ({ exists }) => [exists ? event : GONE] });

/** What came of it the command has told (`Notifications.told`), but for `del`. */
const toldItself: EventRule = { events: ({ exists }) => (exists ? [] : [GONE]) };

const has = (words: readonly string[], from: number, pattern: RegExp): boolean =>
  words.slice(from).some((word) => pattern.test(word));
const SETS_EXPIRY = /^(ex|px|exat|pxat)$/i;

const set: EventRule = { events: () => [['$', 'set']] };
const setAll: EventRule = { ...set, keys: (words) => words.filter((_, at) => at % 2 === 1) };
const setWithExpiry: EventRule = {
  events: () => [
    ['$', 'set'],
    ['g', 'expire'],
  ],
};
const expire = storing('g', 'expire');
const rename: EventRule = {
  keys: ([, source, destination]) => [source!, destination!],
  events: ({ role }) => [['g', role === 0 ? 'rename_from' : 'rename_to']],
  remakes: 'first',
};
/** The only event of reading or claiming for a consumer that was not there. */
const madeConsumer: EventRule = { events: () => [['t', 'xgroup-createconsumer']] };
const side = (word: string | undefined): string => (word?.toUpperCase() === 'LEFT' ? 'l' : 'r');

/** The destination is told of first. */
const moving = (
  popped: (words: readonly string[]) => string,
  pushed: (words: readonly string[]) => string,
): EventRule => ({
  keys: ([, source, destination]) => [destination!, source!],
  events({ words, role, exists }) {
    if (role === 0) return [['l', `${pushed(words)}push`]];
    const event: Event = ['l', `${popped(words)}pop`];
    return exists ? [event] : [event, GONE];
  },
});
const lmove = moving(
  (words) => side(words[3]),
  (words) => side(words[4]),
);
const rpoplpush = moving(
  () => 'r',
  () => 'l',
);
/** The word behind the keys of `numkeys key …`. */
const behindKeys = (words: readonly string[], at: number): string | undefined => words[at + 1 + Number(words[at])];
const poppingMany = (at: number, letter: string, name: (word: string | undefined) => string): EventRule => ({
  events({ words, exists }) {
    const event: Event = [letter, name(behindKeys(words, at))];
    return exists ? [event] : [event, GONE];
  },
});
const listPop = (word: string | undefined): string => `${side(word)}pop`;
const sortedSetPop = (word: string | undefined): string => (word?.toUpperCase() === 'MIN' ? 'zpopmin' : 'zpopmax');
const push = (name: string): EventRule => ({ events: () => [['l', name]] });
const incrby: EventRule = { events: () => [['$', 'incrby']] };

export const EVENT_RULES: Readonly<Record<string, EventRule>> = {
  SET: { events: ({ words }) => (has(words, 3, SETS_EXPIRY) ? setWithExpiry : set).events({} as KeyChange) },
  SETEX: setWithExpiry,
  PSETEX: setWithExpiry,
  SETNX: set,
  GETSET: set,
  MSET: setAll,
  MSETNX: setAll,
  GETDEL: storing('g', 'del'),
  GETEX: {
    events: ({ words, exists }) => [exists ? ['g', has(words, 2, SETS_EXPIRY) ? 'expire' : 'persist'] : GONE],
  },
  APPEND: { events: () => [['$', 'append']] },
  SETRANGE: { events: () => [['$', 'setrange']] },
  SETBIT: { events: () => [['$', 'setbit']] },
  BITFIELD: { events: () => [['$', 'setbit']] },
  BITOP: storing('$', 'set'),
  INCR: incrby,
  DECR: incrby,
  INCRBY: incrby,
  DECRBY: incrby,
  INCRBYFLOAT: { events: () => [['$', 'incrbyfloat']] },
  PFADD: { events: () => [['$', 'pfadd']] },
  PFMERGE: { events: () => [['$', 'pfadd']] },
  DEL: storing('g', 'del'),
  UNLINK: storing('g', 'del'),
  MIGRATE: storing('g', 'del'),
  EXPIRE: expire,
  PEXPIRE: expire,
  EXPIREAT: expire,
  PEXPIREAT: expire,
  PERSIST: { events: () => [['g', 'persist']] },
  RENAME: rename,
  RENAMENX: rename,
  MOVE: { events: ({ isOwnDatabase }) => [['g', isOwnDatabase ? 'move_from' : 'move_to']], remakes: 'first' },
  COPY: { events: () => [['g', 'copy_to']], remakes: 'in turn' },
  RESTORE: { events: ({ exists }) => [exists ? ['g', 'restore'] : GONE], remakes: 'in turn' },
  'RESTORE-ASKING': { events: ({ exists }) => [exists ? ['g', 'restore'] : GONE], remakes: 'in turn' },
  SORT: storing('l', 'sortstore'),
  LPUSH: push('lpush'),
  LPUSHX: push('lpush'),
  RPUSH: push('rpush'),
  RPUSHX: push('rpush'),
  LSET: push('lset'),
  LINSERT: push('linsert'),
  LREM: emptying('l', 'lrem'),
  LTRIM: emptying('l', 'ltrim'),
  LPOP: emptying('l', 'lpop'),
  RPOP: emptying('l', 'rpop'),
  BLPOP: emptying('l', 'lpop'),
  BRPOP: emptying('l', 'rpop'),
  LMPOP: poppingMany(1, 'l', listPop),
  BLMPOP: poppingMany(2, 'l', listPop),
  LMOVE: lmove,
  BLMOVE: lmove,
  RPOPLPUSH: rpoplpush,
  BRPOPLPUSH: rpoplpush,
  SADD: { events: () => [['s', 'sadd']] },
  SREM: emptying('s', 'srem'),
  SPOP: emptying('s', 'spop'),
  SMOVE: {
    keys: ([, source, destination]) => [source!, destination!],
    events: ({ role, exists }) =>
      role === 0 ? emptying('s', 'srem').events({ exists } as KeyChange) : [['s', 'sadd']],
  },
  SINTERSTORE: storing('s', 'sinterstore'),
  SUNIONSTORE: storing('s', 'sunionstore'),
  SDIFFSTORE: storing('s', 'sdiffstore'),
  HSET: { events: () => [['h', 'hset']] },
  HSETNX: { events: () => [['h', 'hset']] },
  HMSET: { events: () => [['h', 'hset']] },
  HINCRBY: { events: () => [['h', 'hincrby']] },
  HINCRBYFLOAT: { events: () => [['h', 'hincrbyfloat']] },
  HDEL: emptying('h', 'hdel'),
  HGETDEL: emptying('h', 'hdel'),
  HEXPIRE: toldItself,
  HPEXPIRE: toldItself,
  HEXPIREAT: toldItself,
  HPEXPIREAT: toldItself,
  HPERSIST: toldItself,
  HGETEX: toldItself,
  HSETEX: toldItself,
  ZADD: { events: ({ words }) => [['z', has(words.slice(0, 7), 2, /^incr$/i) ? 'zincr' : 'zadd']] },
  GEOADD: { events: () => [['z', 'zadd']] },
  ZINCRBY: { events: () => [['z', 'zincr']] },
  ZREM: emptying('z', 'zrem'),
  ZREMRANGEBYSCORE: emptying('z', 'zremrangebyscore'),
  ZREMRANGEBYRANK: emptying('z', 'zremrangebyrank'),
  ZREMRANGEBYLEX: emptying('z', 'zremrangebylex'),
  ZPOPMIN: emptying('z', 'zpopmin'),
  ZPOPMAX: emptying('z', 'zpopmax'),
  BZPOPMIN: emptying('z', 'zpopmin'),
  BZPOPMAX: emptying('z', 'zpopmax'),
  ZMPOP: poppingMany(1, 'z', sortedSetPop),
  BZMPOP: poppingMany(2, 'z', sortedSetPop),
  ZRANGESTORE: storing('z', 'zrangestore'),
  ZUNIONSTORE: storing('z', 'zunionstore'),
  ZINTERSTORE: storing('z', 'zinterstore'),
  ZDIFFSTORE: storing('z', 'zdiffstore'),
  GEOSEARCHSTORE: storing('z', 'geosearchstore'),
  GEORADIUS: storing('z', 'georadiusstore'),
  GEORADIUSBYMEMBER: storing('z', 'georadiusstore'),
  XADD: { events: () => [['t', 'xadd']] },
  XDEL: { events: () => [['t', 'xdel']] },
  XTRIM: { events: () => [['t', 'xtrim']] },
  XSETID: { events: () => [['t', 'xsetid']] },
  'XGROUP CREATE': { events: () => [['t', 'xgroup-create']] },
  'XGROUP SETID': { events: () => [['t', 'xgroup-setid']] },
  'XGROUP DESTROY': { events: () => [['t', 'xgroup-destroy']] },
  'XGROUP CREATECONSUMER': madeConsumer,
  'XGROUP DELCONSUMER': { events: () => [['t', 'xgroup-delconsumer']] },
  XREADGROUP: madeConsumer,
  XCLAIM: madeConsumer,
  XAUTOCLAIM: madeConsumer,
};
