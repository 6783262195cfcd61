/**
 * What one run of a script or function may do, and does, at its shard: its `redis.call` runs commands of its client after the same
 * checks, and each of its writes is replicated as itself, the script never. [redis script.c scriptCall]
 *
 * What a run changes at its session and shard is in force between `enter` and `leave` only: others may be served meanwhile.
 */

import { denialText } from '../acl/denial-text.ts';
import { Refusal } from '../../resp/refusals.ts';
import { Failure, type Protocol, type Reply } from '../../resp/reply.ts';
import { arityHolds } from '../commands/table.ts';
import type { Command } from '../commands/command.ts';
import type { User } from '../acl/user.ts';
import { check } from '../shard/checks.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import type { Reach } from '../shard/write-log.ts';
import type { ScriptHost, ScriptRandom } from './desk.ts';

/** `redis.set_repl`: nobody, the log on disk, replicas, both. */
const REACHES: readonly Reach[] = ['none', 'own', 'others', 'all'];

/** How long the commands of a script may keep this process before it goes on in a thread. */
const HEAD_MS_MIN = 200;
const HEAD_MS_MAX = 3000;

export interface RunRules {
  /** It may not write. */
  readonly isReadonly: boolean;
  /** It may take memory that there is not. */
  readonly mayExceedMemory: boolean;
}

export class ScriptRun implements ScriptHost {
  readonly random: ScriptRandom;
  /** The shard's time, for the whole run. */
  readonly momentMs: number;
  /** It has run a command that writes, whatever came of it. */
  hasWritten = false;
  readonly #shard: Shard;
  readonly #session: Session;
  #user: User;
  readonly #isReadonly: boolean;
  /** What is in force within the run, or, while it is entered, what was before. */
  #database: number;
  #reach: Reach = 'all';
  #refusing: boolean;
  #protocol: Protocol | null = null;

  constructor(shard: Shard, session: Session, { isReadonly, mayExceedMemory }: RunRules) {
    this.#shard = shard;
    this.#session = session;
    this.#user = session.user;
    this.#isReadonly = isReadonly;
    this.#database = session.database;
    this.#refusing = shard.eviction.refusing && !mayExceedMemory;
    this.random = shard.scriptRandom;
    this.momentMs = shard.now;
  }

  enter(): void {
    this.#session.inScript = true;
    this.#exchange();
  }

  /** A SELECT of the script is the script's own. */
  leave(): void {
    this.#exchange();
    this.#session.inScript = false;
  }

  #exchange(): void {
    const session = this.#session;
    const { eviction, writeLog } = this.#shard;
    const { database, scriptProtocol, user } = session;
    session.user = this.#user;
    this.#user = user;
    session.database = this.#database;
    session.scriptProtocol = this.#protocol;
    this.#database = database;
    this.#protocol = scriptProtocol;
    const { refusing } = eviction;
    eviction.refusing = this.#refusing;
    this.#refusing = refusing;
    const { reach } = writeLog;
    writeLog.reach = this.#reach;
    this.#reach = reach;
  }

  call(words: readonly string[], protocol: Protocol): Reply {
    this.#session.scriptProtocol = protocol;
    return this.#callFrom(words);
  }

  mayRun(words: readonly string[]): boolean | null {
    const command = this.#commandOf(words);
    return command === null ? null : this.#session.user.check(command, words) === null;
  }

  setReplication(reach: number): void {
    this.#shard.writeLog.reach = REACHES[reach]!;
  }

  log(level: number, message: string): void {
    this.#shard.world.log.event('script-log', { level, message });
  }

  /** Here commands cost least; but others of this process wait, and those that may be answered BUSY should be. */
  get isTired(): boolean {
    const { world, config } = this.#shard;
    const thresholdMs = config.get('busy-reply-threshold');
    const mostMs = thresholdMs === 0 ? HEAD_MS_MAX : Math.max(HEAD_MS_MIN, Math.min(HEAD_MS_MAX, thresholdMs));
    return world.clock.now() - this.momentMs > mostMs;
  }

  clock(): number {
    return Math.round(this.#shard.world.clock.elapsed() * 1000);
  }

  #commandOf(words: readonly string[]): Command | null {
    try {
      return this.#shard.commands.resolve(words);
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  #callFrom(words: readonly string[]): Reply {
    const shard = this.#shard;
    const session = this.#session;
    const command = this.#commandOf(words);
    if (command === null) return rejected(shard, null, 'ERR Unknown Redis command called from script');
    if (!arityHolds(command, words))
      return rejected(shard, command, 'ERR Wrong number of args calling Redis command from script');
    if (command.flags.has('noscript') && !shard.scriptsCallAll)
      return rejected(shard, command, 'ERR This Redis command is not allowed from script');
    if (session.kind !== 'primary' && isStale(shard) && !command.flags.has('stale'))
      return rejected(shard, command, 'ERR Can not execute the command on a stale replica');
    const denial = shard.permissions.check(session, command, words, 'lua');
    if (denial !== null)
      return rejected(shard, command, `ERR ACL failure in script: ${denialText(denial, session.user.name, command)}`);
    if (this.#isReadonly && (command.isWrite || command.flags.has('may_replicate')))
      return rejected(shard, command, 'ERR Write commands are not allowed from read-only scripts.');
    const refusal = check(shard, session, command, words);
    if (refusal !== undefined) return rejected(shard, command, refusal.message);
    if (command.isWrite) this.hasWritten = true;
    return shard.call(session, command, words, false);
  }
}

export const isStale = ({ role, linkUp, config }: Shard): boolean =>
  role === 'replica' && !linkUp && !config.get('replica-serve-stale-data');

/** Counts as what it is, though it never ran. [redis script.c scriptCall] */
function rejected({ commandStats }: Shard, command: Command | null, text: string): Failure {
  if (command === null) commandStats.error(text);
  else commandStats.rejected(command, text);
  return new Failure(text);
}
