/**
 * How a client's request becomes a run of a script or function: what it is refused before it begins, the run itself, and where it goes on
 * when it takes long. [redis script.c scriptPrepareForRun]
 *
 * Border: what a run may do at its shard is `script-run.ts`, what is Lua `lua-machine.ts`, one that takes long `long-script.ts`.
 */

import assert from 'node:assert/strict';
import { refuse, type Refusal } from '../../resp/refusals.ts';
import { Failure, type Reply } from '../../resp/reply.ts';
import { BLOCKED, type CommandContext } from '../shard/context.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import { scriptEngine, scriptEngineReady, type ScriptEngine } from './engine.ts';
import type { ScriptFlag } from './flags.ts';
import { LongScript, replyOf } from './long-script.ts';
import type { LuaMachine, Unfinished } from './lua-machine.ts';
import { isStale, ScriptRun } from './script-run.ts';
import type { ScriptProgram } from './thread-program.ts';

/** Runs what needs the engine: at once, or as soon as it has been loaded. */
export function withEngine(context: CommandContext, run: (engine: ScriptEngine) => Reply): Reply {
  const engine = scriptEngine();
  return engine === null ? afterLoading(context) : run(engine);
}

/** Runs the command again as soon as the engine has been loaded; inside MULTI and scripts nothing can be waited for. */
export function afterLoading(context: CommandContext): Reply {
  const { session, shard } = context;
  const { mayBlock } = context;
  void scriptEngineReady().then(() => {
    const { waiting } = session;
    if (!mayBlock || waiting === null || waiting.request !== request) return;
    shard.tick();
    if (shard.pause.postpones(session, waiting.command, waiting.words)) {
      shard.blocking.forget(session);
      return;
    }
    const reply = shard.runAgain(session, waiting);
    if (reply === BLOCKED) return; // it takes long, and has begun
    shard.blocking.release(session, reply);
    shard.endUnit();
  });
  const request = {
    keys: [],
    timeoutMs: 0,
    timeoutReply: mayBlock
      ? BLOCKED
      : new Failure('ERR the script engine is being loaded anew: send the transaction again'),
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
  /** What a thread begins again; null: it must end here. */
  readonly program: (() => ScriptProgram) | null;
  /** Null: a script that tells nothing of itself, and may do what it may do when it does it. */
  readonly flags: ReadonlySet<ScriptFlag> | null;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  /** EVAL_RO and the like. */
  readonly isReadonly: boolean;
}

export function runScript(context: CommandContext, request: ScriptRequest): Reply {
  const { session, shard } = context;
  const { machine, how, id, name, flags, keys, values } = request;
  const refusal = refusalAtStart(shard, session, request);
  if (refusal !== null) throw refusal;
  if (machine.isRunning) throw refuse('ERR', 'a script cannot run another one');
  const run = new ScriptRun(shard, session, {
    isReadonly: request.isReadonly || flags?.has('no-writes') === true,
    mayExceedMemory: flags?.has('allow-oom') === true,
  });
  const mayGoOn = request.program !== null && context.mayBlock && isMovable(shard, session);
  run.enter();
  let outcome;
  try {
    outcome = machine.run({ how, id, keys, values, mayGoOn }, run);
  } finally {
    run.leave();
  }
  return outcome.ok === 'unfinished' ? goOn(context, request, { run, unfinished: outcome }) : replyOf(outcome, name);
}

/** Neither from a primary's stream nor from a log, and there are threads. */
const isMovable = (shard: Shard, session: Session): boolean =>
  session.kind === 'client' && !shard.loading && shard.world.threads !== null;

/** What took so long goes on in a thread, and its client waits. */
function goOn(
  context: CommandContext,
  request: ScriptRequest,
  begun: { readonly run: ScriptRun; readonly unfinished: Unfinished },
): Reply {
  const { shard } = context;
  const { program, keys, values } = request;
  const { threads } = shard.world;
  assert(program !== null && threads !== null, 'only what a thread can begin again is left unfinished');
  shard.longScript = new LongScript(context, {
    ...begun,
    threads,
    program: program(),
    name: request.name,
    keys,
    values,
  });
  return context.block({ keys: [], timeoutMs: 0, timeoutReply: null });
}

/** What became of the script that this request began before; undefined: it began none. */
export function endOfLongScript({ shard, session, isRetry }: CommandContext): Reply | undefined {
  const { longScript } = shard;
  return isRetry && longScript !== null && longScript.session === session ? longScript.take() : undefined;
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
