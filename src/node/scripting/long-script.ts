/**
 * A script that took longer than its first part may: it was begun again in a thread, where it is given the answers it already got, and what
 * it asks for now is done here, between other things. Until it ends, its shard does nothing else: other clients wait, from
 * `busy-reply-threshold` on they are answered BUSY, and it can be killed while it has not written. [redis script.c scriptInterrupt, scriptKill]
 *
 * Nothing happens twice, since an answer that is given again is not made again; a script that asks for something else the second time is
 * ended. All its writes are one unit, also when it is ended. Its client may be gone: it goes on, as in Redis.
 *
 * Border: the thread is `thread-program.ts`, what a request does `script-run.ts`.
 */

import { refuse, type Refusal } from '../../resp/refusals.ts';
import { Failure, type Reply } from '../../resp/reply.ts';
import type { Thread, Threads } from '../../world/threads.ts';
import type { Timer } from '../../world/world.ts';
import type { Waiting } from '../shard/blocking.ts';
import type { CommandContext } from '../shard/context.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import type { ScriptDesk } from './desk.ts';
import { MEMORY_FULL, type Outcome, type Unfinished } from './lua-machine.ts';
import type { ScriptRun } from './script-run.ts';
import { SAID, threadProgram, type ScriptProgram } from './thread-program.ts';
import { readWords, WireReader, WireWriter } from './wire.ts';

export interface LongScriptParts {
  readonly run: ScriptRun;
  readonly unfinished: Unfinished;
  readonly threads: Threads;
  readonly program: ScriptProgram;
  /** As errors call it. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

const KILLED = 'ERR Script killed by user with SCRIPT KILL...';

export class LongScript {
  readonly session: Session;
  readonly name: string;
  /** The request that began it. */
  readonly words: readonly string[];
  readonly isFunction: boolean;
  /** Other clients wait; later they are refused. */
  isSilent = true;
  readonly #shard: Shard;
  readonly #run: ScriptRun;
  readonly #desk: ScriptDesk;
  readonly #waiting: Waiting;
  readonly #writer = new WireWriter();
  /** Where it was when it was left unfinished. */
  readonly #place: string;
  readonly #onEnd: (() => void)[] = [];
  #thread: Thread | null = null;
  #timer: Timer | null = null;
  #reply: Reply | undefined;

  constructor(context: CommandContext, parts: LongScriptParts) {
    const { shard, session, command, words } = context;
    this.#shard = shard;
    this.session = session;
    this.words = words;
    this.name = parts.name;
    this.isFunction = parts.program.kind === 'functions';
    this.#run = parts.run;
    this.#desk = parts.unfinished.desk;
    this.#place = parts.unfinished.place;
    const request = { keys: [], timeoutMs: 0, timeoutReply: null };
    this.#waiting = { command, words, database: session.database, request, timer: null };
    this.#writer.start().error(MEMORY_FULL);
    const program = threadProgram({
      ...parts,
      transcript: parts.unfinished.transcript,
      memoryFull: this.#writer.bytes,
    });
    try {
      this.#thread = parts.threads.start(program, {
        said: (bytes) => this.#said(bytes),
        ended: (detail) => this.#stop(`ERR the thread of the script ended: ${detail}`),
      });
    } catch (error) {
      this.#endSoon({ ok: false, text: `ERR no thread for the script: ${String(error)}`, place: '', isEndless: true });
    }
    const thresholdMs = shard.config.get('busy-reply-threshold');
    if (thresholdMs > 0)
      this.#timer = shard.world.clock.after(Math.max(0, thresholdMs - this.durationMs), () => this.answerOthers());
  }

  get durationMs(): number {
    return Math.max(0, this.#shard.world.clock.now() - this.#run.momentMs);
  }

  /** What others are told. */
  get refusal(): Refusal {
    return refuse(this.isFunction ? 'BUSY_FUNCTION' : 'BUSY_SCRIPT');
  }

  /** SCRIPT KILL, FUNCTION KILL. */
  kill(what: 'script' | 'function'): void {
    if (this.#run.hasWritten) throw refuse('UNKILLABLE');
    if (this.isFunction !== (what === 'function')) throw this.refusal;
    this.#shard.world.log.event('script-killed', { script: this.name });
    this.#endSoon({ ok: false, text: KILLED, place: this.#place, isEndless: true });
  }

  /** Ends it at once, since its shard cannot wait; what it has written stays. */
  giveUp(): void {
    if (this.#reply === undefined)
      this.#reply = new Failure('ERR the script was ended: its shard could not wait for it');
    this.#finish();
  }

  /** The shard is no more. */
  close(): void {
    this.#thread?.end();
    this.#timer?.cancel();
    this.#shard.longScript = null;
    for (const listener of this.#onEnd.splice(0)) listener();
  }

  /** Resolves when its shard is at rest. */
  ended(): Promise<void> {
    return new Promise((resolve) => this.#onEnd.push(resolve));
  }

  /** Its reply, once: the shard is free then. */
  take(): Reply {
    const reply = this.#reply;
    if (reply === undefined) throw new Error('a script that runs has no reply');
    this.#shard.longScript = null;
    this.#shard.slowlog.held(this.durationMs);
    return reply;
  }

  /** Its threshold has passed. */
  answerOthers(): void {
    this.isSilent = false;
    this.#shard.world.log.event('script-slow', { script: this.name, milliseconds: this.durationMs });
    for (const session of this.#shard.sessions.values()) session.continueSoon();
  }

  #said(message: Uint8Array): void {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    switch (bytes[0]) {
      case SAID.tell:
      case SAID.command:
        this.#answer(bytes[0] === SAID.tell ? 'tell' : 'command', readWords(bytes, 1));
        return;
      case SAID.done:
        this.#done(bytes.length === 1 ? null : new WireReader(bytes, 1, this.#desk.protocol).value());
        return;
      case SAID.other:
        this.#stop(
          'ERR the script went another way when it was begun again: it depends on where its values are in memory',
        );
        return;
      case SAID.full:
        this.#stop(MEMORY_FULL);
        return;
      default:
        throw new Error(`the thread of a script says ${bytes[0]}`);
    }
  }

  #answer(asking: 'tell' | 'command', words: readonly string[]): void {
    this.#shard.within(this.session, this.#run.momentMs, () => {
      this.#run.enter();
      try {
        this.#desk.answer(asking, words, this.#writer);
      } finally {
        this.#run.leave();
      }
    });
    this.#thread?.answer(this.#writer.bytes);
  }

  #done(reply: Reply): void {
    this.#reply = replyOf(
      this.#desk.failure === null ? { ok: true, reply } : { ok: false, ...this.#desk.failure },
      this.name,
    );
    this.#finish();
  }

  #stop(text: string): void {
    if (this.#reply !== undefined) return;
    this.#reply = new Failure(text);
    this.#finish();
  }

  /** Not inside of the request that wants it. */
  #endSoon(outcome: Outcome): void {
    if (this.#reply !== undefined) return;
    this.#reply = replyOf(outcome, this.name);
    this.#thread?.end();
    this.#shard.world.clock.soon(() => this.#finish());
  }

  /** Its request ends as one that waited: its writes go out, its client is answered, and others have their turn. */
  #finish(): void {
    const shard = this.#shard;
    if (shard.longScript !== this) return;
    this.#thread?.end();
    this.#timer?.cancel();
    shard.tick();
    const reply = shard.runAgain(this.session, this.#waiting);
    shard.blocking.release(this.session, reply);
    shard.endUnit();
    for (const listener of this.#onEnd.splice(0)) listener();
    for (const session of shard.sessions.values()) session.continueSoon();
  }
}

export function replyOf(outcome: Outcome, name: string): Reply {
  if (outcome.ok) return outcome.reply;
  return new Failure(outcome.text + (outcome.place === '' ? '' : ` script: ${name}, on ${outcome.place}.`));
}
