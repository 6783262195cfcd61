/**
 * What is wrong with a config file, in words, and at which character. Border: the rules are in `config-file.ts`, line and column are
 * counted there.
 */

import { isMap, isScalar, visit, type Document, type YAMLParseError } from 'yaml';
import type { z } from 'zod';
import type { ConfigPath } from './options.ts';

export type Issue = z.core.$ZodIssue;

interface PlacedProblem {
  readonly offset: number;
  readonly message: string;
}

/** Start of what the path names, or of the innermost part of it that is there. */
export const offsetOf = (document: Document, path: ConfigPath): number => {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range = (node as { readonly range?: readonly number[] } | null | undefined)?.range;
    if (range?.[0] !== undefined) return range[0];
  }
  return 0;
};

export const yamlMessage = ({ code, message }: YAMLParseError): string =>
  code === 'MULTIPLE_DOCS' ? 'a second document begins here (---): a config file is one document' : message;

/** What else the reader refuses: an alias without its anchor, or so many aliases that they make the file explode. */
export const aliasProblem = (document: Document, error: unknown): PlacedProblem => {
  let offset = 0;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return { offset, message: error instanceof Error ? error.message : String(error) };
};

/** `known` are the keys of each map, by the key that holds it. */
export const issueProblems = (
  document: Document,
  issue: Issue,
  known: ReadonlyMap<string, readonly string[]>,
): readonly PlacedProblem[] => {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const place = path.join('.') || 'the file';
  if (issue.code === 'unrecognized_keys') {
    const holder = path.findLast((part) => typeof part === 'string') ?? '';
    const advice = `; there are: ${(known.get(holder) ?? []).join(', ')}`;
    return issue.keys.map((key) => ({
      offset: keyOffset(document, path, key),
      message: `${place}: unknown key "${key}"${advice}`,
    }));
  }
  return [{ offset: offsetOf(document, path), message: `${place}: ${wordsOf(issue, path)}` }];
};

const WANTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
};

const wordsOf = (issue: Issue, path: ConfigPath): string => {
  const { input } = issue;
  const isPlain = input !== undefined && typeof input !== 'object';
  const given = isPlain && !issue.message.includes(JSON.stringify(input)) ? ` (given: ${JSON.stringify(input)})` : '';
  if (issue.code === 'too_small') return `must ${amountOf(issue.origin)} at least ${issue.minimum}${given}`;
  if (issue.code === 'too_big') return `must ${amountOf(issue.origin)} at most ${issue.maximum}${given}`;
  if (issue.code !== 'invalid_type') return issue.message + given;
  if (path.length === 0 && input === null) return 'empty; the least is clusters: [{ name: east.local }]';
  if (input === undefined) return 'is missing';
  const quotes = issue.expected === 'string' && isPlain ? '; put it in quotes' : '';
  return `must be ${wantedOf(issue.expected, path)}${given}${quotes}`;
};

const amountOf = (origin: string): string =>
  origin === 'array' ? 'have entries,' : origin === 'string' ? 'have characters,' : 'be';

const wantedOf = (expected: string, path: ConfigPath): string => {
  if (expected === 'object' && path.includes('replica_of'))
    return 'cluster/database, redis://host:port, or keys with url';
  return WANTED[expected] ?? 'keys with their values';
};

/** Of a key itself, not of its value. */
const keyOffset = (document: Document, path: ConfigPath, key: string): number => {
  // A source that stands alone is a list of one to the rules.
  for (const at of [path, path.slice(0, -1)]) {
    const map: unknown = at.length === 0 ? document.contents : document.getIn(at, true);
    const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
    const range = (pair?.key as { readonly range?: readonly number[] } | undefined)?.range;
    if (range?.[0] !== undefined) return range[0];
  }
  return offsetOf(document, path);
};
