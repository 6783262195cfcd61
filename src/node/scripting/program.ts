/** From what a client sends to what a Lua machine runs: the first line's flags, and the number it has in the machine. [redis eval.c] */

import { refuse, Refusal } from '../../resp/refusals.ts';
import { shaOf, type Script } from './cache.ts';
import { isScriptFlag, type ScriptFlag } from './flags.ts';
import type { LuaMachine } from './lua-machine.ts';
import { withoutTailCalls } from './tail-calls.ts';
import type { ScriptProgram } from './thread-program.ts';

/** Refuses what does not compile or asks for what there is not. */
export function compile(machine: LuaMachine, source: string): Script {
  const { flags } = withoutShebang(source);
  const script: Script = { sha: shaOf(source), source, flags, place: null };
  idIn(machine, script);
  return script;
}

/** Of the first line, without a look at the rest; null: it has none, or one that is wrong. */
export function flagsOf(source: string): ReadonlySet<ScriptFlag> | null {
  try {
    return withoutShebang(source).flags;
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** A machine may be another one since the script ran last. */
export function idIn(machine: LuaMachine, script: Script): number {
  if (script.place?.machine === machine) return script.place.id;
  const outcome = machine.define(bodyOf(script.source));
  if (!outcome.ok) throw refuse('ERR', `Error compiling script (new function): ${outcome.text}`);
  script.place = { machine, id: outcome.id };
  return outcome.id;
}

/** What a thread begins again. */
export const programOf = ({ source }: Script): ScriptProgram => ({ kind: 'scripts', source: bodyOf(source), id: 1 });

/** As it is compiled. */
const bodyOf = (source: string): string => withoutTailCalls(withoutShebang(source).body);

/** The first line goes, its end stays, so that lines keep their numbers. [redis eval.c evalExtractShebangFlags] */
function withoutShebang(source: string): { body: string; flags: ReadonlySet<ScriptFlag> | null } {
  if (!source.startsWith('#!')) return { body: source, flags: null };
  const end = source.indexOf('\n');
  if (end < 0) throw refuse('ERR', 'Invalid script shebang');
  const [engine, ...parts] = source.slice(0, end).trim().split(/\s+/);
  if (engine !== '#!lua') throw refuse('ERR', `Unexpected engine in script shebang: ${engine}`);
  const flags = new Set<ScriptFlag>();
  for (const part of parts) {
    if (!part.startsWith('flags=')) throw refuse('ERR', `Unknown lua shebang option: ${part}`);
    for (const flag of part.slice('flags='.length).split(',').filter(Boolean)) {
      if (!isScriptFlag(flag)) throw refuse('ERR', `Unexpected flag in script shebang: ${flag}`);
      flags.add(flag);
    }
  }
  return { body: source.slice(end), flags };
}
