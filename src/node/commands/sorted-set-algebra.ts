/**
 * Union, intersection and difference of sorted sets and plain sets (whose members count 1), with weights and a choice of how
 * scores come together; answered or stored. [redis t_zset.c zunionInterDiffGenericCommand]
 *
 * The sources of a union and an intersection are gone through from the smallest to the largest: floating-point sums depend on
 * the order, and a replica or a comparison with Redis must find the same digits.
 */

import { Double, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { Dict } from '../keyspace/dict.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { SetValue } from '../keyspace/set.ts';
import { inOrder, SortedSetValue } from '../keyspace/sorted-set.ts';
import { countedKeys, key, pureToken, rest, WordReader, type Argument, type ArgumentDoc } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { cardinalityLimit } from './counts.ts';
import { parseDouble, parseInteger } from './numbers.ts';

type SourceValue = SetValue | SortedSetValue | undefined;

interface Source {
  readonly value: SourceValue;
  weight: number;
}

type Aggregate = 'SUM' | 'MIN' | 'MAX';

interface Options {
  readonly sources: Source[];
  aggregate: Aggregate;
  withScores: boolean;
  limit: number;
}

type Operation = 'union' | 'inter' | 'diff';

/** Adding infinities of both signs gives 0 here. */
function combine(aggregate: Aggregate, score: number, other: number): number {
  if (aggregate === 'SUM') return Number.isNaN(score + other) ? 0 : score + other;
  if (aggregate === 'MIN') return other < score ? other : score;
  return other > score ? other : score;
}

const weighted = (weight: number, score: number): number => (Number.isNaN(weight * score) ? 0 : weight * score);

const sizeOf = (value: SourceValue): number => value?.size ?? 0;

function scoreIn(value: SourceValue, member: string): number | undefined {
  if (value === undefined) return undefined;
  return value.kind === 'zset' ? value.score(member) : value.has(member) ? 1 : undefined;
}

/** Visits members with scores until the visitor says no more. */
function visit(value: SourceValue, visitor: (member: string, score: number) => boolean | void): void {
  for (let i = 0; i < sizeOf(value); i++) {
    const [member, score] = value!.kind === 'zset' ? value!.entryAt(i) : [value!.at(i), 1];
    if (visitor(member, score) === false) return;
  }
}

const fromSmallest = (sources: readonly Source[]): Source[] =>
  sources.toSorted((a, b) => sizeOf(a.value) - sizeOf(b.value));

function unite({ sources, aggregate }: Options): Dict<number> {
  const result = new Dict<number>();
  for (const { value, weight } of fromSmallest(sources)) {
    visit(value, (member, own) => {
      const score = weighted(weight, own);
      const before = result.get(member);
      result.set(member, before === undefined ? score : combine(aggregate, before, score));
    });
  }
  return result;
}

/** Visits common members with their combined scores until the visitor says no more. */
function intersect({ sources, aggregate }: Options, visitor: (member: string, score: number) => boolean | void): void {
  const [smallest, ...others] = fromSmallest(sources);
  visit(smallest!.value, (member, own) => {
    let score = weighted(smallest!.weight, own);
    for (const { value, weight } of others) {
      const other = scoreIn(value, member);
      if (other === undefined) return true;
      score = combine(aggregate, score, other * weight);
    }
    return visitor(member, score);
  });
}

function common(given: Options): Dict<number> {
  const result = new Dict<number>();
  intersect(given, (member, score) => void result.set(member, score));
  return result;
}

function subtract({ sources: [first, ...others] }: Options): Dict<number> {
  const result = new Dict<number>();
  visit(first!.value, (member, score) => {
    if (others.every(({ value }) => scoreIn(value, member) === undefined)) result.set(member, score);
  });
  return result;
}

const COMPUTE: Readonly<Record<Operation, (given: Options) => Dict<number>>> = {
  union: unite,
  inter: common,
  diff: subtract,
};

/** `numkeys key [key …]`; a number that is none, too small or too large has each its own refusal. */
const inputKeys = (): Argument<string[]> => ({
  ...countedKeys(() => refuse('NUMKEYS'), 'RO', 'access'),
  parse(reader) {
    const count = parseInteger(reader.take());
    if (count === null) throw refuse('NOT_INTEGER');
    if (count < 1)
      throw refuse('ERR', `at least 1 input key is needed for '${reader.words[0]!.toLowerCase()}' command`);
    if (count > reader.left) throw refuse('SYNTAX');
    return Array.from({ length: count }, () => reader.take());
  },
});

type Accepts = 'WEIGHTS' | 'AGGREGATE' | 'WITHSCORES' | 'LIMIT';

const OPTION_DOCS: Readonly<Record<Accepts, ArgumentDoc>> = {
  WEIGHTS: { name: 'weight', type: 'integer', token: 'WEIGHTS', optional: true, multiple: true },
  AGGREGATE: {
    name: 'aggregate',
    type: 'oneof',
    token: 'AGGREGATE',
    optional: true,
    arguments: ['SUM', 'MIN', 'MAX'].map((token) => pureToken(token)),
  },
  WITHSCORES: { name: 'withscores', type: 'pure-token', token: 'WITHSCORES', optional: true },
  LIMIT: { name: 'limit', type: 'integer', token: 'LIMIT', optional: true },
};

/** Read by hand, after the keys: how many weights there are depends on them, and their types are refused first. */
const laterOptions = (accepts: readonly Accepts[]): Argument<readonly string[]> => ({
  ...rest({ type: 'string' }),
  doc: { type: 'block', optional: true, arguments: accepts.map((each) => OPTION_DOCS[each]) },
});

/** Looks the keys up and reads the options. */
function prepare(
  keyspace: Keyspace,
  keys: readonly string[],
  words: readonly string[],
  accepts: readonly Accepts[],
): Options {
  const sources = keys.map((each): Source => {
    const value = keyspace.read(each);
    if (value !== undefined && (typeof value === 'string' || (value.kind !== 'set' && value.kind !== 'zset'))) {
      throw refuse('WRONGTYPE');
    }
    return { value, weight: 1 };
  });
  const given: Options = { sources, aggregate: 'SUM', withScores: false, limit: 0 };
  const reader = new WordReader(words, 0);
  while (reader.left > 0) {
    const token = reader.take().toUpperCase();
    if (!(accepts as readonly string[]).includes(token)) throw refuse('SYNTAX');
    readOption(given, token as Accepts, reader);
  }
  return given;
}

function readOption(given: Options, token: Accepts, reader: WordReader): void {
  switch (token) {
    case 'WEIGHTS':
      if (reader.left < given.sources.length) throw refuse('SYNTAX');
      for (const source of given.sources) {
        const weight = parseDouble(reader.take());
        if (weight === null) throw refuse('ERR', 'weight value is not a float');
        source.weight = weight;
      }
      return;
    case 'AGGREGATE': {
      const aggregate = reader.take().toUpperCase();
      if (aggregate !== 'SUM' && aggregate !== 'MIN' && aggregate !== 'MAX') throw refuse('SYNTAX');
      given.aggregate = aggregate;
      return;
    }
    case 'WITHSCORES':
      given.withScores = true;
      return;
    case 'LIMIT':
      given.limit = cardinalityLimit().parse(reader);
  }
}

interface Declared {
  readonly name: string;
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  readonly operation: Operation;
}

const WEIGHING: readonly Accepts[] = ['WEIGHTS', 'AGGREGATE'];

function answering({ operation, ...declared }: Declared): Command {
  const accepts: readonly Accepts[] = operation === 'diff' ? ['WITHSCORES'] : [...WEIGHING, 'WITHSCORES'];
  return defineCommand({
    ...declared,
    group: 'sorted-set',
    flags: ['readonly', 'movablekeys'],
    arguments: { keys: inputKeys(), options: laterOptions(accepts) },
    run({ keyspace, session }, { keys, options }): Reply {
      const given = prepare(keyspace, keys, options, accepts);
      const reply: Reply[] = [];
      const [members, scores] = inOrder(COMPUTE[operation](given));
      if (!given.withScores) return members;
      for (const [i, member] of members.entries()) {
        const score = new Double(scores[i]!);
        if (session.protocol === 3) reply.push([member, score]);
        else reply.push(member, score);
      }
      return reply;
    },
  });
}

function storing({ operation, ...declared }: Declared): Command {
  const accepts = operation === 'diff' ? [] : WEIGHING;
  return defineCommand({
    ...declared,
    group: 'sorted-set',
    flags: ['write', 'denyoom', 'movablekeys'],
    arguments: { destination: key('OW', 'update'), keys: inputKeys(), options: laterOptions(accepts) },
    run({ keyspace }, { destination, keys, options }) {
      const [members, scores] = inOrder(COMPUTE[operation](prepare(keyspace, keys, options, accepts)));
      const result = SortedSetValue.from(members, scores, keyspace.limits);
      if (result.size > 0) keyspace.put(destination, result);
      else keyspace.remove(destination);
      return result.size;
    },
  });
}

const UNION_COST = 'O(N)+O(M*log(M)) where N is the number of members in all sources and M that of the result.';
const INTERSECTION_COST =
  'O(N*K)+O(M*log(M)) where N is the size of the smallest source, K the number of sources and M the size of the result.';
const DIFFERENCE_COST =
  'O(N*K)+O(M*log(M)) where N is the size of the first source, K the number of sources and M the size of the result.';

export const sortedSetAlgebraCommands: readonly Command[] = [
  answering({
    name: 'ZUNION',
    since: '6.2.0',
    summary: 'Returns the members that any of the sorted sets has.',
    complexity: UNION_COST,
    operation: 'union',
  }),
  answering({
    name: 'ZINTER',
    since: '6.2.0',
    summary: 'Returns the members that all sorted sets have.',
    complexity: INTERSECTION_COST,
    operation: 'inter',
  }),
  answering({
    name: 'ZDIFF',
    since: '6.2.0',
    summary: 'Returns the members of the first sorted set that none of the others has.',
    complexity: DIFFERENCE_COST,
    operation: 'diff',
  }),
  storing({
    name: 'ZUNIONSTORE',
    since: '2.0.0',
    summary: 'Stores the members that any of the sorted sets has in a key.',
    complexity: UNION_COST,
    operation: 'union',
  }),
  storing({
    name: 'ZINTERSTORE',
    since: '2.0.0',
    summary: 'Stores the members that all sorted sets have in a key.',
    complexity: INTERSECTION_COST,
    operation: 'inter',
  }),
  storing({
    name: 'ZDIFFSTORE',
    since: '6.2.0',
    summary: 'Stores the members of the first sorted set that none of the others has in a key.',
    complexity: DIFFERENCE_COST,
    operation: 'diff',
  }),

  defineCommand({
    name: 'ZINTERCARD',
    group: 'sorted-set',
    since: '7.0.0',
    summary: 'Returns how many members all sorted sets have in common, counting up to a limit.',
    complexity: 'O(N*K) where N is the size of the smallest source and K the number of sources.',
    flags: ['readonly', 'movablekeys'],
    arguments: { keys: inputKeys(), options: laterOptions(['LIMIT']) },
    run({ keyspace }, { keys, options }) {
      const given = prepare(keyspace, keys, options, ['LIMIT']);
      let count = 0;
      intersect(given, () => ++count !== given.limit);
      return count;
    },
  }),
];
