/**
 * From what a client sends to what the engine runs: the first line's flags, and a frame on line 1 that mends what the engine
 * does otherwise than Redis: numbers given to `redis.call` keep all their digits, the first of several results counts,
 * `math.random` begins anew. [redis script_lua.c, eval.c evalExtractShebangFlags]
 */

import { refuse, Refusal } from '../../resp/refusals.ts';
import { shaOf, type Script, type ScriptFlag } from './cache.ts';
import { scriptEngine, type ScriptHost } from './engine.ts';
import { failureText } from './replies.ts';

const FLAGS: ReadonlySet<string> = new Set([
  'no-writes',
  'allow-oom',
  'allow-stale',
  'no-cluster',
  'allow-cross-slot-keys',
]);

/** One line, so that the script's own lines keep their numbers. */
const FRAME = [
  'math.randomseed(0) local redis=(function(r)',
  "local function text(v) if v%1==0 and v<1e17 and v>-1e17 then return string.format('%.0f',v) end",
  "return string.format('%.17g',v) end",
  'local function exact(f) return function(...)',
  "for i=1,select('#',...) do if type((select(i,...)))=='number' then",
  "local a,n={...},select('#',...) for j=i,n do if type(a[j])=='number' then a[j]=text(a[j]) end end",
  'return f(unpack(a,1,n)) end end return f(...) end end',
  'return setmetatable({call=exact(r.call),pcall=exact(r.pcall)},',
  "{__index=r,__newindex=function() error('Attempt to modify a readonly table',2) end}) end)(redis) ",
].join(' ');

const NO_HOST: ScriptHost = { call: () => null, setProtocol: () => undefined, log: () => undefined };

/** Refuses what does not compile or asks for what there is not. The engine must be loaded. */
export function compile(source: string): Script {
  const sha = shaOf(source);
  const { body, flags } = withoutShebang(source);
  const check = scriptEngine()!.run(`local function f(...) ${body}\nend return 1`, [], [], NO_HOST);
  if (check !== 1) throw refuse('ERR', `Error compiling script (new function): ${failureText(check).slice(4)}`);
  const program = `return ((function(...) ${FRAME}${body}\nend)(...))`;
  return { sha, source, program, flags };
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

/** The first line becomes a comment. */
function withoutShebang(source: string): { body: string; flags: ReadonlySet<ScriptFlag> | null } {
  if (!source.startsWith('#!')) return { body: source, flags: null };
  const end = source.indexOf('\n');
  if (end < 0) throw refuse('ERR', 'Invalid script shebang');
  const [engine, ...parts] = source.slice(2, end).trim().split(/\s+/);
  if (engine !== 'lua') throw refuse('ERR', `Unexpected engine in script shebang: ${engine}`);
  const flags = new Set<ScriptFlag>();
  for (const part of parts) {
    if (!part.startsWith('flags=')) throw refuse('ERR', `Unknown lua shebang option: ${part}`);
    for (const flag of part.slice('flags='.length).split(',').filter(Boolean)) {
      if (!FLAGS.has(flag)) throw refuse('ERR', `Unexpected flag in script shebang: ${flag}`);
      flags.add(flag as ScriptFlag);
    }
  }
  return { body: `--${source}`, flags };
}
