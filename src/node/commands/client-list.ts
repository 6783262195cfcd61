/**
 * One session as a line of CLIENT LIST. What a server here does not have (file descriptors, buffers that are kept although they are
 * empty) is 0 or -1.
 */

import { addressText, isSocketPath } from '../../world/world.ts';
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
  if (session.kind === 'monitor') flags += 'O';
  if (session.kind === 'replica') flags += 'S';
  if (session.kind === 'primary') flags += 'M';
  if (session.subscriptionCount > 0) flags += 'P';
  if (transaction.queue !== null) flags += 'x';
  if (session.waiting !== null || session.isPaused) flags += 'b';
  if (session.tracking !== null) {
    flags += 't';
    if (session.tracking.isBroken) flags += 'R';
    if (session.tracking.mode === 'bcast') flags += 'B';
  }
  if (transaction.dirty) flags += 'd';
  if (session.closing) flags += 'c';
  if (isSocketPath(session.output.remote.host)) flags += 'U';
  if (session.noEvict) flags += 'e';
  if (session.noTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}

/** Redis keeps what waits to be sent in pieces of that size. */
const BLOCK_BYTES = 16 * 1024;

/** `request`: what it asks just now. `id=3 addr=…` as Redis 7.4 orders it [redis networking.c catClientInfoString]. */
export function clientLine(session: Session, now: number, request = session.waiting?.words ?? []): string {
  const { subscriptions, transaction } = session;
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((now - sinceMs) / 1000));
  const { unsentBytes } = session;
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
    ['qbuf', session.queryBytes],
    ['qbuf-free', 0],
    ['argv-mem', request.reduce((sum, each) => sum + each.length, session.decoder.argumentBytes)],
    ['multi-mem', transaction.queuedBytes],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', session.pendingBytes],
    ['oll', Math.ceil(unsentBytes / BLOCK_BYTES)],
    ['omem', unsentBytes],
    ['tot-mem', session.memory.bytes],
    ['events', unsentBytes > 0 ? 'rw' : 'r'],
    ['cmd', session.lastCommand],
    ['user', session.kind === 'primary' ? '(superuser)' : session.user.name],
    ['redir', session.tracking?.redirect ?? -1],
    ['resp', session.protocol],
    ['lib-name', session.libraryName],
    ['lib-ver', session.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}
