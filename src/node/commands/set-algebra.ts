/**
 * Intersection, union and difference of sets, answered or stored. A key that is not there is an empty set; every key's type is
 * looked at before anything is computed. [redis t_set.c sinterGenericCommand, sunionDiffGenericCommand]
 */

import { SetReply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { EncodingLimits } from '../keyspace/encoding-limits.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { SetValue } from '../keyspace/set.ts';
import { countedKeys, key, many, option, options, type Argument } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { cardinalityLimit } from './counts.ts';
import { parseInteger } from './numbers.ts';

type Sets = readonly (SetValue | undefined)[];

/** Visits the common members, in the order of the smallest set, until the visitor says no more. */
function intersect(sets: Sets, visit: (member: string) => boolean | void): void {
  if (sets.includes(undefined)) return;
  const [smallest, ...others] = (sets as SetValue[]).toSorted((a, b) => a.size - b.size);
  for (let i = 0; i < smallest!.size; i++) {
    const member = smallest!.at(i);
    if (others.every((set) => set.has(member)) && visit(member) === false) return;
  }
}

/** The results of a union and a difference grow from an empty set of integers, as Redis's do. */
function unite(sets: Sets, limits: EncodingLimits): SetValue {
  const result = SetValue.from([], limits);
  for (const set of sets) {
    if (set === undefined) continue;
    for (let i = 0; i < set.size; i++) result.add(set.at(i), limits);
  }
  return result;
}

function subtract([first, ...others]: Sets, limits: EncodingLimits): SetValue {
  const result = SetValue.from([], limits);
  if (first === undefined || others.includes(first)) return result;
  const taken = others.filter((set) => set !== undefined);
  for (let i = 0; i < first.size; i++) {
    const member = first.at(i);
    if (!taken.some((set) => set.has(member))) result.add(member, limits);
  }
  return result;
}

function common(sets: Sets, limits: EncodingLimits): SetValue {
  const members: string[] = [];
  intersect(sets, (member) => void members.push(member));
  return SetValue.from(members, limits);
}

const read = (keyspace: Keyspace, keys: readonly string[]): Sets => keys.map((each) => keyspace.readSet(each));

type Compute = (sets: Sets, limits: EncodingLimits) => SetValue;

const answering = (name: string, compute: Compute, summary: string, complexity: string): Command =>
  defineCommand({
    name,
    group: 'set',
    since: '1.0.0',
    summary,
    complexity,
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output_order'] },
    arguments: { key: many(key('RO', 'access')) },
    run: ({ keyspace }, given) => new SetReply(compute(read(keyspace, given.key), keyspace.limits).members()),
  });

const storing = (name: string, compute: Compute, summary: string, complexity: string): Command =>
  defineCommand({
    name,
    group: 'set',
    since: '1.0.0',
    summary,
    complexity,
    flags: ['write', 'denyoom'],
    arguments: { destination: key('OW', 'update'), key: many(key('RO', 'access')) },
    run({ keyspace }, { destination, key: keys }) {
      const result = compute(read(keyspace, keys), keyspace.limits);
      if (result.size > 0) keyspace.put(destination, result);
      else keyspace.remove(destination);
      return result.size;
    },
  });

/** `numkeys key [key …]` with the two refusals of SINTERCARD. */
const intersected: Argument<string[]> = {
  ...countedKeys(() => refuse('NUMKEYS'), 'RO', 'access'),
  parse(reader) {
    const count = parseInteger(reader.take());
    if (count === null || count <= 0) throw refuse('NUMKEYS');
    if (count > reader.left) throw refuse('ERR', "Number of keys can't be greater than number of args");
    return Array.from({ length: count }, () => reader.take());
  },
};

const INTERSECTION_COST = 'O(N*M) where N is the size of the smallest set and M the number of sets.';
const SUM_COST = 'O(N) where N is the number of members in all sets.';

export const setAlgebraCommands: readonly Command[] = [
  answering('SINTER', common, 'Returns the members that all sets have.', INTERSECTION_COST),
  answering('SUNION', unite, 'Returns the members that any of the sets has.', SUM_COST),
  answering('SDIFF', subtract, 'Returns the members of the first set that none of the others has.', SUM_COST),
  storing('SINTERSTORE', common, 'Stores the members that all sets have in a key.', INTERSECTION_COST),
  storing('SUNIONSTORE', unite, 'Stores the members that any of the sets has in a key.', SUM_COST),
  storing(
    'SDIFFSTORE',
    subtract,
    'Stores the members of the first set that none of the others has in a key.',
    SUM_COST,
  ),

  defineCommand({
    name: 'SINTERCARD',
    group: 'set',
    since: '7.0.0',
    summary: 'Returns how many members all sets have in common, counting up to a limit.',
    complexity: INTERSECTION_COST,
    flags: ['readonly', 'movablekeys'],
    arguments: { keys: intersected, options: options({ limit: option('LIMIT', cardinalityLimit()) }) },
    run({ keyspace }, { keys, options: { limit = 0 } }) {
      let count = 0;
      intersect(read(keyspace, keys), () => ++count !== limit);
      return count;
    },
  }),
];
