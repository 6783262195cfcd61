/**
 * Requests out of the declarations of commands: the documentation trees (COMMAND DOCS) are walked, words come from small pools
 * so that requests meet. `mutated` breaks them: words lost, doubled, exchanged, replaced by junk.
 */

import fc from 'fast-check';
import type { ArgumentDoc } from '../../src/node/commands/arguments.ts';
import type { Command } from '../../src/node/commands/command.ts';

type Words = fc.Arbitrary<string[]>;
type PoolType = 'key' | 'string' | 'integer' | 'double' | 'pattern' | 'unix-time';

/** Words by type of argument, and by its name where the type says too little. */
export interface Pools extends Readonly<Record<PoolType, readonly string[]>> {
  readonly byName: Readonly<Record<string, readonly string[]>>;
}

export const POOLS: Pools = {
  key: ['a', 'b', 'c', 'k\xff\r\n'],
  string: ['', '0', '7', '-12', 'foobar', 'ab\0\xff', '9223372036854775807', '3.0e3', 'x'.repeat(45)],
  integer: ['0', '1', '-1', '2', '3', '5', '-2', '-3', '8', '10', '100', '9223372036854775807', '-9223372036854775808'],
  double: ['0', '1.5', '-2.25', '3e2', 'inf', '-inf', '0.1'],
  pattern: ['*', 'a*', '?', '[ab]', '\\a', 'nosuch'],
  'unix-time': ['4102444800', '4102444800123', '33000000000', '1', '-5'],
  byName: {
    seconds: ['100', '5000', '6000', '1000000', '0', '-1', '9223372036854775807'],
    milliseconds: ['100000', '5000000', '6000000', '0', '-1', '9223372036854775807'],
    cursor: ['0'],
    count: ['1000', '100000'],
  },
};

const JUNK = [
  '',
  ' ',
  '-1',
  '0',
  '1.5',
  'NX',
  'xx',
  'LIMIT',
  '9223372036854775808',
  '-0',
  '01',
  '+1',
  'a b',
  '\0',
  'nan',
  '*',
];
const REPEATED_MAX = 3;

/** Requests of these commands; a command comes as often as it is listed. */
export function requestsFrom(commands: readonly Command[], pools: Pools = POOLS): Words {
  return fc.oneof(...commands.map((command) => requestsOf(command, pools)));
}

/** Mostly as they are, some broken in one place. */
export function mutated(requests: Words): Words {
  const place = fc.nat({ max: 1_000 });
  const broken = fc
    .tuple(
      requests,
      place,
      fc.constantFrom(...JUNK),
      fc.constantFrom('drop', 'double', 'replace', 'insert', 'swap', 'cut'),
    )
    .map(([request, at, junk, how]) => breakWords(request, at, junk, how));
  return fc.oneof({ weight: 3, arbitrary: requests }, { weight: 1, arbitrary: broken });
}

function breakWords(request: readonly string[], place: number, junk: string, how: string): string[] {
  const words = request.slice();
  // The command's name stays: what another command does is not asked here
  const at = 1 + (place % Math.max(1, words.length - 1));
  if (how === 'insert' || words.length < 2) words.splice(at, 0, junk);
  else if (how === 'drop') words.splice(at, 1);
  else if (how === 'double') words.splice(at, 0, words[at]!);
  else if (how === 'replace') words[at] = junk;
  else if (how === 'cut') words.length = at;
  else {
    const other = 1 + ((place * 7) % (words.length - 1));
    [words[at], words[other]] = [words[other]!, words[at]!];
  }
  return words;
}

function requestsOf(command: Command, pools: Pools): Words {
  const { docs } = command;
  const firstOptional = docs.findIndex((_, at) => docs.slice(at).every((doc) => doc.optional === true));
  const fixed = firstOptional < 0 ? docs : docs.slice(0, firstOptional);
  const options = firstOptional < 0 ? [] : docs.slice(firstOptional);
  const parts: Words[] = [inARow(fixed, pools)];
  // Options come in any order, most of them seldom
  if (options.length === 1) parts.push(wordsOf(options[0]!, pools));
  else if (options.length > 1) {
    const some = fc.shuffledSubarray(options, { maxLength: Math.min(options.length, REPEATED_MAX) });
    parts.push(
      some.chain((chosen) =>
        inARow(
          chosen.map((doc) => ({ ...doc, optional: false })),
          pools,
        ),
      ),
    );
  }
  return fc.tuple(fc.boolean(), ...parts).map(([lower, ...words]) => {
    const name = command.name.split(' ');
    return [...(lower ? name.map((word) => word.toLowerCase()) : name), ...words.flat()];
  });
}

function inARow(docs: readonly ArgumentDoc[], pools: Pools): Words {
  const parts: Words[] = [];
  for (let at = 0; at < docs.length; at++) {
    const doc = docs[at]!;
    const next = docs[at + 1];
    if (doc.name === 'numkeys' && next?.multiple === true) {
      parts.push(several(one(next, pools)).map((words) => [String(words.length), ...words]));
      at++;
    } else parts.push(wordsOf(doc, pools));
  }
  return fc.tuple(...parts).map((words) => words.flat());
}

function wordsOf(doc: ArgumentDoc, pools: Pools): Words {
  const { token } = doc;
  const withToken = (words: Words): Words =>
    token === undefined || doc.type === 'pure-token' ? words : words.map((each) => [token, ...each]);
  const single = one(doc, pools);
  const all =
    doc.multiple !== true
      ? withToken(single)
      : doc.multipleToken === true
        ? several(withToken(single))
        : withToken(several(single));
  return doc.optional === true ? fc.oneof(fc.constant<string[]>([]), all) : all;
}

const several = (words: Words): Words =>
  fc.array(words, { minLength: 1, maxLength: REPEATED_MAX }).map((each) => each.flat());

function one(doc: ArgumentDoc, pools: Pools): Words {
  const parts = doc.arguments ?? [];
  if (doc.type === 'pure-token') return fc.constant([doc.token ?? doc.name.toUpperCase()]);
  if (doc.type === 'oneof') return fc.oneof(...parts.map((each) => wordsOf({ ...each, optional: false }, pools)));
  if (doc.type === 'block') return inARow(parts, pools);
  return fc.constantFrom(...(pools.byName[doc.name] ?? pools[doc.type])).map((word) => [word]);
}
