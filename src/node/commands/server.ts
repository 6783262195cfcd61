/**
 * The server as a whole: time, size, flushing and swapping databases. INFO, CONFIG, COMMAND and MEMORY have files of
 * their own. [redis server.c, db.c]
 */

import { NO_REPLY, OK, Verbatim, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { persistenceOf } from '../persistence/persistence.ts';
import type { CommandContext } from '../shard/context.ts';
import type { Shard } from '../shard/shard.ts';
import { REDIS_VERSION } from '../shard/version.ts';
import { afterwards } from './afterwards.ts';
import { optional, rest, text, word, type Argument } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { introspectionCommands } from './command-introspection.ts';
import { configCommands } from './config-commands.ts';
import { infoCommand } from './info.ts';
import { latencyCommands } from './latency.ts';
import { memoryCommands } from './memory.ts';
import { moduleCommands } from './modules.ts';
import { parseInteger } from './numbers.ts';

/** SYNC or ASYNC: both end at once here; freeing memory is the collector's work, and only what is counted differs. */
const flushMode: Argument<string | undefined> = {
  doc: { ...word('ASYNC', 'SYNC').doc, name: 'flush-type', optional: true },
  wordsMin: 0,
  wordsMax: 1,
  parse: (reader) => {
    if (reader.left > 1) throw refuse('SYNTAX');
    return optional(word('ASYNC', 'SYNC')).parse(reader);
  },
};

/** Where its client may wait, a flush that is to end at once is done as the other is. [redis 7.4 db.c flushCommandCommon] */
const isLazy = ({ shard, mayBlock }: CommandContext, mode: string | undefined): boolean =>
  mayBlock || mode === 'ASYNC' || (mode === undefined && shard.config.get('lazyfree-lazy-user-flush'));

function flush(
  context: CommandContext,
  keyspaces: readonly Keyspace[],
  mode: string | undefined,
  words: readonly string[],
): Reply {
  const { shard } = context;
  if (isLazy(context, mode)) {
    for (const { size } of keyspaces) shard.lazyFreed.keys(size);
    shard.lazyFreed.table(shard.tracking.keys);
  }
  for (const keyspace of keyspaces) {
    shard.watchers.changedAll(keyspace.index, keyspace, null, context.now);
    shard.dirty += keyspace.clear();
    shard.blocking.changedAll(keyspace.index); // who reads for a group learns that it is gone
  }
  shard.tracking.flushed();
  // Sent on even when nothing was there: a replica may hold keys that this one does not know of
  context.replicateAs(...words);
  return OK;
}

function swap(shard: Shard, first: Keyspace, second: Keyspace): void {
  if (first === second) return;
  shard.watchers.changedAll(first.index, first, second, shard.now);
  shard.watchers.changedAll(second.index, second, first, shard.now);
  first.swap(second);
  for (const { index } of [first, second]) shard.blocking.changedAll(index);
}

export const serverCommands: readonly Command[] = [
  infoCommand,
  ...configCommands,
  ...introspectionCommands,

  defineCommand({
    name: 'TIME',
    group: 'server',
    since: '2.6.0',
    summary: "Answers the server's time: seconds and microseconds.",
    complexity: 'O(1)',
    flags: ['loading', 'stale', 'fast'],
    tips: { other: ['nondeterministic_output'] },
    arguments: {},
    run: ({ now }) => [String(Math.floor(now / 1000)), String((now % 1000) * 1000)],
  }),

  defineCommand({
    name: 'DBSIZE',
    group: 'server',
    since: '1.0.0',
    summary: 'Counts the keys of the database.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    tips: { request: 'all_shards', response: 'agg_sum' },
    arguments: {},
    run: ({ keyspace }) => keyspace.size,
  }),

  defineCommand({
    name: 'FLUSHDB',
    group: 'server',
    since: '1.0.0',
    summary: 'Removes all keys of the database.',
    complexity: 'O(N) where N is the number of keys',
    flags: ['write'],
    categories: ['keyspace', 'dangerous'],
    tips: { request: 'all_shards', response: 'all_succeeded' },
    arguments: { mode: flushMode },
    run: (context, { mode }, words) => flush(context, [context.keyspace], mode, words),
  }),

  defineCommand({
    name: 'FLUSHALL',
    group: 'server',
    since: '1.0.0',
    summary: 'Removes all keys of all databases.',
    complexity: 'O(N) where N is the number of keys',
    flags: ['write'],
    categories: ['keyspace', 'dangerous'],
    tips: { request: 'all_shards', response: 'all_succeeded' },
    arguments: { mode: flushMode },
    run(context, { mode }, words) {
      const reply = flush(context, context.shard.keyspaces, mode, words);
      const persistence = persistenceOf(context.shard);
      if (persistence?.savesItself !== true) return reply;
      const saved = persistence.saveAnew();
      // Whether the disk took it is said by later writes
      if (!context.mayBlock || context.session.kind !== 'client') return reply;
      return afterwards(context, () => saved.then(() => ({ ok: true })), reply);
    },
  }),

  defineCommand({
    name: 'SWAPDB',
    group: 'server',
    since: '4.0.0',
    summary: 'Exchanges two databases.',
    complexity: 'O(N) where N is the number of clients that watch or wait for keys of either',
    flags: ['write', 'fast'],
    categories: ['keyspace', 'dangerous'],
    arguments: { index1: { ...text(), doc: { type: 'integer' } }, index2: { ...text(), doc: { type: 'integer' } } },
    run({ shard }, { index1, index2 }) {
      const first = parseInteger(index1);
      if (first === null) throw refuse('FIRST_DB_INDEX');
      const second = parseInteger(index2);
      if (second === null) throw refuse('SECOND_DB_INDEX');
      const keyspaces = [shard.keyspaces[first], shard.keyspaces[second]] as const;
      if (keyspaces[0] === undefined || keyspaces[1] === undefined) throw refuse('DB_INDEX');
      swap(shard, keyspaces[0], keyspaces[1]);
      shard.dirty++;
      return OK;
    },
  }),

  defineCommand({
    name: 'MONITOR',
    group: 'server',
    since: '1.0.0',
    summary: 'Shows this connection every request of others from now on.',
    flags: ['admin', 'noscript', 'loading', 'stale'],
    arguments: {},
    run({ session, shard, mayBlock }) {
      if (!mayBlock) throw refuse('ERR', "MONITOR isn't allowed for DENY BLOCKING client");
      if (session.kind !== 'client') return NO_REPLY;
      shard.monitors.add(session);
      return OK;
    },
  }),

  defineCommand({
    name: 'LOLWUT',
    group: 'server',
    since: '5.0.0',
    summary: 'Answers the version, without the art.',
    flags: ['readonly', 'fast'],
    arguments: {
      version: {
        ...rest({ type: 'integer' }),
        doc: { type: 'integer', token: 'VERSION', optional: true },
        parse: (reader) => {
          const words = reader.words.slice(reader.at);
          reader.at = reader.words.length;
          if (words.length >= 2 && words[0]!.toUpperCase() === 'VERSION' && parseInteger(words[1]!) === null) {
            throw refuse('NOT_INTEGER');
          }
          return words;
        },
      },
    },
    run: () => new Verbatim(`Redis ver. ${REDIS_VERSION}\n`),
  }),

  ...latencyCommands,
  ...memoryCommands,
  ...moduleCommands,
];
