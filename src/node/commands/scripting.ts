/** EVAL and its kin, and SCRIPT. What a script is and how it runs is in `scripting/`. [redis eval.c] */

import { OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { isEngineLoading } from '../scripting/engine.ts';
import type { ScriptFlag } from '../scripting/flags.ts';
import { compile, flagsOf, idIn, programOf } from '../scripting/program.ts';
import { endOfLongScript, runScript, withEngine } from '../scripting/run.ts';
import type { CommandContext } from '../shard/context.ts';
import type { Shard } from '../shard/shard.ts';
import { byHand, integer, many, named, optional, text, unread, word } from './arguments.ts';
import { defineCommand, type Command, type Flag, type KeySpec } from './command.ts';
import { helpCommand } from './help.ts';
import { parseInteger } from './numbers.ts';

export const scriptKeySpecs = (flag: 'RW' | 'RO'): readonly KeySpec[] => [
  {
    flags: flag === 'RW' ? ['RW', 'access', 'update'] : ['RO', 'access'],
    begin: { index: 2 },
    find: { kind: 'keynum', keynum: 0, first: 1, step: 1 },
    notes: 'We cannot tell how the keys will be used so we assume the worst, RW and UPDATE',
  },
];

/** As many of them are keys as the word before says. */
export const keysAndWords = byHand(
  0,
  { name: 'key', type: 'key', optional: true, multiple: true },
  { name: 'arg', type: 'string', optional: true, multiple: true },
);

/** SCRIPT KILL and FUNCTION KILL: of what takes longer than its first part. */
export const killing = (named: {
  readonly what: 'script' | 'function';
  readonly since: string;
  readonly summary: string;
}): Command =>
  defineCommand({
    name: `${named.what.toUpperCase()} KILL`,
    group: 'scripting',
    since: named.since,
    summary: named.summary,
    complexity: 'O(1)',
    flags: ['noscript', 'allow_busy'],
    tips: { request: 'all_shards', response: 'one_succeeded' },
    arguments: {},
    run(context) {
      const kill = (): Reply => {
        const { longScript } = context.shard;
        if (longScript === null) throw refuse('NOTBUSY');
        longScript.kill(named.what);
        return OK;
      };
      // What is to be killed may wait for the engine, and then it is first
      return isEngineLoading() ? withEngine(context, kill) : kill();
    },
  });

interface Variant {
  readonly name: string;
  readonly since: string;
  readonly by: 'source' | 'sha';
  readonly isReadonly: boolean;
}

function evaluation({ name, since, by, isReadonly }: Variant): Command {
  const flags: Flag[] = ['noscript', 'stale', 'skip_monitor', 'movablekeys', 'no_mandatory_keys'];
  const flagsGiven = (shard: Shard, word: string): ReadonlySet<ScriptFlag> | null =>
    by === 'sha' ? (shard.scripts.find(word.toLowerCase())?.flags ?? null) : flagsOf(word);
  return defineCommand({
    name,
    group: 'scripting',
    since,
    summary: `Runs a ${isReadonly ? 'read-only ' : ''}Lua script given by its ${by === 'sha' ? 'SHA1 digest' : 'source'}.`,
    complexity: 'Depends on the script that is executed.',
    flags: [...flags, isReadonly ? 'readonly' : 'may_replicate'],
    scriptFlags: (shard, words) => flagsGiven(shard, words[1]!),
    mayWrite: (shard, words) => !isReadonly && flagsGiven(shard, words[1]!)?.has('no-writes') !== true,
    arity: -3,
    keySpecs: scriptKeySpecs(isReadonly ? 'RO' : 'RW'),
    arguments: {
      script: named(by === 'sha' ? 'sha1' : 'script', text()),
      numkeys: unread(integer()),
      words: keysAndWords,
    },
    run: (context, { script, numkeys, words }) => {
      const ended = endOfLongScript(context);
      if (ended !== undefined) return ended;
      // Before what it runs itself
      if (!context.isRetry) context.shard.monitors.show(context.session, context.command, context.words);
      const count = parseInteger(numkeys);
      if (count === null) throw refuse('NOT_INTEGER');
      if (count > words.length) throw refuse('ERR', "Number of keys can't be greater than number of args");
      if (count < 0) throw refuse('ERR', "Number of keys can't be negative");
      const { scripts } = context.shard;
      const known = by === 'sha' ? scripts.find(script.toLowerCase()) : scripts.findSource(script);
      if (known === undefined && by === 'sha') throw refuse('NOSCRIPT');
      return withEngine(context, ({ scripts: machine }) => {
        const compiled = known ?? compile(machine, script);
        if (known === undefined) scripts.add(compiled, 'evaluated');
        return runScript(context, {
          machine,
          how: 'run',
          id: idIn(machine, compiled),
          name: compiled.sha,
          program: () => programOf(compiled),
          flags: compiled.flags,
          keys: words.slice(0, count),
          values: words.slice(count),
          isReadonly,
        });
      });
    },
  });
}

const load = (context: CommandContext, source: string) =>
  withEngine(context, ({ scripts: machine }) => {
    const { scripts } = context.shard;
    const script = scripts.findSource(source) ?? compile(machine, source);
    scripts.add(script, 'loaded');
    return script.sha;
  });

export const scriptingCommands: readonly Command[] = [
  evaluation({ name: 'EVAL', since: '2.6.0', by: 'source', isReadonly: false }),
  evaluation({ name: 'EVALSHA', since: '2.6.0', by: 'sha', isReadonly: false }),
  evaluation({ name: 'EVAL_RO', since: '7.0.0', by: 'source', isReadonly: true }),
  evaluation({ name: 'EVALSHA_RO', since: '7.0.0', by: 'sha', isReadonly: true }),

  defineCommand({
    name: 'SCRIPT LOAD',
    group: 'scripting',
    since: '2.6.0',
    summary: 'Keeps a script and answers its SHA1 digest.',
    complexity: 'O(N) with N being the length in bytes of the script body.',
    flags: ['noscript', 'stale'],
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: { script: text() },
    run: (context, { script }) => load(context, script),
  }),

  defineCommand({
    name: 'SCRIPT EXISTS',
    group: 'scripting',
    since: '2.6.0',
    summary: 'Says which of the scripts are known.',
    complexity: 'O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).',
    flags: ['noscript'],
    tips: { request: 'all_shards', response: 'agg_logical_and' },
    arguments: { digests: many(named('sha1', text())) },
    run: ({ shard }, { digests }) =>
      digests.map((sha) => (shard.scripts.find(sha.toLowerCase()) === undefined ? 0 : 1)),
  }),

  defineCommand({
    name: 'SCRIPT FLUSH',
    group: 'scripting',
    since: '2.6.0',
    summary: 'Forgets all scripts.',
    complexity: 'O(N) with N being the number of scripts in cache',
    flags: ['noscript'],
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: { flushType: optional(word('ASYNC', 'SYNC')) },
    run: ({ shard }, { flushType }) => {
      const isLazy = flushType === undefined ? shard.config.get('lazyfree-lazy-user-flush') : flushType === 'ASYNC';
      if (isLazy) shard.lazyFreed.table(shard.scripts.count);
      shard.scripts.clear();
      return OK;
    },
  }),

  killing({ what: 'script', since: '2.6.0', summary: 'Ends the script that runs, while it has not written.' }),

  defineCommand({
    name: 'SCRIPT DEBUG',
    group: 'scripting',
    since: '3.2.0',
    summary: 'Would begin to debug scripts: only to turn it off is taken.',
    complexity: 'O(1)',
    flags: ['noscript'],
    arguments: { mode: { ...text(), doc: word('YES', 'SYNC', 'NO').doc } },
    run(_context, { mode }) {
      const wanted = mode.toUpperCase();
      if (wanted === 'NO') return OK;
      if (wanted !== 'YES' && wanted !== 'SYNC') throw refuse('ERR', 'Use SCRIPT DEBUG YES/SYNC/NO');
      throw refuse(
        'ERR',
        'SCRIPT DEBUG is not supported: there is no debugger. Use redis.log, or try the script with EVAL',
      );
    },
  }),

  helpCommand({
    container: 'SCRIPT',
    group: 'scripting',
    since: '5.0.0',
    lines: [
      ['EXISTS <sha1> [<sha1> ...]', 'Return information about the existence of the scripts in the script cache.'],
      ['FLUSH [ASYNC|SYNC]', 'Flush the Lua scripts cache. Very dangerous on replicas.'],
      ['KILL', 'Kill the currently executing Lua script.'],
      ['LOAD <script>', 'Load a script into the scripts cache without executing it.'],
    ],
  }),
];
