/**
 * The serving side of a shard's replication: who asks for its stream, what each is sent, what each has acknowledged
 * [redis replication.c syncCommand, masterTryPartialResynchronization, replicationCron].
 *
 * A replica stays an ordinary session, so its REPLCONF ACK come in as requests; the stream goes out past the session, straight
 * into the connection. A snapshot is made for each replica that needs one.
 *
 * Border: the stream itself is `feed.ts`, one replica `attachment.ts`. Limits: those of an attachment.
 */

import { NO_REPLY, type Reply } from '../resp/reply.ts';
import { refuse } from '../resp/refusals.ts';
import type { OutputLimit } from '../node/shard/output-limits.ts';
import type { Session } from '../node/shard/session.ts';
import type { Shard } from '../node/shard/shard.ts';
import type { LaggingReplica } from '../node/shard/upper-layers.ts';
import type { Address, Timer } from '../world/world.ts';
import { Attachment, newReplicaFacts, type DropReason, type ReplicaFacts } from './attachment.ts';
import type { Feed } from './feed.ts';
import { NO_REPLICATION_ID } from './feed.ts';

const TICK_MS = 1000;

export interface PrimaryStats {
  /** INFO's sync_full, sync_partial_ok, sync_partial_err. */
  full: number;
  partial: number;
  partialRefused: number;
}

export interface PrimaryParts {
  readonly shard: Shard;
  readonly feed: Feed;
  /** Database that is selected where the stream is now, for a dump's repl-stream-db. */
  readonly streamDatabase: () => number;
  /** Code of function libraries that dumps carry. */
  readonly functions: () => readonly string[];
  /** Nothing of its own goes into the stream, and nobody new is served. */
  readonly isFailingOver: () => boolean;
  /** What may wait for a replica where the configuration sets no limit; null: anything. */
  readonly replicaBuffer: (() => OutputLimit) | null;
}

export class Primary {
  readonly attachments = new Set<Attachment>();
  readonly stats: PrimaryStats = { full: 0, partial: 0, partialRefused: 0 };
  /** Called when a replica acknowledged something or went away. */
  readonly onProgress: (() => void)[] = [];
  readonly #parts: PrimaryParts;
  readonly #facts = new WeakMap<Session, ReplicaFacts>();
  readonly #bySession = new Map<Session, Attachment>();
  #timer: Timer | null = null;
  #ticks = 0;
  #idleSinceMs: number;

  constructor(parts: PrimaryParts) {
    this.#parts = parts;
    this.#idleSinceMs = parts.shard.world.clock.now();
    parts.shard.onSessionClosed.push((session) => this.#detach(session));
    this.#tickLater();
  }

  close(): void {
    this.#timer?.cancel();
    for (const session of this.#bySession.keys()) this.#detach(session);
  }

  /** Bytes of the stream that wait for replicas. */
  get unsentBytes(): number {
    let sum = 0;
    for (const attachment of this.attachments) sum += attachment.unsentBytes;
    return sum;
  }

  /** What a session said of itself by REPLCONF. */
  factsOf(session: Session): ReplicaFacts {
    let facts = this.#facts.get(session);
    if (facts === undefined) this.#facts.set(session, (facts = newReplicaFacts()));
    return facts;
  }

  acknowledge(session: Session, offset: number, syncedOffset: number | null): void {
    const attachment = this.#bySession.get(session);
    if (attachment === undefined) return;
    attachment.acknowledged(offset, syncedOffset);
    for (const listener of this.onProgress) listener();
  }

  /** Replicas that are online and have acknowledged that offset. */
  acknowledgedBy(offset: number): number {
    let count = 0;
    for (const { stage, ackOffset } of this.attachments) if (stage === 'online' && ackOffset >= offset) count++;
    return count;
  }

  /** Those that have not acknowledged that offset, or are not online yet. */
  lagging(offset: number): readonly LaggingReplica[] {
    return [...this.attachments]
      .filter(({ stage, ackOffset }) => stage !== 'online' || ackOffset < offset)
      .map(({ host, facts, stateName, ackOffset, lagSeconds }) => ({
        name: `${host}:${facts.listeningPort}`,
        state: stateName,
        behindBytes: offset - ackOffset,
        lagSeconds,
      }));
  }

  /** Replicas that are online and have it on disk up to that offset. */
  syncedBy(offset: number): number {
    let count = 0;
    for (const { stage, syncedOffset } of this.attachments) if (stage === 'online' && syncedOffset >= offset) count++;
    return count;
  }

  /** Replicas that are online and were heard of within so long. */
  heardWithin(lagMsMax: number): number {
    let count = 0;
    for (const { stage, lagSeconds } of this.attachments)
      if (stage === 'online' && lagSeconds * 1000 <= lagMsMax) count++;
    return count;
  }

  /** The replica that listens there, as it says itself; null: none does. */
  replicaAt({ host, port }: Address): Attachment | null {
    return [...this.attachments].find((each) => each.host === host && each.facts.listeningPort === port) ?? null;
  }

  /** Asks every replica to say where it is, without waiting for its second to pass. */
  requestAcks(): void {
    if (this.attachments.size > 0 && this.#parts.feed.mode === 'own')
      this.#parts.feed.append(['REPLCONF', 'GETACK', '*']);
  }

  /** PSYNC: a part of the history when it is still there, everything otherwise. */
  psync(session: Session, replicationId: string, nextOffset: number): Reply {
    this.#admit(session);
    const { feed } = this.#parts;
    if (this.#canContinue(replicationId, nextOffset)) {
      this.stats.partial++;
      const facts = this.factsOf(session);
      const attachment = this.#attach(session, facts, false);
      session.sendRaw(facts.psync2 ? `+CONTINUE ${feed.replicationId}\r\n` : '+CONTINUE\r\n');
      session.flush();
      attachment.resume(feed.backlog!.from(nextOffset));
      this.#log('replica-partial-sync', attachment, { from: nextOffset });
      return NO_REPLY;
    }
    if (replicationId !== '?') this.stats.partialRefused++;
    return this.#full(session, false);
  }

  /** SYNC, of replicas older than PSYNC and of redis-cli. */
  sync(session: Session): Reply {
    this.#admit(session);
    return this.#full(session, true);
  }

  /** Ends every replica's connection: what it has no longer belongs to the history served here. */
  disconnectAll(): void {
    for (const attachment of this.attachments) this.#drop(attachment, 'history-changed');
  }

  #admit(session: Session): void {
    const { shard } = this.#parts;
    if (this.#parts.isFailingOver()) throw refuse('FAILING_OVER');
    if (shard.role === 'replica' && !shard.linkUp) throw refuse('NOMASTERLINK');
    if (session.connection === null) throw refuse('ERR', 'replication needs a connection of its own');
    if (session.pendingBytes > 0) throw refuse('ERR', 'SYNC and PSYNC are invalid with pending output');
    if (this.#bySession.has(session)) throw refuse('ERR', 'this connection receives a replication stream already');
  }

  #canContinue(replicationId: string, nextOffset: number): boolean {
    const { feed } = this.#parts;
    const sameHistory =
      replicationId === feed.replicationId ||
      (replicationId === feed.secondId && feed.secondId !== NO_REPLICATION_ID && nextOffset <= feed.secondOffset);
    feed.flush();
    return sameHistory && feed.backlog !== null && feed.backlog.covers(nextOffset);
  }

  #full(session: Session, legacy: boolean): Reply {
    const { shard, feed, streamDatabase, functions } = this.#parts;
    const facts = this.factsOf(session);
    this.stats.full++;
    feed.begin();
    feed.flush();
    feed.selectAgain();
    const attachment = this.#attach(session, facts, legacy);
    if (!legacy) session.sendRaw(`+FULLRESYNC ${feed.replicationId} ${feed.offset}\r\n`);
    session.flush();
    attachment.sendSnapshot(
      [
        ['repl-stream-db', String(streamDatabase())],
        ['repl-id', feed.replicationId],
        ['repl-offset', String(feed.offset)],
      ],
      functions(),
      !legacy && facts.eof && shard.config.get('repl-diskless-sync'),
    );
    this.#log('replica-full-sync', attachment, { offset: feed.offset });
    return NO_REPLY;
  }

  #attach(session: Session, facts: ReplicaFacts, legacy: boolean): Attachment {
    const { shard, feed } = this.#parts;
    const attachment = new Attachment({
      shard,
      session,
      facts,
      legacy,
      replicaBuffer: this.#parts.replicaBuffer,
      drop: (each, reason) => this.#drop(each, reason),
    });
    session.kind = 'replica';
    session.drained = () => attachment.drained();
    this.attachments.add(attachment);
    this.#bySession.set(session, attachment);
    feed.receivers.add(attachment);
    return attachment;
  }

  #detach(session: Session): void {
    const attachment = this.#bySession.get(session);
    if (attachment === undefined) return;
    attachment.release();
    session.drained = null;
    this.#bySession.delete(session);
    this.attachments.delete(attachment);
    this.#parts.feed.receivers.delete(attachment);
    if (this.attachments.size === 0) this.#idleSinceMs = this.#parts.shard.world.clock.now();
    for (const listener of this.onProgress) listener();
  }

  #drop(attachment: Attachment, reason: DropReason): void {
    this.#log('replica-dropped', attachment, { why: reason });
    this.#detach(attachment.session);
    if (reason === 'history-changed') attachment.session.close();
    else attachment.session.connection?.destroy();
  }

  #log(name: string, attachment: Attachment, fields: Record<string, string | number>): void {
    const { shard } = this.#parts;
    shard.world.log.event(name, { replica: `${attachment.host}:${attachment.facts.listeningPort}`, ...fields });
  }

  #tickLater(): void {
    this.#timer = this.#parts.shard.world.clock.after(TICK_MS, () => {
      this.#tick();
      this.#tickLater();
    });
  }

  #tick(): void {
    const { shard, feed } = this.#parts;
    this.#ticks++;
    if (
      feed.mode === 'own' &&
      this.attachments.size > 0 &&
      !this.#parts.isFailingOver() &&
      this.#ticks % shard.config.get('repl-ping-replica-period') === 0
    ) {
      feed.append(['PING']);
    }
    for (const attachment of this.attachments) attachment.tick();
    const idleMs = shard.world.clock.now() - this.#idleSinceMs;
    const idleMsMax = shard.config.get('repl-backlog-ttl') * 1000;
    if (feed.mode === 'own' && this.attachments.size === 0 && idleMsMax > 0 && idleMs > idleMsMax) feed.end();
  }
}
