/** One session as a line of CLIENT LIST. What a server here does not have (file descriptors, buffers of its own) is 0 or -1. */

import { addressText } from '../../world/world.ts';
import { refuse } from '../../resp/refusals.ts';
import type { Session } from '../shard/session.ts';

export type ClientType = 'normal' | 'master' | 'replica' | 'pubsub';

export function clientTypeOf(session: Session): ClientType {
  if (session.kind === 'primary') return 'master';
  if (session.kind === 'replica') return 'replica';
  return session.subscriptionCount > 0 ? 'pubsub' : 'normal';
}

export function parseClientType(given: string): ClientType {
  const name = given.toLowerCase();
  if (name === 'slave') return 'replica';
  if (name === 'normal' || name === 'master' || name === 'replica' || name === 'pubsub') return name;
  throw refuse('CLIENT_TYPE', given);
}

function flagsOf(session: Session): string {
  const { transaction } = session;
  let flags = '';
  if (session.kind === 'replica') flags += 'S';
  if (session.kind === 'primary') flags += 'M';
  if (session.subscriptionCount > 0) flags += 'P';
  if (transaction.queue !== null) flags += 'x';
  if (session.waiting !== null || session.isPaused) flags += 'b';
  if (transaction.dirty) flags += 'd';
  if (session.closing) flags += 'c';
  if (session.noEvict) flags += 'e';
  if (session.noTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}

/** `id=3 addr=…` as Redis 7.4 orders it [redis networking.c catClientInfoString]. */
export function clientLine(session: Session, now: number): string {
  const { subscriptions, transaction } = session;
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((now - sinceMs) / 1000));
  const unsentBytes = session.pendingBytes + (session.connection?.unsentBytes ?? 0);
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', session.id],
    ['addr', addressText(session.output.remote)],
    ['laddr', addressText(session.output.local)],
    ['fd', -1],
    ['name', session.name],
    ['age', seconds(session.createdAtMs)],
    ['idle', seconds(session.lastActiveMs)],
    ['flags', flagsOf(session)],
    ['db', session.database],
    ['sub', subscriptions.channel.size],
    ['psub', subscriptions.pattern.size],
    ['ssub', subscriptions.shard.size],
    ['multi', transaction.queue?.length ?? -1],
    ['watch', transaction.watched.size],
    ['qbuf', session.unreadBytes],
    ['qbuf-free', 0],
    ['argv-mem', 0],
    ['multi-mem', transaction.queuedBytes],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', 0],
    ['omem', unsentBytes],
    ['tot-mem', unsentBytes + session.unreadBytes + transaction.queuedBytes],
    ['events', 'r'],
    ['cmd', session.lastCommand],
    ['user', session.kind === 'primary' ? '(superuser)' : session.user.name],
    ['redir', -1],
    ['resp', session.protocol],
    ['lib-name', session.libraryName],
    ['lib-ver', session.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}
