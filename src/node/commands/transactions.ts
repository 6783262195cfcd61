/** MULTI, EXEC and WATCH. What EXEC runs is one unit: nothing comes between, and replicas get it as one. [redis multi.c] */

import {
  encodeReplyWithinLimit,
  Failure,
  NULL_ARRAY,
  OK,
  Raw,
  REPLY_BYTES_MAX,
  REPLY_TOO_LONG,
} from '../../resp/reply.ts';
import { lateDenialText } from '../acl/denial-text.ts';
import { refuse } from '../../resp/refusals.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { needsEngine } from '../scripting/engine.ts';
import { afterLoading } from '../scripting/run.ts';
import type { CommandContext } from '../shard/context.ts';
import { key, many, named } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';

const FLAGS: readonly Flag[] = ['noscript', 'loading', 'stale', 'fast', 'allow_busy'];

/** Its time has come, though it may not have been deleted yet. */
function hasExpired(keyspace: Keyspace, key: string, { now, shard }: CommandContext): boolean {
  if (shard.expiry === 'ignore') return false;
  const at = keyspace.values.has(key) ? keyspace.expireAt(key) : undefined;
  return at !== undefined && at < now;
}

/** A watched key that expired since is a change too, unless it had when it was watched. */
function watchedExpired(context: CommandContext): boolean {
  for (const [place, gone] of context.session.transaction.watched) {
    const colon = place.indexOf(':');
    const keyspace = context.shard.keyspaces[Number(place.slice(0, colon))]!;
    if (!gone && hasExpired(keyspace, place.slice(colon + 1), context)) return true;
  }
  return false;
}

export const transactionCommands: readonly Command[] = [
  defineCommand({
    name: 'MULTI',
    group: 'transactions',
    since: '1.2.0',
    summary: 'Begins a transaction: requests are queued until EXEC.',
    complexity: 'O(1)',
    flags: FLAGS,
    arguments: {},
    run({ session }) {
      if (session.transaction.queue !== null) throw refuse('NESTED_MULTI');
      session.transaction.begin();
      return OK;
    },
  }),

  defineCommand({
    name: 'EXEC',
    group: 'transactions',
    since: '1.2.0',
    summary: 'Runs everything queued since MULTI.',
    complexity: 'Depends on commands in the transaction',
    flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
    arguments: {},
    run(context) {
      const { session, shard } = context;
      const { queue, aborted, dirty } = session.transaction;
      if (queue === null) throw refuse('EXEC_WITHOUT_MULTI');
      const isDirty = dirty || watchedExpired(context);
      // A stream or a log has waited for it before
      if (!aborted && !isDirty && session.kind !== 'primary' && queue.some(({ command }) => needsEngine(command.name)))
        return afterLoading(context);
      shard.endTransaction(session);
      if (aborted) throw refuse('EXECABORT');
      if (isDirty) return NULL_ARRAY;
      shard.stats.commands += queue.length;
      let bytes = `*${queue.length}\r\n`;
      let left = queue.length;
      // Encoded one by one: a HELLO among them changes the protocol of those that follow
      for (const { command, words } of queue) {
        const denial = session.user.allowsEverything ? null : shard.permissions.check(session, command, words, 'multi');
        const reply =
          denial === null
            ? shard.call(session, command, words, false)
            : new Failure(`NOPERM ${lateDenialText(denial)}`);
        const encoded = encodeReplyWithinLimit(reply, session.protocol);
        left--;
        // All are run, whatever becomes of their replies; there is room kept for those that follow to be refused
        const fits = bytes.length + encoded.length + left * REPLY_TOO_LONG.length <= REPLY_BYTES_MAX;
        bytes += fits ? encoded : REPLY_TOO_LONG;
      }
      return new Raw(bytes);
    },
  }),

  defineCommand({
    name: 'DISCARD',
    group: 'transactions',
    since: '2.0.0',
    summary: 'Forgets everything queued since MULTI.',
    complexity: 'O(N), when N is the number of queued commands',
    flags: FLAGS,
    arguments: {},
    run({ session, shard }) {
      if (session.transaction.queue === null) throw refuse('DISCARD_WITHOUT_MULTI');
      shard.endTransaction(session);
      return OK;
    },
  }),

  defineCommand({
    name: 'WATCH',
    group: 'transactions',
    since: '2.2.0',
    summary: 'Makes the next EXEC fail if one of the keys changes before it.',
    complexity: 'O(1) for every key.',
    flags: FLAGS,
    arguments: { keys: many(named('key', key('RO'))) },
    run(context, { keys }) {
      const { session, shard, keyspace } = context;
      if (session.transaction.queue !== null) throw refuse('WATCH_INSIDE_MULTI');
      if (session.transaction.dirty) return OK; // EXEC will fail already
      for (const each of keys) {
        shard.watchers.watch(session, session.database, each, hasExpired(keyspace, each, context));
      }
      return OK;
    },
  }),

  defineCommand({
    name: 'UNWATCH',
    group: 'transactions',
    since: '2.2.0',
    summary: 'Forgets all watched keys.',
    complexity: 'O(1)',
    flags: FLAGS,
    arguments: {},
    run({ session, shard }) {
      shard.watchers.unwatch(session);
      return OK;
    },
  }),
];
