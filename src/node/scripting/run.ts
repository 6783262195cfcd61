/**
 * One script or function of a client: its `redis.call` runs commands of that client after the same checks, and each of its writes is
 * replicated as itself, the script never. [redis script.c scriptPrepareForRun, scriptCall]
 */

import { denialText } from '../acl/denial-text.ts';
import { refuse, Refusal } from '../../resp/refusals.ts';
import { Failure, type Reply } from '../../resp/reply.ts';
import { arityHolds } from '../commands/table.ts';
import type { Command } from '../commands/command.ts';
import { check } from '../shard/checks.ts';
import type { CommandContext } from '../shard/context.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import type { Reach } from '../shard/write-log.ts';
import { scriptEngine, scriptEngineReady, type ScriptEngine } from './engine.ts';
import type { ScriptFlag } from './flags.ts';
import type { LuaMachine } from './lua-machine.ts';

/** Runs what needs the engine: at once, or as soon as it has been loaded; inside MULTI it cannot be waited for. */
export function withEngine(context: CommandContext, run: (engine: ScriptEngine) => Reply): Reply {
  const engine = scriptEngine();
  if (engine !== null) return run(engine);
  const { session, shard } = context;
  const { mayBlock } = context;
  void scriptEngineReady().then(() => {
    const { waiting } = session;
    if (!mayBlock || waiting === null || waiting.request !== request) return;
    shard.tick();
    shard.blocking.release(session, shard.runAgain(session, waiting));
    shard.endUnit();
  });
  const request = {
    keys: [],
    timeoutMs: 0,
    timeoutReply: new Failure('ERR the script engine is being loaded for its first script: send the transaction again'),
  };
  return context.block(request);
}

export interface ScriptRequest {
  readonly machine: LuaMachine;
  readonly how: 'run' | 'callFunction';
  /** In the machine. */
  readonly id: number;
  /** As errors call it. */
  readonly name: string;
  /** Null: a script that tells nothing of itself, and may do what it may do when it does it. */
  readonly flags: ReadonlySet<ScriptFlag> | null;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  /** EVAL_RO and the like. */
  readonly isReadonly: boolean;
}

/** `redis.set_repl`: nobody, the log on disk, replicas, both. */
const REACHES: readonly Reach[] = ['none', 'own', 'others', 'all'];

export function runScript({ session, shard }: CommandContext, request: ScriptRequest): Reply {
  const { machine, flags, keys, values } = request;
  const refusal = refusalAtStart(shard, session, request);
  if (refusal !== null) throw refusal;
  if (machine.isRunning) throw refuse('ERR', 'a script cannot run another one');
  const isReadonly = request.isReadonly || flags?.has('no-writes') === true;
  const { eviction, writeLog } = shard;
  const { refusing } = eviction;
  if (flags?.has('allow-oom') === true) eviction.refusing = false;
  const { database } = session;
  session.inScript = true;
  try {
    const outcome = machine.run(request.how, request.id, keys, values, {
      call: (words, scriptProtocol) => {
        session.scriptProtocol = scriptProtocol;
        return callFromScript(shard, session, words, isReadonly);
      },
      mayRun: (words) => {
        const command = commandOf(shard, words);
        return command === null ? null : session.user.check(command, words) === null;
      },
      setReplication: (reach) => (writeLog.reach = REACHES[reach]!),
      log: (level, message) => shard.world.log.event('script-log', { level, message }),
      random: shard.scriptRandom,
    });
    if (outcome.ok) return outcome.reply;
    return new Failure(outcome.text + (outcome.place === '' ? '' : ` script: ${request.name}, on ${outcome.place}.`));
  } finally {
    eviction.refusing = refusing;
    writeLog.reach = 'all';
    session.database = database; // a SELECT of the script is the script's own
    session.scriptProtocol = null;
    session.inScript = false;
  }
}

/** What a script is refused before it begins, most of it by what it tells of itself. [redis script.c scriptPrepareForRun] */
function refusalAtStart(shard: Shard, session: Session, { flags, isReadonly }: ScriptRequest): Refusal | null {
  if (session.kind === 'primary') return null;
  if (isStale(shard) && flags?.has('allow-stale') !== true) return refuse('MASTERDOWN');
  if (flags === null || flags.has('no-writes')) return null;
  if (shard.eviction.refusing && !flags.has('allow-oom')) return refuse('OOM');
  if (shard.role === 'replica' && shard.config.get('replica-read-only')) return refuse('READONLY');
  if (shard.writesHindered !== null) return shard.writesHindered;
  return isReadonly ? refuse('ERR', 'Can not execute a script with write flag using *_ro command.') : null;
}

const isStale = ({ role, linkUp, config }: Shard): boolean =>
  role === 'replica' && !linkUp && !config.get('replica-serve-stale-data');

function commandOf(shard: Shard, words: readonly string[]): Command | null {
  try {
    return shard.commands.resolve(words);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

function callFromScript(shard: Shard, session: Session, words: readonly string[], isReadonly: boolean): Reply {
  const command = commandOf(shard, words);
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
  if (isReadonly && (command.isWrite || command.flags.has('may_replicate')))
    return rejected(shard, command, 'ERR Write commands are not allowed from read-only scripts.');
  const refusal = check(shard, session, command, words);
  if (refusal !== undefined) return rejected(shard, command, refusal.message);
  return shard.call(session, command, words, false);
}

/** Counts as what it is, though it never ran. [redis script.c scriptCall] */
function rejected({ commandStats }: Shard, command: Command | null, text: string): Failure {
  if (command !== null) commandStats.of(command).rejected++;
  commandStats.error(text);
  return new Failure(text);
}
