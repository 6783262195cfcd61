/**
 * Lua 5.1 behind an interface of our own: `lua-redis-wasm`, which is Redis's Lua compiled to WebAssembly.
 *
 * Border: knows no shard; who runs a script says what `redis.call` does. One engine serves the whole process, since it keeps
 * nothing between scripts. It is loaded when the first script comes, never at the start. Limits: FUEL_MAX on a script's
 * instructions, since nothing else can run meanwhile and no other client could kill it; 64 MB of memory (the engine's own).
 */

import type { LuaEngine, RedisHost, ReplyValue } from 'lua-redis-wasm';

export type { ReplyValue };

/** Instructions of one script: some seconds. Redis goes on and answers BUSY to others; here it ends [redis script.c]. */
const FUEL_MAX = 500_000_000;

export interface ScriptHost {
  /** What `redis.call` and `redis.pcall` do; a failure is a value. */
  call(words: readonly string[]): ReplyValue;
  setProtocol(version: 2 | 3): void;
  log(level: number, message: string): void;
}

interface ScriptEngine {
  /** Binary strings. Throws nothing that a script can cause: errors are values. */
  run(source: string, keys: readonly string[], values: readonly string[], host: ScriptHost): ReplyValue;
}

const latin1 = (word: string): Buffer => Buffer.from(word, 'latin1');

class WasmEngine implements ScriptEngine {
  readonly #lua: LuaEngine;
  readonly #target: { host: ScriptHost | null };

  constructor(lua: LuaEngine, target: { host: ScriptHost | null }) {
    this.#lua = lua;
    this.#target = target;
  }

  run(source: string, keys: readonly string[], values: readonly string[], host: ScriptHost): ReplyValue {
    const before = this.#target.host;
    this.#target.host = host;
    try {
      return this.#lua.evalWithArgs(latin1(source), keys.map(latin1), values.map(latin1));
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'RuntimeError') throw error;
      // Its memory is full or its stack at an end; the next script gets a new one.
      engine = null;
      void scriptEngineReady();
      return { err: latin1(`script needs more memory than the script engine has (${error.message})`) };
    } finally {
      this.#target.host = before;
    }
  }
}

let engine: ScriptEngine | null = null;
let loading: Promise<void> | null = null;

/** Null until it has been loaded. */
export const scriptEngine = (): ScriptEngine | null => engine;

/** Loads the engine, once. A simulated run that is to be replayed waits for it first: loading takes real time. */
export function scriptEngineReady(): Promise<void> {
  if (engine !== null) return Promise.resolve();
  return (loading ??= load().finally(() => (loading = null)));
}

async function load(): Promise<void> {
  const lua = await import('lua-redis-wasm');
  const target: { host: ScriptHost | null } = { host: null };
  const call = (words: readonly Buffer[]): ReplyValue => target.host!.call(words.map((word) => word.latin1Slice()));
  const host: RedisHost = {
    redisCall: call,
    redisPcall: call,
    log: (level, message) => target.host!.log(level, message.latin1Slice()),
    onSetResp: (version) => target.host!.setProtocol(version),
  };
  const module = await lua.load({
    profile: 'redis-7.4',
    limits: { maxFuel: FUEL_MAX },
    redisProps: {
      REPL_NONE: { value: 0 },
      REPL_AOF: { value: 1 },
      REPL_SLAVE: { value: 2 },
      REPL_REPLICA: { value: 2 },
      REPL_ALL: { value: 3 },
      LOG_DEBUG: { value: 0 },
      LOG_VERBOSE: { value: 1 },
      LOG_NOTICE: { value: 2 },
      LOG_WARNING: { value: 3 },
      replicate_commands: { returns: true },
    },
  });
  engine = new WasmEngine(module.create(host), target);
}
