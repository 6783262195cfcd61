/**
 * LCS: the longest common subsequence of two strings, its length, or where its parts lie in both. [redis t_string.c lcsCommand]
 *
 * Which of several longest ones is found follows Redis's walk back through the table: up only where that is strictly better.
 * Limit: the table of (N+1) × (M+1) numbers may take proto-max-bulk-len bytes, as in Redis.
 */

import { MapReply, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { asString } from '../keyspace/keyspace.ts';
import type { Value } from '../keyspace/value.ts';
import { flag, foundBy, integer, key, late, named, option, options } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';

const CELL_BYTES = 4;

interface Match {
  readonly a: readonly [first: number, last: number];
  readonly b: readonly [first: number, last: number];
  readonly length: number;
}

interface Common {
  readonly text: string;
  /** Runs that lie together in both strings, the last ones first. */
  readonly matches: readonly Match[];
}

/** Lengths for every pair of prefixes, row by row. */
function lengths(a: string, b: string): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    const char = a.charCodeAt(i - 1);
    const row = i * width;
    for (let j = 1; j <= b.length; j++) {
      const at = row + j;
      if (char === b.charCodeAt(j - 1)) table[at] = table[at - width - 1]! + 1;
      else table[at] = Math.max(table[at - width]!, table[at - 1]!);
    }
  }
  return table;
}

function walkBack(a: string, b: string, table: Uint32Array): Common {
  const width = b.length + 1;
  const text: string[] = [];
  const matches: Match[] = [];
  let i = a.length;
  let j = b.length;
  let run = 0;
  const endRun = (): void => {
    if (run > 0) matches.push({ a: [i, i + run - 1], b: [j, j + run - 1], length: run });
    run = 0;
  };
  while (i > 0 && j > 0) {
    if (a.charCodeAt(i - 1) === b.charCodeAt(j - 1)) {
      text.push(a[i - 1]!);
      i--;
      j--;
      run++;
      continue;
    }
    endRun();
    if (table[(i - 1) * width + j]! > table[i * width + j - 1]!) i--;
    else j--;
  }
  endRun();
  return { text: text.toReversed().join(''), matches };
}

/** Neither a missing key nor any string is refused. */
function textOf(value: Value | undefined): string {
  if (value !== undefined && typeof value !== 'string' && value.kind !== 'raw') throw refuse('LCS_NOT_STRING');
  return asString(value)?.toString() ?? '';
}

export const lcsCommands: readonly Command[] = [
  defineCommand({
    name: 'LCS',
    group: 'string',
    since: '7.0.0',
    summary: 'Finds the longest common subsequence of two strings.',
    complexity: 'O(N*M) for strings of N and M bytes',
    flags: ['readonly'],
    keySpecs: [{ flags: ['RO', 'access'], begin: { index: 1 }, find: { kind: 'range', last: 1, step: 1, limit: 0 } }],
    arguments: {
      key1: key('RO', 'access'),
      key2: foundBy(0, key('RO', 'access')),
      options: late(
        options({
          len: flag('LEN'),
          idx: flag('IDX'),
          minMatchLen: option('MINMATCHLEN', named('min-match-len', integer())),
          withmatchlen: flag('WITHMATCHLEN'),
        }),
      ),
    },
    run({ keyspace, shard }, given): Reply {
      const values = [keyspace.read(given.key1), keyspace.read(given.key2)]; // both looked up before either is refused
      const [a, b] = values.map(textOf) as [string, string];
      const { len, idx, minMatchLen = 0, withmatchlen } = given.options();
      if (len && idx) throw refuse('LCS_LEN_AND_IDX');
      const cells = (a.length + 1) * (b.length + 1);
      if (cells * CELL_BYTES > shard.config.get('proto-max-bulk-len')) throw refuse('LCS_TOO_LARGE');
      const table = lengths(a, b);
      const length = table[cells - 1]!;
      if (len) return length;
      const common = walkBack(a, b, table);
      if (!idx) return common.text;
      const shown = common.matches.filter((match) => match.length >= minMatchLen);
      const matches = shown.map((match) => (withmatchlen ? [match.a, match.b, match.length] : [match.a, match.b]));
      return new MapReply(['matches', matches, 'len', length]);
    },
  }),
];
