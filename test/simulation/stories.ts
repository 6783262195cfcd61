/** Stories at random: writes from small pools so that commands meet, and faults of every kind. */

import fc from 'fast-check';
import type { Step, Story } from './deployment.ts';

/** Keys of one source never meet those of another: sources are not reconciled. Keys with the same tag share a slot. */
const keyOf = (source: number) => fc.constantFrom('a', 'b', 'c', 'd').map((name) => `s${source}:${name}`);
const taggedKey = (source: number) => fc.constantFrom('x', 'y').map((name) => `{s${source}}${name}`);
const word = fc.constantFrom('1', '2', 'one', 'two', '\r\n', '\0\xff', '');
const small = fc.integer({ min: -3, max: 9 }).map(String);

function request(source: number): fc.Arbitrary<readonly string[]> {
  const key = keyOf(source);
  const typed = (type: string) => key.map((each) => `${each}:${type}`);
  return fc.oneof(
    fc.tuple(fc.constant('INCR'), typed('n')),
    fc.tuple(fc.constant('APPEND'), typed('t'), word),
    fc.tuple(fc.constantFrom('RPUSH', 'LPUSH'), typed('l'), word, word),
    fc.tuple(fc.constantFrom('RPOP', 'LPOP'), typed('l')),
    fc.tuple(fc.constant('SADD'), typed('s'), word, word),
    fc.tuple(fc.constant('SPOP'), typed('s')),
    fc.tuple(fc.constant('HINCRBY'), typed('h'), word, small),
    fc.tuple(fc.constant('ZINCRBY'), typed('z'), small, word),
    fc.tuple(fc.constant('SET'), typed('t'), word),
    fc.tuple(fc.constant('SET'), typed('e'), word, fc.constant('PX'), fc.integer({ min: 1, max: 3000 }).map(String)),
    fc.tuple(fc.constant('PEXPIRE'), typed('n'), fc.integer({ min: 1, max: 3000 }).map(String)),
    fc.tuple(fc.constant('DEL'), typed('n'), typed('l'), typed('s')),
    fc.tuple(fc.constant('MSET'), typed('t'), word, typed('t'), word),
    fc.tuple(fc.constant('RENAME'), taggedKey(source), taggedKey(source)),
    fc.tuple(fc.constant('SET'), taggedKey(source), word),
  );
}

const transaction = (source: number): fc.Arbitrary<readonly (readonly string[])[]> =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom('INCRBY', 'DECRBY'),
        taggedKey(source).map((key) => `${key}:n`),
        small,
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((writes) => [['MULTI'], ...writes, ['EXEC']]);

const write = (sources: number): fc.Arbitrary<Step> =>
  fc
    .nat(sources - 1)
    .chain((source) =>
      fc
        .oneof(
          { weight: 6, arbitrary: fc.array(request(source), { minLength: 1, maxLength: 6 }) },
          { weight: 1, arbitrary: transaction(source) },
        )
        .map((words): Step => ({ do: 'write', source, words })),
    );

const fault = (sources: number): fc.Arbitrary<Step> =>
  fc.oneof(
    fc.record({
      do: fc.constant('cut' as const),
      side: fc.constantFrom('source' as const, 'destination' as const),
      how: fc.constantFrom('reset' as const, 'reset' as const, 'silent' as const),
    }),
    fc.record({
      do: fc.constant('partition' as const),
      source: fc.nat(sources - 1),
      ways: fc.constantFrom('one-way' as const, 'both-ways' as const),
      ms: fc.integer({ min: 1, max: 5000 }),
    }),
    fc.constant<Step>({ do: 'restart-syncer' }),
    fc.nat(sources - 1).map((source): Step => ({ do: 'flood', source })),
    fc.nat(2).map((target): Step => ({ do: 'empty-target', target })),
    fc.nat(sources - 1).map((source): Step => ({ do: 'new-history', source })),
    fc.nat(sources - 1).map((source): Step => ({ do: 'promote', source })),
  );

export const storyOf = (sources: number): fc.Arbitrary<Story> =>
  fc.record({
    seed: fc.nat(),
    sources: fc.constant(sources),
    targets: fc.integer({ min: 1, max: 3 }),
    conditions: fc.record({
      latencyMs: fc.constantFrom(0, 1, 20),
      jitterMs: fc.constantFrom(0, 5),
      chunking: fc.constantFrom('whole' as const, 'random' as const, 'random' as const, 'bytes' as const),
    }),
    steps: fc.array(
      fc.oneof(
        { weight: 8, arbitrary: write(sources) },
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 1500 }).map((ms): Step => ({ do: 'wait', ms })) },
        { weight: 2, arbitrary: fault(sources) },
      ),
      { minLength: 1, maxLength: 30 },
    ),
  });
