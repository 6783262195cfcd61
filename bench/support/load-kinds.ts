/**
 * The kinds of load: what is sent before the clock starts, and the request that is measured. Both servers get the same bytes.
 *
 * Border: pure; sending is `load-generator.ts`. A kind that takes things away is prepared with twice what it can take, since its
 * keys are random.
 */

const VALUE_BYTES = 100;
const SMALL_BYTES = 10;
const KEY_DIGITS = 7;
const CHANCE_BYTES = 8_192;
/** Lists, sets, hashes, sorted sets and streams are fewer than keys, so that they have some size. */
const COLLECTIONS = 1_000;
/** Elements that one request of a preparation adds. */
const CHUNK = 100;
const MEMBERS = 1_000;
const SCRIPT = "return redis.call('INCR', KEYS[1])";

/** xorshift32: the same load for both servers. */
export const chanceFrom = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
};

/** Letters without a pattern: compression shall gain nothing on one side only. Values are windows of it. */
const letters = ((): string => {
  const chance = chanceFrom(7);
  const codes = Array.from({ length: CHANCE_BYTES + VALUE_BYTES }, () => 48 + chance(75));
  return String.fromCharCode(...codes);
})();

const keyName = (key: number): string => `key:${String(key).padStart(KEY_DIGITS, '0')}`;
const collection = (key: number): string => `collection:${String(key % COLLECTIONS).padStart(KEY_DIGITS, '0')}`;
const member = (key: number): string => `member:${String(key).padStart(KEY_DIGITS, '0')}`;

const text = (key: number, bytes: number): string => {
  const at = (key * 37) % CHANCE_BYTES;
  return letters.slice(at, at + bytes);
};
const value = (key: number): string => text(key, VALUE_BYTES);
const small = (key: number): string => text(key, SMALL_BYTES);

const encode = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;

interface Preparation {
  readonly requests: number;
  request(at: number): readonly string[];
}

export interface Size {
  readonly keys: number;
  readonly operations: number;
}

interface Kind {
  /** As a person calls it. */
  readonly title: string;
  request(key: number): readonly string[];
  prepare?(size: Size): Preparation;
  /** What was prepared is used up: it is made again before each run. */
  readonly consumes?: true;
  /** Subscribers to `channel`, which read along. */
  readonly subscribers?: number;
  /** Share of the usual number of operations, where one costs more. */
  readonly share?: number;
}

const everyKey = ({ keys }: Size): Preparation => ({
  requests: keys,
  request: (at) => ['SET', keyName(at), value(at)],
});

/** Each collection gets `count` elements, made of their numbers. */
const collections = (command: string, count: number, element: (at: number) => readonly string[]) => (): Preparation => {
  const chunks = Math.ceil(count / CHUNK);
  return {
    requests: COLLECTIONS * chunks,
    request(at) {
      const from = Math.floor(at / COLLECTIONS) * CHUNK;
      const numbers = Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => from + i);
      return [command, collection(at), ...numbers.flatMap(element)];
    },
  };
};

const enoughOf =
  (command: string, element: (at: number) => readonly string[]) =>
  ({ operations }: Size): Preparation =>
    collections(command, Math.ceil((2 * operations) / COLLECTIONS), element)();

const scored = (at: number): readonly string[] => [String(at), member(at)];

export const LOAD_KINDS = {
  set: { title: 'SET', request: (key) => ['SET', keyName(key), value(key)], prepare: everyKey },
  get: { title: 'GET', request: (key) => ['GET', keyName(key)], prepare: everyKey },
  incr: { title: 'INCR', request: (key) => ['INCR', keyName(key)] },
  append: { title: 'APPEND', request: (key) => ['APPEND', keyName(key), small(key)] },
  lpush: { title: 'LPUSH', request: (key) => ['LPUSH', collection(key), small(key)] },
  rpop: {
    title: 'RPOP',
    request: (key) => ['RPOP', collection(key)],
    prepare: enoughOf('RPUSH', (at) => [small(at)]),
    consumes: true,
  },
  lrange: {
    title: 'LRANGE of 100',
    request: (key) => ['LRANGE', collection(key), '0', '99'],
    prepare: collections('RPUSH', 100, (at) => [small(at)]),
    share: 1 / 4,
  },
  sadd: { title: 'SADD', request: (key) => ['SADD', collection(key), member(key)] },
  spop: {
    title: 'SPOP',
    request: (key) => ['SPOP', collection(key)],
    prepare: enoughOf('SADD', (at) => [member(at)]),
    consumes: true,
  },
  hset: { title: 'HSET', request: (key) => ['HSET', collection(key), member(key % MEMBERS), small(key)] },
  hgetall: {
    title: 'HGETALL of 20',
    request: (key) => ['HGETALL', collection(key)],
    prepare: collections('HSET', 20, (at) => [member(at), small(at)]),
    share: 1 / 2,
  },
  zadd: {
    title: 'ZADD',
    request: (key) => ['ZADD', collection(key), String(key), member(Math.floor(key / 7) % MEMBERS)],
    prepare: collections('ZADD', MEMBERS, scored),
  },
  zrange: {
    title: 'ZRANGE of 10 of 1,000',
    request: (key) => ['ZRANGE', collection(key), String(key % 990), String((key % 990) + 9)],
    prepare: collections('ZADD', MEMBERS, scored),
  },
  zrangebyscore: {
    title: 'ZRANGEBYSCORE of 10 of 1,000',
    request: (key) => ['ZRANGEBYSCORE', collection(key), String(key % 990), String((key % 990) + 9)],
    prepare: collections('ZADD', MEMBERS, scored),
  },
  xadd: { title: 'XADD', request: (key) => ['XADD', collection(key), '*', 'field', small(key)] },
  xreadgroup: {
    title: 'XREADGROUP of 1',
    request: (key) => ['XREADGROUP', 'GROUP', 'group', 'me', 'COUNT', '1', 'STREAMS', collection(key), '>'],
    prepare: ({ operations }) => ({
      requests: COLLECTIONS + 2 * operations,
      request: (at) =>
        at < COLLECTIONS
          ? ['XGROUP', 'CREATE', collection(at), 'group', '0', 'MKSTREAM']
          : ['XADD', collection(at), '*', 'field', small(at)],
    }),
    consumes: true,
    share: 1 / 2,
  },
  mset: {
    title: 'MSET of 10',
    request: (key) => [
      'MSET',
      ...Array.from({ length: 10 }, (_, i) => [keyName((key + i * 997) % 100_000), small(key)]).flat(),
    ],
    share: 1 / 2,
  },
  eval: { title: 'EVAL', request: (key) => ['EVAL', SCRIPT, '1', keyName(key)], share: 1 / 2 },
  publish: {
    title: 'PUBLISH to 50',
    request: (key) => ['PUBLISH', 'channel', small(key)],
    subscribers: 50,
    share: 1 / 20,
  },
} satisfies Readonly<Record<string, Kind>>;

export type LoadKind = keyof typeof LOAD_KINDS;

export const kindOf = (kind: LoadKind): Kind => LOAD_KINDS[kind];

export const requestOf = (kind: LoadKind, key: number): string => encode(kindOf(kind).request(key));

/** Null: nothing needs to be there. */
export function preparationOf(kind: LoadKind, size: Size): { requests: number; request(at: number): string } | null {
  const preparation = kindOf(kind).prepare?.(size);
  return preparation === undefined
    ? null
    : { requests: preparation.requests, request: (at) => encode(preparation.request(at)) };
}

export const SUBSCRIBE = encode(['SUBSCRIBE', 'channel']);
