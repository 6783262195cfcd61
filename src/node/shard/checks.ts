/**
 * What must hold before a command runs: a list in Redis's order [redis server.c processCommand], so that it can be read, printed
 * and added to. Each check returns the refusal, or undefined to pass.
 */

import { denialText } from '../acl/denial-text.ts';
import { refuse, type Refusal } from '../../resp/refusals.ts';
import type { Command, Flag } from '../commands/command.ts';
import { arityHolds } from '../commands/table.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

type Check = (shard: Shard, session: Session, command: Command, words: readonly string[]) => Refusal | undefined;

const arity: Check = (_shard, _session, command, words) =>
  arityHolds(command, words) ? undefined : refuse('ARITY', command.fullName);

const authenticated: Check = (shard, session, command) =>
  session.authenticated || shard.permissions.users.isOpen || command.flags.has('no_auth')
    ? undefined
    : refuse('NOAUTH');

const transactional: Check = (_shard, session, command) =>
  session.transaction.queue !== null && command.flags.has('no_multi')
    ? refuse('ERR', 'Command not allowed inside a transaction')
    : undefined;

const permitted: Check = (shard, session, command, words) => {
  const context = session.transaction.queue === null ? 'toplevel' : 'multi';
  const denial = shard.permissions.check(session, command, words, context);
  return denial === null ? undefined : refuse('NOPERM', denialText(denial, session.user.name, command));
};

/**
 * Whoever makes room does so before the command and not for it: what a command needs is not known before. A queue may grow
 * without end, so nothing is queued either.
 */
const roomy: Check = (shard, session, command, words) =>
  shard.eviction.hasRoom() || !needsMemory(shard, session, command, words) ? undefined : refuse('OOM');

const needsMemory = (
  shard: Shard,
  { transaction: { queue } }: Session,
  command: Command,
  words: readonly string[],
): boolean => {
  if (growsData(shard, command, words)) return true;
  if (queue === null) return false;
  if (command.name === 'EXEC') return queue.some((queued) => growsData(shard, queued.command, queued.words));
  return !LEAVES_QUEUE.has(command.name);
};

/** By its own flags, or by what a script tells of itself. [redis script.c scriptFlagsToCmdFlags] */
function growsData(shard: Shard, command: Command, words: readonly string[]): boolean {
  const told = command.scriptFlags?.(shard, words) ?? null;
  return told === null ? command.flags.has('denyoom') : !told.has('no-writes') && !told.has('allow-oom');
}

const LEAVES_QUEUE: ReadonlySet<string> = new Set(['DISCARD', 'MULTI', 'WATCH', 'QUIT', 'RESET']);

const writable: Check = (shard, session, command, words) =>
  shard.role === 'replica' &&
  session.kind !== 'primary' &&
  shard.config.get('replica-read-only') &&
  writes(shard, session, command, words)
    ? refuse('READONLY')
    : undefined;

/** EXEC writes when its queue does. */
const writes = (shard: Shard, session: Session, command: Command, words: readonly string[]): boolean =>
  changesData(shard, command, words) ||
  (command.name === 'EXEC' &&
    session.transaction.queue?.some((queued) => changesData(shard, queued.command, queued.words)) === true);

/** A script that tells nothing of itself is judged by each of its calls. */
function changesData(shard: Shard, command: Command, words: readonly string[]): boolean {
  const told = command.scriptFlags?.(shard, words) ?? null;
  return told === null ? command.isWrite : !told.has('no-writes');
}

/** RESP2 cannot tell a push from a reply, so a subscriber may only manage its subscriptions. */
const notSubscribed: Check = (_shard, session, command) =>
  session.wireProtocol === 3 || session.subscriptionCount === 0 || ALLOWED_TO_SUBSCRIBERS.has(command.name)
    ? undefined
    : refuse('SUBSCRIBED_ONLY', command.fullName);

const ALLOWED_TO_SUBSCRIBERS: ReadonlySet<string> = new Set([
  'SUBSCRIBE',
  'PSUBSCRIBE',
  'SSUBSCRIBE',
  'UNSUBSCRIBE',
  'PUNSUBSCRIBE',
  'SUNSUBSCRIBE',
  'PING',
  'QUIT',
  'RESET',
]);

const fresh: Check = (shard, session, command) =>
  shard.role === 'replica' &&
  !shard.linkUp &&
  session.kind !== 'primary' &&
  !shard.config.get('replica-serve-stale-data') &&
  lacks('stale', session, command)
    ? refuse('MASTERDOWN')
    : undefined;

const loaded: Check = (shard, session, command) =>
  shard.loading && session.kind !== 'primary' && lacks('loading', session, command) ? refuse('LOADING') : undefined;

/** EXEC lacks what one of its queue does: that may have been queued in better times. [redis multi.c cmd_inv_flags] */
const lacks = (flag: Flag, { transaction: { queue } }: Session, command: Command): boolean =>
  !command.flags.has(flag) ||
  (command.name === 'EXEC' && queue?.some((queued) => !queued.command.flags.has(flag)) === true);

/** A disk that takes nothing: what was written now could be lost. [redis server.c processCommand] */
const kept: Check = (shard, session, command, words) =>
  shard.writesHindered !== null &&
  session.kind !== 'primary' &&
  (writes(shard, session, command, words) || command.name === 'PING')
    ? shard.writesHindered
    : undefined;

/** What only this server has could be lost with it. [redis replication.c checkGoodReplicasStatus] */
const attended: Check = (shard, session, command, words) =>
  shard.replicasMin > 0 &&
  shard.role === 'primary' &&
  session.kind !== 'primary' &&
  writes(shard, session, command, words) &&
  shard.replicas.within(shard.config.get('min-replicas-max-lag') * 1000) < shard.replicasMin
    ? refuse('NOREPLICAS')
    : undefined;

/** A primary's stream waits where it arrives; what a script asks for itself passes. [redis server.c processCommand] */
const free: Check = ({ longScript }, session, command) =>
  longScript === null || session.inScript || session.kind === 'primary' || command.flags.has('allow_busy')
    ? undefined
    : longScript.refusal;

/** Its stream of writes, or of requests of others, and its own would mix. */
const notReplica: Check = (_shard, session, command) =>
  (session.kind === 'replica' || session.kind === 'monitor') &&
  (command.isWrite || command.flags.has('readonly') || command.flags.has('may_replicate'))
    ? refuse('ERR', "Replica can't interact with the keyspace")
    : undefined;

const CHECKS: readonly Check[] = [
  arity,
  authenticated,
  transactional,
  permitted,
  roomy,
  kept,
  attended,
  writable,
  notSubscribed,
  fresh,
  loaded,
  free,
  notReplica,
];

/** True for nearly every request: a client of a primary with room, in the middle of nothing. Only the arity can be wrong then. */
const isPlain = (shard: Shard, session: Session): boolean =>
  shard.role === 'primary' &&
  !shard.loading &&
  !shard.memory.overLimit &&
  shard.writesHindered === null &&
  shard.replicasMin === 0 &&
  shard.longScript === null &&
  session.kind === 'client' &&
  session.authenticated &&
  session.user.allowsEverything &&
  session.transaction.queue === null &&
  (session.wireProtocol === 3 || session.subscriptionCount === 0);

/** The first refusal, if any. */
export function check(shard: Shard, session: Session, command: Command, words: readonly string[]): Refusal | undefined {
  if (isPlain(shard, session)) return arity(shard, session, command, words);
  for (const each of CHECKS) {
    const refusal = each(shard, session, command, words);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
