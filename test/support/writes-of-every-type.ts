/** Values of every type under given keys, so that requests drawn from declarations meet something: the right type or a wrong one. */

import fc from 'fast-check';

const WORDS = ['1', '2', '10', '-3', '2', '7', 'a', 'b', 'c', 'ab\0\xff'];

export function writesOfEveryType(keys: readonly string[]): fc.Arbitrary<string[]> {
  const key = fc.constantFrom(...keys);
  const word = fc.constantFrom(...WORDS);
  const several = fc.array(word, { minLength: 1, maxLength: 5 });
  return fc.oneof(
    fc.tuple(key, several).map(([name, items]) => ['RPUSH', name, ...items]),
    fc.tuple(key, several).map(([name, items]) => ['SADD', name, ...items]),
    fc.tuple(key, several).map(([name, items]) => ['HSET', name, ...items.flatMap((item) => [`f${item}`, item])]),
    fc.tuple(key, several).map(([name, items]) => ['ZADD', name, ...items.flatMap((item, at) => [String(at), item])]),
    fc.tuple(key, word).map(([name, text]) => ['SET', name, text]),
    fc.tuple(key, word).map(([name, text]) => ['SET', name, text, 'EX', '1000']),
    key.map((name) => ['DEL', name]),
  );
}
