/**
 * One script of a client: its `redis.call` runs commands of that client after the same checks, and each of its writes is
 * replicated as itself, the script never. [redis script.c scriptCall, script_lua.c]
 */

import { refuse, Refusal } from '../../resp/refusals.ts';
import { Failure, type Protocol, type Reply } from '../../resp/reply.ts';
import { arityHolds } from '../commands/table.ts';
import type { Command } from '../commands/command.ts';
import { check } from '../shard/checks.ts';
import type { CommandContext } from '../shard/context.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import type { Script } from './cache.ts';
import { scriptEngine, scriptEngineReady, type ReplyValue } from './engine.ts';
import { fromScript, toScript } from './replies.ts';

/** Runs what needs the engine: at once, or as soon as it has been loaded; inside MULTI it cannot be waited for. */
export function withEngine(context: CommandContext, run: () => Reply): Reply {
  if (scriptEngine() !== null) return run();
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

interface ScriptRequest {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  /** EVAL_RO. */
  readonly isReadonly: boolean;
}

export function runScript({ session, shard }: CommandContext, request: ScriptRequest): Reply {
  const { script, keys, values } = request;
  const refusal = refusalAtStart(shard, session, request);
  if (refusal !== null) throw refusal;
  const isReadonly = request.isReadonly || script.flags?.has('no-writes') === true;
  const { eviction } = shard;
  const { refusing } = eviction;
  if (script.flags?.has('allow-oom') === true) eviction.refusing = false;
  const { database, protocol } = session;
  let scriptProtocol: Protocol = 2;
  session.inScript = true;
  try {
    const value = scriptEngine()!.run(script.program, keys, values, {
      call: (words) => {
        session.protocol = scriptProtocol;
        return callFromScript(shard, session, words, isReadonly, scriptProtocol);
      },
      setProtocol: (version) => (scriptProtocol = version),
      log: (level, message) => shard.world.log.event('script-log', { level, message }),
    });
    return fromScript(value, script.sha);
  } finally {
    eviction.refusing = refusing;
    session.database = database; // a SELECT of the script is the script's own
    session.protocol = protocol;
    session.inScript = false;
  }
}

/** What a script that tells its flags is refused before it begins. [redis script.c scriptPrepareForRun] */
function refusalAtStart(
  shard: Shard,
  session: Session,
  { script: { flags }, isReadonly }: ScriptRequest,
): Refusal | null {
  if (flags === null || flags.has('no-writes') || session.kind === 'primary') return null;
  if (shard.eviction.refusing && !flags.has('allow-oom')) return refuse('OOM');
  if (shard.role === 'replica' && shard.config.get('replica-read-only')) return refuse('READONLY');
  if (shard.writesHindered !== null) return shard.writesHindered;
  return isReadonly ? refuse('ERR', 'Can not execute a script with write flag using *_ro command.') : null;
}

const failed = (text: string): ReplyValue => ({ err: Buffer.from(text, 'latin1') });

function callFromScript(
  shard: Shard,
  session: Session,
  words: readonly string[],
  isReadonly: boolean,
  protocol: Protocol,
): ReplyValue {
  if (words.length === 0) return failed('ERR Please specify at least one argument for this redis.call() call');
  let command: Command;
  try {
    command = shard.commands.resolve(words);
  } catch (error) {
    if (error instanceof Refusal) return failed('ERR Unknown Redis command called from script');
    throw error;
  }
  if (!arityHolds(command, words)) return failed('ERR Wrong number of args calling Redis command from script');
  if (command.flags.has('noscript') && !shard.scriptsCallAll)
    return failed('ERR This Redis command is not allowed from script');
  if (isReadonly && (command.isWrite || command.flags.has('may_replicate')))
    return failed('ERR Write commands are not allowed from read-only scripts.');
  const refusal = check(shard, session, command, words);
  if (refusal !== undefined) return failed(refusal.message);
  return toScript(shard.call(session, command, words, false), protocol);
}
