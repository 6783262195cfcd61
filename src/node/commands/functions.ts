/** FUNCTION, FCALL and FCALL_RO. What a library is and how a function runs is in `scripting/`. [redis functions.c] */

import { dumpLibraries, parseLibraries, type LibraryPayload } from '../../rdb/library-payload.ts';
import { MapReply, OK, SetReply, Status, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import { SCRIPT_FLAGS } from '../scripting/flags.ts';
import type { Libraries, Library, RestorePolicy } from '../scripting/libraries.ts';
import type { LongScript } from '../scripting/long-script.ts';
import type { LuaMachine } from '../scripting/lua-machine.ts';
import { scriptEngine } from '../scripting/engine.ts';
import { endOfLongScript, runScript, withEngine } from '../scripting/run.ts';
import type { CommandContext } from '../shard/context.ts';
import { byHand, integer, pureToken, text, unread, word } from './arguments.ts';
import { defineCommand, type Command, type Flag, type Tips } from './command.ts';
import { helpCommand } from './help.ts';
import { parseInteger } from './numbers.ts';
import { keysAndWords, killing, scriptKeySpecs } from './scripting.ts';

const SINCE = '7.0.0';
const ON_ALL_SHARDS: Tips = { request: 'all_shards', response: 'all_succeeded' };

/** With all libraries loaded, at once where they are. */
function withLibraries(context: CommandContext, run: (libraries: Libraries) => Reply): Reply {
  const { libraries } = context.shard;
  if (libraries.areProven) return run(libraries);
  return withEngine(context, ({ functions }) => {
    libraries.prove(functions);
    return run(libraries);
  });
}

/** What changes libraries: with them and the machine, or without a machine where nobody can wait for it. */
function changing(context: CommandContext, run: (machine: LuaMachine | null) => Reply): Reply {
  const { shard, session, mayBlock } = context;
  if (scriptEngine() === null && (session.kind === 'primary' || !mayBlock)) return run(null);
  return withEngine(context, ({ functions }) => {
    shard.libraries.prove(functions);
    return run(functions);
  });
}

const PAYLOAD_PROBLEMS: Readonly<Record<Extract<LibraryPayload, { ok: false }>['why'], string>> = {
  checksum: 'DUMP payload version or checksum are wrong',
  'not-a-function': 'given type is not a function',
  damaged: 'failed loading the given functions payload',
};

function policyFrom(words: readonly string[]): RestorePolicy {
  const given = (words[0] ?? 'APPEND').toUpperCase();
  if (given !== 'APPEND' && given !== 'REPLACE' && given !== 'FLUSH')
    throw refuse('ERR', 'Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.');
  return given;
}

interface Listing {
  readonly pattern: string | null;
  readonly withCode: boolean;
}

function listingFrom(words: readonly string[]): Listing {
  let pattern: string | null = null;
  let withCode = false;
  for (let at = 0; at < words.length; at++) {
    const token = words[at]!.toUpperCase();
    if (token === 'WITHCODE' && !withCode) withCode = true;
    else if (token === 'LIBRARYNAME' && pattern === null) {
      pattern = words[++at] ?? null;
      if (pattern === null) throw refuse('ERR', 'library name argument was not given');
    } else throw refuse('ERR', `Unknown argument ${words[at]!}`);
  }
  return { pattern, withCode };
}

const libraryReply = ({ name, code, loaded }: Library, withCode: boolean): Reply =>
  new MapReply([
    'library_name',
    name,
    'engine',
    'LUA',
    'functions',
    [...(loaded?.functions.values() ?? [])].map(
      (each) =>
        new MapReply([
          'name',
          each.name,
          'description',
          each.description,
          'flags',
          new SetReply(SCRIPT_FLAGS.filter((flag) => each.flags.has(flag)).map((flag) => new Status(flag))),
        ]),
    ),
    ...(withCode ? ['library_code', code] : []),
  ]);

function call(name: 'FCALL' | 'FCALL_RO'): Command {
  const isReadonly = name === 'FCALL_RO';
  const flags: Flag[] = ['noscript', 'stale', 'skip_monitor', 'movablekeys', 'no_mandatory_keys'];
  return defineCommand({
    name,
    group: 'scripting',
    since: SINCE,
    summary: isReadonly ? 'Calls a function that only reads.' : 'Calls a function of a library.',
    complexity: 'Depends on the function that is executed.',
    flags: [...flags, isReadonly ? 'readonly' : 'may_replicate'],
    scriptFlags: ({ libraries }, words) => libraries.find(words[1]!)?.found.flags ?? null,
    mayWrite: ({ libraries }, words) => !isReadonly && libraries.find(words[1]!)?.found.flags.has('no-writes') !== true,
    arity: -3,
    keySpecs: scriptKeySpecs(isReadonly ? 'RO' : 'RW'),
    arguments: { function: text(), numkeys: unread(integer()), words: keysAndWords },
    run: (context, { function: wanted, numkeys, words }) => {
      const ended = endOfLongScript(context);
      if (ended !== undefined) return ended;
      // Before what it runs itself
      if (!context.isRetry) context.shard.monitors.show(context.session, context.command, context.words);
      return withLibraries(context, (libraries) => {
        const place = libraries.find(wanted);
        if (place === undefined) throw refuse('ERR', 'Function not found');
        const { machine, found, program } = place;
        const count = parseInteger(numkeys);
        if (count === null) throw refuse('ERR', 'Bad number of keys provided');
        if (count > words.length) throw refuse('ERR', "Number of keys can't be greater than number of args");
        if (count < 0) throw refuse('ERR', "Number of keys can't be negative");
        return runScript(context, {
          machine,
          how: 'callFunction',
          id: found.id,
          name: found.name,
          program,
          flags: found.flags,
          keys: words.slice(0, count),
          values: words.slice(count),
          isReadonly,
        });
      });
    },
  });
}

const runningFunction = (script: LongScript | null): Reply =>
  script === null
    ? null
    : new MapReply(['name', script.name, 'command', script.words, 'duration_ms', Math.floor(script.durationMs)]);

export const functionCommands: readonly Command[] = [
  call('FCALL'),
  call('FCALL_RO'),

  defineCommand({
    name: 'FUNCTION LOAD',
    group: 'scripting',
    since: SINCE,
    summary: 'Loads a library of functions.',
    complexity: 'O(1) (considering compilation time is redundant)',
    flags: ['noscript', 'write', 'denyoom'],
    tips: ON_ALL_SHARDS,
    arity: -3,
    arguments: {
      words: byHand(1, { ...pureToken('REPLACE'), optional: true }, { name: 'function-code', type: 'string' }),
    },
    run: (context, { words }) => {
      const code = words.at(-1)!;
      const odd = words.slice(0, -1).find((option) => option.toUpperCase() !== 'REPLACE');
      if (odd !== undefined) throw refuse('ERR', `Unknown option given: ${odd}`);
      return changing(context, (machine) => {
        const { libraries } = context.shard;
        const isReplacing = words.length > 1;
        const name = machine === null ? libraries.take(code, isReplacing) : libraries.load(machine, code, isReplacing);
        context.shard.dirty++;
        return name;
      });
    },
  }),

  defineCommand({
    name: 'FUNCTION DELETE',
    group: 'scripting',
    since: SINCE,
    summary: 'Removes a library with its functions.',
    complexity: 'O(1)',
    flags: ['noscript', 'write'],
    tips: ON_ALL_SHARDS,
    arguments: { libraryName: text() },
    run({ shard }, { libraryName }) {
      if (!shard.libraries.delete(libraryName)) throw refuse('ERR', 'Library not found');
      shard.dirty++;
      return OK;
    },
  }),

  defineCommand({
    name: 'FUNCTION FLUSH',
    group: 'scripting',
    since: SINCE,
    summary: 'Removes all libraries.',
    complexity: 'O(N) where N is the number of functions deleted',
    flags: ['noscript', 'write'],
    tips: ON_ALL_SHARDS,
    arity: -2,
    arguments: {
      words: byHand(0, { ...word('ASYNC', 'SYNC').doc, name: 'flush-type', optional: true }),
    },
    run({ shard }, { words }, request) {
      if (words.length > 1) throw refuse('SUBCOMMAND_SYNTAX', 'FUNCTION', request[1]!);
      if (words.length === 1 && !/^a?sync$/i.test(words[0]!))
        throw refuse('ERR', 'FUNCTION FLUSH only supports SYNC|ASYNC option');
      const isLazy = words.length === 0 ? shard.config.get('lazyfree-lazy-user-flush') : /^async$/i.test(words[0]!);
      // Counted with the engine that had them
      if (isLazy) shard.lazyFreed.table(shard.libraries.functionCount, 1);
      shard.libraries.clear();
      shard.dirty++;
      return OK;
    },
  }),

  defineCommand({
    name: 'FUNCTION LIST',
    group: 'scripting',
    since: SINCE,
    summary: 'Tells of the libraries and their functions.',
    complexity: 'O(N) where N is the number of functions',
    flags: ['noscript'],
    tips: { other: ['nondeterministic_output_order'] },
    arity: -2,
    arguments: {
      words: byHand(
        0,
        { name: 'library-name-pattern', type: 'string', token: 'LIBRARYNAME', optional: true },
        { ...pureToken('WITHCODE'), optional: true },
      ),
    },
    run: (context, { words }) => {
      const { pattern, withCode } = listingFrom(words);
      return withLibraries(context, ({ all }) =>
        all
          .filter(({ name }) => pattern === null || matchesGlob(pattern, name, true))
          .map((library) => libraryReply(library, withCode)),
      );
    },
  }),

  defineCommand({
    name: 'FUNCTION STATS',
    group: 'scripting',
    since: SINCE,
    summary: 'Tells which function runs, and how many there are.',
    complexity: 'O(1)',
    flags: ['noscript', 'allow_busy'],
    tips: { request: 'all_shards', response: 'special', other: ['nondeterministic_output'] },
    arguments: {},
    run: (context) => {
      const { longScript } = context.shard;
      if (longScript?.isFunction === false) throw longScript.refusal;
      return withLibraries(context, ({ count, functionCount }) => {
        const counts = new MapReply(['libraries_count', count, 'functions_count', functionCount]);
        return new MapReply(['running_script', runningFunction(longScript), 'engines', new MapReply(['LUA', counts])]);
      });
    },
  }),

  killing({ what: 'function', since: SINCE, summary: 'Ends the function that runs, while it has not written.' }),

  defineCommand({
    name: 'FUNCTION DUMP',
    group: 'scripting',
    since: SINCE,
    summary: 'Answers all libraries as one payload.',
    complexity: 'O(N) where N is the number of functions',
    flags: ['noscript'],
    arguments: {},
    run: ({ shard }) => dumpLibraries(shard.libraries.codes).latin1Slice(),
  }),

  defineCommand({
    name: 'FUNCTION RESTORE',
    group: 'scripting',
    since: SINCE,
    summary: 'Brings back the libraries of a payload.',
    complexity: 'O(N) where N is the number of functions on the payload',
    flags: ['noscript', 'write', 'denyoom'],
    tips: ON_ALL_SHARDS,
    arity: -3,
    arguments: {
      serializedValue: text(),
      words: byHand(0, { ...word('FLUSH', 'APPEND', 'REPLACE').doc, name: 'policy', optional: true }),
    },
    run: (context, { serializedValue, words }, request) => {
      if (words.length > 1) throw refuse('SUBCOMMAND_SYNTAX', 'FUNCTION', request[1]!);
      const policy = policyFrom(words);
      const payload = parseLibraries(Buffer.from(serializedValue, 'latin1'));
      if (!payload.ok) throw refuse('ERR', PAYLOAD_PROBLEMS[payload.why]);
      return changing(context, (machine) => {
        context.shard.libraries.restore(machine, payload.codes, policy);
        context.shard.dirty++;
        return OK;
      });
    },
  }),

  helpCommand({
    container: 'FUNCTION',
    group: 'scripting',
    since: SINCE,
    lines: [
      ['LOAD [REPLACE] <FUNCTION CODE>', 'Load a library; its first line names it: #!lua name=<NAME>.'],
      ['DELETE <LIBRARY NAME>', 'Remove a library.'],
      [
        'LIST [LIBRARYNAME PATTERN] [WITHCODE]',
        'Tell of all libraries, or of those whose name matches: name, engine, functions, and the code if asked for.',
      ],
      ['STATS', 'Tell which function runs, and how many libraries and functions each engine has.'],
      ['KILL', 'End the function that runs.'],
      ['FLUSH [ASYNC|SYNC]', 'Remove all libraries.'],
      ['DUMP', 'Answer all libraries as one payload, for FUNCTION RESTORE.'],
      [
        'RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]',
        'Bring back the libraries of a payload: instead of all, beside those that are there (default),',
        'or in place of those of the same name.',
      ],
    ],
  }),
];
