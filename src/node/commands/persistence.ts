/**
 * What a shard is told about its disk: snapshots, the append log, and ending with or without saving. [redis rdb.c, aof.c, db.c]
 *
 * Unlike in Redis, SAVE does not stop the others: only its own client waits. Border: the work is `node/persistence`; who ends the
 * process is told through `shard.ending`.
 */

import { OK, Status } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { persistenceOf, type Persistence } from '../persistence/persistence.ts';
import type { Shard } from '../shard/shard.ts';
import type { EndWish } from '../shard/ending.ts';
import { afterwards, type Finished } from './afterwards.ts';
import { choice, flag, options } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';

const kept = (shard: Shard): Persistence => {
  const persistence = persistenceOf(shard);
  if (persistence !== undefined) return persistence;
  throw refuse('ERR', 'this server keeps nothing on disk: start it with a folder for its data (--data DIR)');
};

/** In a transaction it begins when that has ended. [redis rdb.c bgsaveCommand, aof.c bgrewriteaofCommand] */
const begun = (mayBlock: boolean): string => (mayBlock ? 'started' : 'scheduled');

const REWRITING =
  "Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.";

export const persistenceCommands: readonly Command[] = [
  defineCommand({
    name: 'SAVE',
    group: 'server',
    since: '1.0.0',
    summary: 'Writes all data to disk and answers when they are there.',
    complexity: 'O(N) where N is the total number of keys in all databases',
    flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
    arguments: {},
    run(context) {
      const persistence = kept(context.shard);
      if (persistence.isSaving) throw refuse('ERR', 'Background save already in progress');
      return afterwards(context, () => persistence.save(true), OK);
    },
  }),

  defineCommand({
    name: 'BGSAVE',
    group: 'server',
    since: '1.0.0',
    summary: 'Begins to write all data to disk.',
    complexity: 'O(1)',
    flags: ['admin', 'noscript', 'no_async_loading'],
    arguments: { options: options({ schedule: flag('SCHEDULE') }) },
    run({ shard, mayBlock }, { options: { schedule } }) {
      const persistence = kept(shard);
      if (persistence.isSaving) throw refuse('ERR', 'Background save already in progress');
      if (persistence.isRewriting) {
        if (mayBlock && schedule !== true) throw refuse('ERR', REWRITING);
        persistence.scheduled.snapshot = true;
        return new Status('Background saving scheduled');
      }
      void persistence.save();
      return new Status(`Background saving ${begun(mayBlock)}`);
    },
  }),

  defineCommand({
    name: 'LASTSAVE',
    group: 'server',
    since: '1.0.0',
    summary: 'Tells when the data were last written to disk, in Unix seconds.',
    complexity: 'O(1)',
    flags: ['loading', 'stale', 'fast'],
    categories: ['admin', 'dangerous'],
    tips: { other: ['nondeterministic_output'] },
    arguments: {},
    run: ({ shard }) => Math.floor((persistenceOf(shard)?.savedMs ?? shard.stats.startedAtMs) / 1000),
  }),

  defineCommand({
    name: 'BGREWRITEAOF',
    group: 'server',
    since: '1.0.0',
    summary: 'Begins the append log anew with a snapshot.',
    complexity: 'O(1)',
    flags: ['admin', 'noscript', 'no_async_loading'],
    arguments: {},
    run({ shard, mayBlock }) {
      const persistence = kept(shard);
      if (persistence.isRewriting) throw refuse('ERR', 'Background append only file rewriting already in progress');
      if (persistence.isSaving) {
        persistence.scheduled.rewrite = true;
        return new Status('Background append only file rewriting scheduled');
      }
      void persistence.rewrite();
      return new Status(`Background append only file rewriting ${begun(mayBlock)}`);
    },
  }),

  defineCommand({
    name: 'SHUTDOWN',
    group: 'server',
    since: '1.0.0',
    summary: 'Saves as configured, or as told, and ends the server.',
    complexity: 'O(N) when saving, where N is the total number of keys in all databases',
    flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
    arguments: {
      options: options({
        saving: choice({ NOSAVE: null, SAVE: null }),
        now: flag('NOW'),
        force: flag('FORCE'),
        abort: flag('ABORT'),
      }),
    },
    run(context, { options: { saving, abort, now, force } }) {
      const { shard } = context;
      const { ending, longScript } = shard;
      if (abort === true) {
        if (saving !== undefined || now === true || force === true) throw refuse('SYNTAX');
        if (ending?.abort() !== true) throw refuse('ERR', 'No shutdown in progress.');
        return OK;
      }
      if (longScript !== null && saving?.token !== 'NOSAVE') throw longScript.refusal;
      if (ending === null) throw refuse('ERR', 'this shard is ended by its cluster');
      if (saving?.token === 'SAVE') kept(shard);
      const wish: EndWish = {
        saving: saving === undefined ? 'as-configured' : saving.token === 'SAVE' ? 'save' : 'nosave',
        isNow: now === true,
        isForced: force === true,
      };
      const disappointed = async (): Promise<Finished> => {
        await ending.begin(wish);
        return { ok: false, detail: 'Errors trying to SHUTDOWN. Check logs.' };
      };
      return afterwards(context, disappointed, OK);
    },
  }),
];
