/**
 * What must hold before a command runs: a list in Redis's order [redis server.c processCommand], so that it can be read, printed
 * and added to. Each check returns the refusal, or undefined to pass.
 */

import { refuse, type Refusal } from '../../resp/refusals.ts';
import type { Command } from '../commands/command.ts';
import { arityHolds } from '../commands/table.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

export type Check = (shard: Shard, session: Session, command: Command, words: readonly string[]) => Refusal | undefined;

const arity: Check = (_shard, _session, command, words) =>
  arityHolds(command, words) ? undefined : refuse('ARITY', command.fullName);

const authenticated: Check = (_shard, session, command) =>
  session.authenticated || command.flags.has('no_auth') ? undefined : refuse('NOAUTH');

/** RESP2 cannot tell a push from a reply, so a subscriber may only manage its subscriptions. */
const notSubscribed: Check = (_shard, session, command) =>
  session.protocol === 3 ||
  session.subscriptionCount === 0 ||
  command.flags.has('pubsub') && command.name !== 'PUBLISH' && command.name !== 'SPUBLISH' && !command.name.startsWith('PUBSUB') ||
  ['PING', 'QUIT', 'RESET'].includes(command.name)
    ? undefined
    : refuse('SUBSCRIBED_ONLY', command.fullName);

const writable: Check = (shard, session, command) =>
  command.isWrite && shard.role === 'replica' && session.kind !== 'primary' && shard.config.get('replica-read-only')
    ? refuse('READONLY')
    : undefined;

const fresh: Check = (shard, session, command) =>
  shard.role === 'replica' &&
  !shard.linkUp &&
  session.kind !== 'primary' &&
  !shard.config.get('replica-serve-stale-data') &&
  !command.flags.has('stale')
    ? refuse('MASTERDOWN')
    : undefined;

const loaded: Check = (shard, session, command) =>
  shard.loading && session.kind !== 'primary' && !command.flags.has('loading') ? refuse('LOADING') : undefined;

const transactional: Check = (_shard, session, command) => {
  if (session.transaction.queue === null || !command.flags.has('no_multi')) return undefined;
  return refuse('ERR', `Command not allowed inside a transaction`);
};

export const CHECKS: readonly Check[] = [arity, authenticated, writable, notSubscribed, fresh, loaded, transactional];

/** The first refusal, if any. */
export function check(shard: Shard, session: Session, command: Command, words: readonly string[]): Refusal | undefined {
  for (const each of CHECKS) {
    const refusal = each(shard, session, command, words);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
