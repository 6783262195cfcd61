/**
 * The commands of a shard beside those of Redis 7.4: which are absent, which are simplified, and where COMMAND tells something else
 * than a redis-server of another version, each with its reason. FIDELITY.md's tables are made of this and of the declarations
 * (`npm run docs`), and the comparison with redis-server lets nothing pass that is not here.
 */

import type { CommandTable } from '../../src/node/commands/table.ts';
import type { Fact } from './command-facts.ts';

/** By name; a container stands for its subcommands. */
export const ABSENT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'VADD',
      'VCARD',
      'VDIM',
      'VEMB',
      'VGETATTR',
      'VINFO',
      'VISMEMBER',
      'VLINKS',
      'VRANDMEMBER',
      'VREM',
      'VSETATTR',
      'VSIM',
    ].map((name) => [name, 'vector sets of 8.0: newer than 7.4']),
  ),
};

/** By name, `*` for any container; everything that is neither here nor absent is the same. */
export const SIMPLIFIED: Readonly<Record<string, string>> = {
  '* HELP': 'in words of its own',
  'COMMAND DOCS': 'summaries, complexities and names of arguments in words of its own, without history',
  'CONFIG SET': 'parameters listed as `INERT` in `src/node/shard/config-parameters.ts` change nothing',
  DEBUG: 'what is harmless, and always allowed: nothing crashes or corrupts',
  EVAL: 'see “details of scripts” above',
  EVALSHA: 'as EVAL',
  EVALSHA_RO: 'as EVAL',
  EVAL_RO: 'as EVAL',
  'CLIENT TRACKING':
    'beyond `tracking-table-max-keys` the keys read longest ago are told as changed, where Redis takes some by chance',
  INFO: 'real numbers only: a field that would be invented is left out; memory is an estimate',
  'LATENCY DOCTOR': 'advice in words of its own',
  LOLWUT: 'the version, without the art',
  'MODULE LOAD': 'refused in the words of a server that does not allow it: there are no modules',
  'MODULE LOADEX': 'as MODULE LOAD',
  'MODULE UNLOAD': 'as MODULE LOAD',
  'MEMORY DOCTOR': 'advice in words of its own, about what a shard has',
  'MEMORY PURGE': 'accepted: memory is given back without it',
  'MEMORY STATS': 'without the fields of an allocator',
  MIGRATE: 'only its client waits, and not inside MULTI: see above',
  'MEMORY USAGE': 'an estimate of what V8 takes; nothing is sampled',
  'OBJECT REFCOUNT':
    'goes by the value alone: a small integer that COPY made is as shared as any, where Redis counts one',
  RESTORE: 'refuses some payloads that Redis takes: see above',
  SAVE: 'stops its own client alone',
  'MEMORY MALLOC-STATS': 'says that there are none: memory is given out by V8',
  'SCRIPT DEBUG': 'only NO is taken: there is no debugger',
  SORT: 'BY … ALPHA … STORE is replicated as the list it made',
};

/** Names that no Redis has. */
export const OWN: Readonly<Record<string, string>> = {
  ANTIPODE: 'for endpoints and Replica Of: marks, flushes, users of scripts',
};

export interface FactDifference {
  /** Full names as COMMAND says them. */
  readonly commands: string;
  readonly facts: readonly Fact[];
  /** Of which redis-server: `older` than 7.4, `newer`, or any. */
  readonly than: 'older' | 'newer' | 'any';
  readonly reason: string;
}

export const FACT_DIFFERENCES: readonly FactDifference[] = [
  {
    commands: 'blmove blpop brpop brpoplpush bzpopmax bzpopmin',
    facts: ['flags'],
    than: 'older',
    reason: 'scripts may call them since 7.2, where they do not wait',
  },
  { commands: 'wait', facts: ['flags', 'categories'], than: 'older', reason: 'scripts may call it since 7.2' },
  {
    commands: 'acl|deluser acl|save acl|setuser config|resetstat config|rewrite latency|reset msetnx randomkey scan',
    facts: ['tips'],
    than: 'older',
    reason: 'policies were corrected',
  },
  {
    commands: 'cluster|shards cluster|slots',
    facts: ['flags'],
    than: 'older',
    reason: 'asked while data are loaded, too',
  },
  {
    commands: 'sinterstore',
    facts: ['key specifications'],
    than: 'older',
    reason: 'its destination is overwritten, not read',
  },
  { commands: 'zrank zrevrank', facts: ['arity', 'arguments'], than: 'older', reason: 'WITHSCORE of 7.2' },
  {
    commands: 'command|getkeys command|getkeysandflags',
    facts: ['arity', 'arguments'],
    than: 'older',
    reason: 'a request may be one word',
  },
  { commands: 'client|pause', facts: ['since'], than: 'older', reason: 'the first release that had it, not a preview' },
  { commands: 'hscan', facts: ['arguments'], than: 'older', reason: 'NOVALUES of 7.4' },
  { commands: 'quit', facts: ['deprecation'], than: 'older', reason: 'deprecated by 7.2' },
  {
    commands: 'psetex setex setnx',
    facts: ['deprecation'],
    than: 'older',
    reason: 'said to be deprecated since 7.2',
  },
  {
    commands:
      'bitop client|list config|get geohash geopos georadius georadiusbymember module|loadex pfmerge psubscribe xinfo|stream',
    facts: ['arguments'],
    than: 'older',
    reason: 'documented better since; they take the same words',
  },
  {
    commands: 'client|kill',
    facts: ['arguments'],
    than: 'older',
    reason: 'MAXAGE of 7.4, and the words that SKIPME takes',
  },
  { commands: 'client|setname', facts: ['tips'], than: 'newer', reason: 'concerns one connection of an endpoint' },
];

const spoken = (fullName: string): string => fullName.toUpperCase().replace('|', ' ');
const code = (text: string): string => `\`${text}\``;
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

export const isAbsent = (name: string): boolean => {
  const spokenName = spoken(name);
  return Object.hasOwn(ABSENT, spokenName) || Object.hasOwn(ABSENT, spokenName.split(' ')[0]!);
};

const isSimplified = (name: string): boolean =>
  Object.hasOwn(SIMPLIFIED, name) || Object.hasOwn(SIMPLIFIED, name.replace(/^\S+(?= )/, '*'));

/** Names listed as simplified that no command has, and names listed as absent that one has. */
export function wrongNames(table: CommandTable): string[] {
  const names = new Set(table.everything().map(({ name }) => name));
  const isKnown = (name: string): boolean =>
    name.startsWith('* ') ? [...names].some((each) => each.endsWith(name.slice(1))) : names.has(name);
  return [
    ...[...Object.keys(SIMPLIFIED), ...Object.keys(OWN)].filter((name) => !isKnown(name)),
    ...Object.keys(ABSENT).filter((name) => names.has(name)),
  ];
}

/** Names with the same text share a row. */
function byText(texts: Readonly<Record<string, string>>): [names: string, text: string][] {
  const names = new Map<string, string[]>();
  for (const [name, text] of Object.entries(texts)) names.set(text, [...(names.get(text) ?? []), name]);
  return [...names].map(([text, all]) => [all.map(code).join(', '), text]);
}

/** The tables for FIDELITY.md. */
export function commandTables(table: CommandTable): string {
  const own = new Set(Object.keys(OWN));
  const same = new Map<string, string[]>();
  for (const { name, group, subcommands, arity } of table.everything()) {
    const isContainer = subcommands !== null && arity === -2;
    if (isContainer || isSimplified(name) || own.has(name.split(' ')[0]!)) continue;
    same.set(group, [...(same.get(group) ?? []), name]);
  }
  const than = { older: 'older than 7.4', newer: 'newer than 7.4', any: 'any' } as const;
  return [
    row('group', 'commands that are the same'),
    row('---', '---'),
    ...[...same].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([group, names]) => row(group, names.join(', '))),
    '',
    row('command', 'here', 'reason'),
    row('---', '---', '---'),
    ...byText(SIMPLIFIED).map(([names, reason]) => row(names, 'simplified', reason)),
    ...byText(ABSENT).map(([names, reason]) => row(names, 'absent', reason)),
    ...byText(OWN).map(([names, reason]) => row(names, 'ours alone', reason)),
    '',
    'Where COMMAND and COMMAND DOCS say otherwise than a redis-server does:',
    '',
    row('command', 'what', 'than versions', 'reason'),
    row('---', '---', '---', '---'),
    ...FACT_DIFFERENCES.map((each) =>
      row(
        each.commands.split(' ').map(spoken).map(code).join(', '),
        each.facts.join(', '),
        than[each.than],
        each.reason,
      ),
    ),
  ].join('\n');
}
