/**
 * The Lua machines of this process: one for scripts, one for functions, since their globals differ. All shards use them, each with
 * programs of its own. They are loaded when the first script comes, never at the start.
 */

import { LuaMachine, type MachineKind } from './lua-machine.ts';

export interface ScriptEngine {
  readonly scripts: LuaMachine;
  readonly functions: LuaMachine;
}

let engine: ScriptEngine | null = null;
let loading: Promise<void> | null = null;

/** Null until it has been loaded, and while a broken machine is replaced. */
export function scriptEngine(): ScriptEngine | null {
  if (engine === null || (!engine.scripts.isBroken && !engine.functions.isBroken)) return engine;
  void scriptEngineReady();
  return null;
}

/** A request of that name may be the first that needs it: whoever runs requests one after another waits before it. */
export const needsEngine = (name: string): boolean => scriptEngine() === null && /^(?:eval|fcall|script)/i.test(name);

/** A first script waits for it. */
export const isEngineLoading = (): boolean => loading !== null;

/** Loads the engine, once. A simulated run that is to be replayed waits for it first: loading takes real time. */
export function scriptEngineReady(): Promise<void> {
  return (loading ??= load().finally(() => (loading = null)));
}

async function load(): Promise<void> {
  const scripts = await sound('scripts');
  engine = { scripts, functions: await sound('functions') };
}

async function sound(kind: MachineKind): Promise<LuaMachine> {
  const machine = engine?.[kind];
  if (machine !== undefined && !machine.isBroken) return machine;
  const lua = await import('lua-redis-wasm');
  return new LuaMachine(await lua.load(), kind);
}
