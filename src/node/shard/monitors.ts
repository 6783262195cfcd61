/**
 * MONITOR: sessions that see every request as a line of text when it has run. Secrets are left out of it, requests of
 * administrators are not shown. [redis replication.c replicationFeedMonitors]
 */

import { quoted } from '../../resp/quoted.ts';
import { addressText, isSocketPath } from '../../world/world.ts';
import type { Command } from '../commands/command.ts';
import { redacted } from './redaction.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

export class Monitors {
  readonly #shard: Shard;
  readonly #sessions = new Set<Session>();

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  /** Somebody looks. */
  get isOn(): boolean {
    return this.#sessions.size > 0;
  }

  /** The session is a client like others no more: it neither reads nor writes keys until RESET. */
  add(session: Session): void {
    session.kind = 'monitor';
    this.#sessions.add(session);
  }

  remove(session: Session): void {
    if (this.#sessions.delete(session)) session.kind = 'client';
  }

  /** A request has run. */
  ran(session: Session, command: Command, words: readonly string[]): void {
    if (!command.flags.has('skip_monitor') && !command.flags.has('admin')) this.show(session, command, words);
  }

  /** Shows a request, whatever its flags say. */
  show(session: Session, command: Command, words: readonly string[]): void {
    if (this.#sessions.size === 0 || this.#shard.loading) return;
    const nowMs = this.#shard.now;
    const time = `${Math.floor(nowMs / 1000)}.${String(Math.floor((nowMs % 1000) * 1000)).padStart(6, '0')}`;
    const { remote } = session.output;
    const peer = isSocketPath(remote.host) ? `unix:${remote.host}` : addressText(remote);
    const from = session.inScript ? 'lua' : peer;
    const line = `+${time} [${session.database} ${from}] ${redacted(command, words).map(quoted).join(' ')}\r\n`;
    for (const each of this.#sessions) each.pushEncoded(line);
  }
}
