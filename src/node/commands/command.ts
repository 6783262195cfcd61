/**
 * A command, declared once. The declaration is read for parsing, arity, key positions, COMMAND and COMMAND DOCS, the proxy's
 * routing, generated documentation and generated tests; adding a command touches its group's file and that group's test.
 */

import type { Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { ScriptFlag } from '../scripting/flags.ts';
import type { CommandContext } from '../shard/context.ts';
import type { Shard } from '../shard/shard.ts';
import {
  kebabCase,
  WordReader,
  type Argument,
  type ArgumentDoc,
  type KeyFlag,
  type Parsed,
  type Shape,
} from './arguments.ts';

export type Group =
  | 'string'
  | 'generic'
  | 'list'
  | 'hash'
  | 'set'
  | 'sorted-set'
  | 'stream'
  | 'bitmap'
  | 'hyperloglog'
  | 'geo'
  | 'transactions'
  | 'scripting'
  | 'pubsub'
  | 'connection'
  | 'server'
  | 'cluster'
  | 'replication';

/**
 * Redis's command flags. `write` and `denyoom` are obeyed by the checks, the others are shown by COMMAND and obeyed where they say;
 * `may_replicate` (no write, yet replicas may hear of it) and `touches_arbitrary_keys` (keys that expire meanwhile have nothing to do
 * with each other) are not shown.
 */
export type Flag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'fast'
  | 'no_auth'
  | 'no_multi'
  | 'no_async_loading'
  | 'may_replicate'
  | 'movablekeys'
  | 'no_mandatory_keys'
  | 'asking'
  | 'sort_for_script'
  | 'allow_busy'
  | 'touches_arbitrary_keys';

/** Where keys are, as COMMAND INFO's key specifications say it. */
export interface KeySpec {
  readonly flags: readonly KeyFlag[];
  readonly begin: { readonly index: number } | { readonly keyword: string; readonly from: number };
  readonly find:
    | { readonly kind: 'range'; readonly last: number; readonly step: number; readonly limit: number }
    | { readonly kind: 'keynum'; readonly keynum: number; readonly first: number; readonly step: number }
    | { readonly kind: 'unknown' };
  readonly notes?: string;
}

/** Which words are channels, and what the command does with them [redis db.c getChannelsFromCommand]. */
export interface ChannelSpec {
  readonly first: number;
  /** Only the first, or every word to the end. */
  readonly count: 'one' | 'rest';
  readonly use: 'publish' | 'subscribe' | 'unsubscribe';
  readonly isPattern: boolean;
}

/** What a proxy in front of several shards does with the command [redis command tips]. */
export interface Tips {
  readonly request?: 'all_shards' | 'all_nodes' | 'multi_shard' | 'special';
  readonly response?:
    | 'one_succeeded'
    | 'all_succeeded'
    | 'agg_sum'
    | 'agg_min'
    | 'agg_max'
    | 'agg_logical_and'
    | 'agg_logical_or'
    | 'special';
  readonly other?: readonly ('nondeterministic_output' | 'nondeterministic_output_order')[];
}

export interface CommandDeclaration<S extends Shape> {
  /** `GET`, or `OBJECT ENCODING` for a subcommand: the container is made from its parts. */
  readonly name: string;
  readonly group: Group;
  readonly since: string;
  readonly summary: string;
  readonly complexity?: string;
  readonly flags: readonly Flag[];
  /** ACL categories beyond those that follow from flags and group. */
  readonly categories?: readonly string[];
  /** Only where it does not follow from the arguments. */
  readonly arity?: number;
  /** Only where they do not follow from the arguments. */
  readonly keySpecs?: readonly KeySpec[];
  /** Only where no key specification can say it (SORT … STORE): positions of all keys. */
  readonly keyPositions?: (words: readonly string[]) => number[];
  /** Only with `variable_flags`: what this very request does to its keys. */
  readonly keyFlags?: (words: readonly string[]) => readonly KeyFlag[];
  readonly channels?: ChannelSpec;
  /** The option by which a request reads keys that its words do not name; null: none does. */
  readonly reachesBy?: (words: readonly string[]) => string | null;
  /** Only where the flags do not say it: whether this very request may change data. */
  readonly mayWrite?: (shard: Shard, words: readonly string[]) => boolean;
  /** What the script or function that a request runs tells of itself; null: nothing, or there is none. */
  readonly scriptFlags?: (shard: Shard, words: readonly string[]) => ReadonlySet<ScriptFlag> | null;
  readonly tips?: Tips;
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** Said by servers and their developers, not by applications. */
  readonly isForServers?: boolean;
  readonly arguments: S;
  /** A way past the grammar for the commonest form of the hottest commands; undefined goes the usual way. */
  readonly quick?: (context: CommandContext, words: readonly string[]) => Reply | undefined;
  run(context: CommandContext, given: Parsed<S>, words: readonly string[]): Reply;
}

export interface Command {
  readonly name: string;
  /** Lower case, `container|subcommand` for a subcommand. */
  readonly fullName: string;
  readonly group: Group;
  readonly since: string;
  readonly summary: string;
  readonly complexity: string | undefined;
  readonly flags: ReadonlySet<Flag>;
  readonly categories: readonly string[];
  readonly arity: number;
  readonly keySpecs: readonly KeySpec[];
  readonly keyFlags: ((words: readonly string[]) => readonly KeyFlag[]) | undefined;
  readonly channels: ChannelSpec | undefined;
  readonly reachesBy: ((words: readonly string[]) => string | null) | undefined;
  readonly mayWrite: ((shard: Shard, words: readonly string[]) => boolean) | undefined;
  readonly scriptFlags: CommandDeclaration<Shape>['scriptFlags'];
  readonly tips: Tips;
  readonly deprecated: { readonly since: string; readonly replacedBy: string } | undefined;
  readonly isForServers: boolean;
  readonly docs: readonly ArgumentDoc[];
  readonly subcommands: ReadonlyMap<string, Command> | null;
  readonly isWrite: boolean;
  readonly isRead: boolean;
  readonly quick: ((context: CommandContext, words: readonly string[]) => Reply | undefined) | undefined;
  /** Positions of the keys among the words; throws a refusal when they cannot be found. */
  keyPositions(words: readonly string[]): number[];
  run(context: CommandContext, words: readonly string[]): Reply;
}

export function defineCommand<const S extends Shape>(declaration: CommandDeclaration<S>): Command {
  const parts = declaration.name.split(' ');
  const skip = parts.length;
  const entries = Object.entries(declaration.arguments);
  const arity =
    declaration.arity ??
    arityOf(
      skip,
      entries.map(([, argument]) => argument),
    );
  const keySpecs = declaration.keySpecs ?? keySpecsOf(skip, entries);
  const { run } = declaration;
  return {
    name: declaration.name,
    fullName: parts.join('|').toLowerCase(),
    group: declaration.group,
    since: declaration.since,
    summary: declaration.summary,
    complexity: declaration.complexity,
    flags: new Set(declaration.flags),
    categories: declaration.categories ?? [],
    arity,
    keySpecs,
    keyFlags: declaration.keyFlags,
    channels: declaration.channels,
    reachesBy: declaration.reachesBy,
    mayWrite: declaration.mayWrite,
    scriptFlags: declaration.scriptFlags,
    tips: declaration.tips ?? {},
    deprecated: declaration.deprecated,
    isForServers: declaration.isForServers ?? false,
    docs: entries.flatMap(([name, argument]) => docsOf(name, argument.doc)),
    subcommands: null,
    isWrite: declaration.flags.includes('write'),
    isRead: declaration.flags.includes('readonly'),
    quick: declaration.quick,
    keyPositions: declaration.keyPositions ?? ((words) => positionsOf(keySpecs, words)),
    run(context, words) {
      const reader = new WordReader(words, skip);
      const given: Record<string, unknown> = {};
      for (const [name, argument] of entries) given[name] = argument.parse(reader);
      if (reader.left > 0) throw refuse('SYNTAX');
      return run(context, given as Parsed<S>, words);
    },
  };
}

/** A group of `options` or counted keys is shown as the separate arguments it stands for. */
function docsOf(name: string, doc: Argument<unknown>['doc']): ArgumentDoc[] {
  if (
    doc.type === 'block' &&
    doc.name === undefined &&
    !doc.multiple &&
    doc.arguments &&
    (doc.optional || doc.arguments[0]?.name === 'numkeys')
  ) {
    return [...doc.arguments];
  }
  return [{ name: kebabCase(name), ...doc }];
}

function arityOf(skip: number, shape: readonly { wordsMin: number; wordsMax: number }[]): number {
  const min = shape.reduce((sum, argument) => sum + argument.wordsMin, skip);
  const exact = shape.every((argument) => argument.wordsMin === argument.wordsMax);
  return exact ? min : -min;
}

function keySpecsOf(skip: number, entries: readonly [string, Shape[string]][]): KeySpec[] {
  const specs: KeySpec[] = [];
  let index = skip;
  for (const [, argument] of entries) {
    const layout = argument.keys;
    if (layout) {
      const find =
        layout.kind === 'counted'
          ? ({ kind: 'keynum', keynum: 0, first: 1, step: 1 } as const)
          : layout.kind === 'run'
            ? ({ kind: 'range', last: -1 - layout.leave, step: layout.step, limit: 0 } as const)
            : ({ kind: 'range', last: 0, step: 1, limit: 0 } as const);
      specs.push({ flags: layout.flags, begin: { index }, find });
    }
    if (argument.wordsMin !== argument.wordsMax) break; // what follows has no fixed place
    index += argument.wordsMin;
  }
  return specs;
}

/** A limit leaves out what follows the keys: half of the rest in `STREAMS key … id …` [redis db.c getKeysUsingKeySpecs]. */
function lastFromEnd(find: { readonly last: number; readonly limit: number }, begin: number, count: number): number {
  if (find.limit < 2 || find.last !== -1) return count + find.last;
  return begin + Math.floor((count - begin) / find.limit) - 1;
}

/** Where the keys are that these specifications find. */
export function positionsOf(specs: readonly KeySpec[], words: readonly string[]): number[] {
  const positions: number[] = [];
  for (const spec of specs) {
    let begin: number;
    if ('index' in spec.begin) begin = spec.begin.index;
    else {
      const { keyword, from } = spec.begin;
      const at = from < 0 ? words.length + from : from;
      const step = from < 0 ? -1 : 1;
      let found = -1;
      for (let i = at; i > 0 && i < words.length; i += step) {
        if (words[i]!.toUpperCase() === keyword) {
          found = i + 1;
          break;
        }
      }
      if (found < 0) continue;
      begin = found;
    }
    const { find } = spec;
    if (find.kind === 'range') {
      const last = find.last >= 0 ? begin + find.last : lastFromEnd(find, begin, words.length);
      for (let at = begin; at <= last && at < words.length; at += find.step) positions.push(at);
    } else if (find.kind === 'keynum') {
      const count = Number(/^\s*[+-]?\d+/.exec(words[begin + find.keynum] ?? '')?.[0] ?? 0);
      const first = begin + find.first;
      // The count is the client's word: with more than there can be there are none, as for a number that is none
      if (first + (count - 1) * find.step >= words.length) continue;
      for (let n = 0, at = first; n < count; n++, at += find.step) positions.push(at);
    }
  }
  return positions;
}
