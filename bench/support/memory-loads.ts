/** Data that shards typically hold, as the requests that make them: `elements` says how many elements in all, whatever holds them. */

export type Words = readonly string[];

const VALUE = 'v'.repeat(100);
const PER_REQUEST = 100;

const repeated = function* (count: number, request: (at: number) => Words): Generator<Words> {
  for (let at = 0; at < count; at++) yield request(at);
};

/** One key of so many elements, added by many at a time. */
const large = function* (command: string, elements: number, words: (at: number) => Words): Generator<Words> {
  for (let at = 0; at < elements; at += PER_REQUEST) {
    const last = Math.min(elements, at + PER_REQUEST);
    yield [command, 'large', ...Array.from({ length: last - at }, (_, i) => words(at + i)).flat()];
  }
};

/** Keys of so many elements each. */
const small = function* (
  command: string,
  elements: number,
  perKey: number,
  words: (at: number) => Words,
): Generator<Words> {
  for (let key = 0; key < elements / perKey; key++) {
    yield [command, `key:${key}`, ...Array.from({ length: perKey }, (_, at) => words(at)).flat()];
  }
};

export const MEMORY_LOADS = {
  'strings of 100 bytes': (elements: number) => repeated(elements, (at) => ['SET', `key:${at}`, VALUE]),
  'strings of 100 bytes that expire': (elements: number) =>
    repeated(elements, (at) => ['SET', `key:${at}`, VALUE, 'EX', '100000']),
  'strings of 10 KiB': (elements: number) =>
    repeated(elements / 50, (at) => ['SET', `key:${at}`, `${at}`.repeat(10_240 / `${at}`.length)]),
  counters: (elements: number) => repeated(elements, (at) => ['INCRBY', `counter:${at}`, String(at * 1_000)]),
  'strings grown by APPEND': (elements: number) => repeated(elements, (at) => ['APPEND', `key:${at >> 2}`, VALUE]),
  'hashes of 20 fields': (elements: number) =>
    small('HSET', elements, 20, (at) => [`field:${at}`, 'a value of some bytes']),
  'hash of all': (elements: number) => large('HSET', elements, (at) => [`field:${at}`, 'a value of some bytes']),
  'sets of 50': (elements: number) => small('SADD', elements, 50, (at) => [`member:${at}`]),
  'set of all': (elements: number) => large('SADD', elements, (at) => [`member:${at}`]),
  'sorted sets of 50': (elements: number) => small('ZADD', elements, 50, (at) => [`${at}.5`, `member:${at}`]),
  'sorted set of all': (elements: number) => large('ZADD', elements, (at) => [`${at}.5`, `member:${at}`]),
  'lists of 50': (elements: number) => small('RPUSH', elements, 50, (at) => [`item:${at}`]),
  'list of all': (elements: number) => large('RPUSH', elements, (at) => [`item:${at}`]),
} satisfies Readonly<Record<string, (elements: number) => Iterable<Words>>>;

export type MemoryLoad = keyof typeof MEMORY_LOADS;
