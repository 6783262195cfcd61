/**
 * The libraries of functions of a shard: their code, and what they have registered with the Lua machine. A library is loaded once;
 * what its code keeps in variables of its own lives as long as it, and the machine, do. [redis functions.c]
 *
 * Code that came with a dump, in a stream or from a log is taken as it is and loaded when the machine is there (`prove`), at the latest
 * when somebody asks for a function. So is everything once more when the machine broke.
 */

import type { Log } from '../../world/world.ts';
import { splitInline } from '../../resp/request-decoder.ts';
import { refuse, Refusal } from '../../resp/refusals.ts';
import type { Registered, ScriptHost, ScriptRandom } from './desk.ts';
import { scriptEngine, scriptEngineReady } from './engine.ts';
import { isScriptFlag, type ScriptFlag } from './flags.ts';
import { missingWhileLoading } from './library-globals.ts';
import type { LuaMachine } from './lua-machine.ts';
import { isStateless } from './stateless.ts';
import { withoutTailCalls } from './tail-calls.ts';
import type { ScriptProgram } from './thread-program.ts';

export interface LibraryFunction {
  readonly name: string;
  readonly description: string | null;
  readonly flags: ReadonlySet<ScriptFlag>;
  /** In the machine. */
  readonly id: number;
}

export interface Library {
  readonly name: string;
  /** As it was given, with the line that names it. */
  readonly code: string;
  /** Null: not loaded yet. */
  readonly loaded: {
    readonly machine: LuaMachine;
    readonly functions: ReadonlyMap<string, LibraryFunction>;
    /** As the machine was given it; null: its functions may keep something from call to call. */
    readonly repeatable: string | null;
  } | null;
}

interface Callable {
  readonly machine: LuaMachine;
  readonly found: LibraryFunction;
  /** What a thread begins again; null: what the library keeps is in the machine. */
  readonly program: (() => ScriptProgram) | null;
}

export type RestorePolicy = 'APPEND' | 'REPLACE' | 'FLUSH';

const NAME = /^[a-zA-Z0-9_]+$/;
const BAD_NAME =
  'Library names can only contain letters, numbers, or underscores(_) and must be at least one character long';
/** What a library takes besides its code, and each of its functions. */
const LIBRARY_BYTES = 256;
const FUNCTION_BYTES = 128;

export class Libraries {
  #libraries = new Map<string, Library>();
  readonly #log: Log;
  readonly #loadHost: ScriptHost;
  /** By name in small letters; null: to be made anew. */
  #callable: Map<string, Callable> | null = null;
  #isClosed = false;

  constructor(log: Log, random: ScriptRandom) {
    this.#log = log;
    this.#loadHost = {
      call: () => {
        throw new Error('a library calls no commands while it is loaded');
      },
      mayRun: () => null,
      setReplication: () => undefined,
      log: (level, message) => log.event('script-log', { level, message }),
      random,
      clock: () => 0,
      isTired: false,
    };
  }

  get all(): readonly Library[] {
    return [...this.#libraries.values()];
  }

  get count(): number {
    return this.#libraries.size;
  }

  get functionCount(): number {
    let sum = 0;
    for (const { loaded } of this.#libraries.values()) sum += loaded?.functions.size ?? 0;
    return sum;
  }

  get bytes(): number {
    let sum = this.functionCount * FUNCTION_BYTES;
    for (const { code } of this.#libraries.values()) sum += code.length + LIBRARY_BYTES;
    return sum;
  }

  /** Everything is loaded, in a machine that works: nothing has to be waited for. */
  get areProven(): boolean {
    for (const { loaded } of this.#libraries.values()) if (loaded === null || loaded.machine.isBroken) return false;
    return true;
  }

  get codes(): readonly string[] {
    return this.all.map(({ code }) => code);
  }

  /** Whatever the case of its letters. */
  find(functionName: string): Callable | undefined {
    return (this.#callable ??= this.#allCallable()).get(functionName.toLowerCase());
  }

  #allCallable(): Map<string, Callable> {
    const all = new Map<string, Callable>();
    for (const { loaded } of this.#libraries.values()) {
      if (loaded === null) continue;
      const { machine, functions, repeatable } = loaded;
      for (const [place, [name, found]] of [...functions].entries()) {
        const key = name.toLowerCase();
        const program =
          repeatable === null ? null : () => ({ kind: 'functions' as const, source: repeatable, id: place + 1 });
        if (!all.has(key)) all.set(key, { machine, found, program });
      }
    }
    return all;
  }

  /** FUNCTION LOAD: answers the name. */
  load(machine: LuaMachine, code: string, isReplacing: boolean): string {
    const name = nameOf(code);
    const old = this.#libraries.get(name);
    if (old !== undefined && !isReplacing) throw refuse('ERR', `Library '${name}' already exists`);
    const library = this.#made(machine, name, code);
    const problem = this.#collision([library], new Set([name]));
    if (problem !== null) {
      drop(library);
      throw refuse('ERR', problem);
    }
    this.#put(library);
    return name;
  }

  /** As FUNCTION LOAD, where nobody can wait for the machine. */
  take(code: string, isReplacing: boolean): string {
    const name = nameOf(code);
    if (this.#libraries.has(name) && !isReplacing) throw refuse('ERR', `Library '${name}' already exists`);
    this.#put({ name, code, loaded: null });
    this.#proveSoon();
    return name;
  }

  /** FUNCTION RESTORE; all or none. Without a machine the code is taken as it is. */
  restore(machine: LuaMachine | null, codes: readonly string[], policy: RestorePolicy): void {
    const given = new Map<string, Library>();
    try {
      for (const code of codes) {
        const name = nameOf(code);
        if (given.has(name)) throw refuse('ERR', `Library '${name}' already exists`);
        given.set(name, machine === null ? { name, code, loaded: null } : this.#made(machine, name, code));
      }
      if (policy === 'APPEND') {
        for (const name of given.keys())
          if (this.#libraries.has(name)) throw refuse('ERR', `Library ${name} already exists`);
      }
      const replaced = new Set(policy === 'FLUSH' ? this.#libraries.keys() : given.keys());
      const problem = this.#collision([...given.values()], replaced);
      if (problem !== null) throw refuse('ERR', problem);
    } catch (error) {
      for (const library of given.values()) drop(library);
      throw error;
    }
    if (policy === 'FLUSH') this.clear();
    for (const library of given.values()) this.#put(library);
    if (machine === null) this.#proveSoon();
  }

  delete(name: string): boolean {
    const library = this.#libraries.get(name);
    if (library === undefined) return false;
    this.#libraries.delete(name);
    this.#callable = null;
    drop(library);
    return true;
  }

  clear(): void {
    for (const library of this.#libraries.values()) drop(library);
    this.#libraries.clear();
    this.#callable = null;
  }

  /** Those of a dump take the place of all. */
  replaceAll(codes: readonly string[]): void {
    this.clear();
    for (const code of codes) {
      try {
        this.take(code, true);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#log.event('library-refused', { library: code.slice(0, 80), why: error.message });
      }
    }
    if (this.count > 0) this.#proveSoon();
  }

  close(): void {
    this.clear();
    this.#isClosed = true;
  }

  /** Loads what is not, or no longer. What another server took and this one does not is left out, and the log says so. */
  prove(machine: LuaMachine): void {
    if (this.areProven) return;
    this.#callable = null;
    for (const [name, { code, loaded }] of this.#libraries) {
      if (loaded?.machine === machine) continue;
      try {
        const library = this.#made(machine, name, code);
        this.#libraries.set(name, library); // in its place, so that the order stays
        const problem = this.#collision([library], new Set([name]));
        if (problem !== null) {
          drop(library);
          throw refuse('ERR', problem);
        }
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#libraries.delete(name);
        this.#log.event('library-refused', { library: name, why: error.message });
      }
      if (machine.isBroken) return;
    }
  }

  /** So that what is wrong shows before somebody calls. */
  #proveSoon(): void {
    const engine = scriptEngine();
    if (engine !== null) this.prove(engine.functions);
    else {
      void scriptEngineReady().then(() => {
        const ready = scriptEngine();
        if (ready !== null && !this.#isClosed) this.prove(ready.functions);
      });
    }
  }

  #put(library: Library): void {
    this.delete(library.name);
    this.#libraries.set(library.name, library);
    this.#callable = null;
  }

  /** Runs the code, so that it registers its functions. */
  #made(machine: LuaMachine, name: string, code: string): Library {
    if (machine.isRunning) throw refuse('ERR', 'a script cannot load a library');
    const functions = new Map<string, LibraryFunction>();
    const body = code.slice(code.indexOf('\n'));
    const source = withoutTailCalls(body);
    const problem =
      loadProblem(
        machine.load(source, this.#loadHost, (each) => register(functions, each)),
        body,
      ) ?? (functions.size === 0 ? 'No functions registered' : null);
    const library: Library = {
      name,
      code,
      loaded: { machine, functions, repeatable: isStateless(body) ? source : null },
    };
    if (problem === null) return library;
    drop(library);
    throw refuse('ERR', problem);
  }

  /** Function names are one space for all libraries of a shard. */
  #collision(given: readonly Library[], replaced: ReadonlySet<string>): string | null {
    const taken = new Set<string>();
    for (const { name, loaded } of this.#libraries.values()) {
      if (!replaced.has(name)) for (const each of loaded?.functions.keys() ?? []) taken.add(each.toLowerCase());
    }
    for (const { loaded } of given) {
      const own = [...(loaded?.functions.keys() ?? [])];
      const collides = own.find((each) => taken.has(each.toLowerCase()));
      if (collides !== undefined) return `Function ${collides} already exists`;
      for (const each of own) taken.add(each.toLowerCase());
    }
    return null;
  }
}

function register(functions: Map<string, LibraryFunction>, { id, name, description, flags }: Registered): string {
  if (!NAME.test(name)) return BAD_NAME;
  if (functions.has(name)) return 'Function already exists in the library';
  functions.set(name, { id, name, description, flags: new Set(flags.filter(isScriptFlag)) });
  return '';
}

/** The first line decides what is said. */
function loadProblem(problem: string | null, body: string): string | null {
  if (problem?.startsWith('Error compiling') === true) return problem;
  const missing = missingWhileLoading(body);
  if (missing === null) return problem;
  const said = /user_function:(\d+): /.exec(problem ?? '');
  if (said !== null && Number(said[1]) < missing.line) return problem;
  return `Error registering functions: ERR user_function:${missing.line}: Script attempted to access nonexistent global variable '${missing.name}'`;
}

const drop = ({ loaded }: Library): void => loaded?.machine.drop([...loaded.functions.values()].map(({ id }) => id));

/** What the first line says; refuses one that says something else. [redis functions.c functionExtractLibMetaData] */
function nameOf(code: string): string {
  if (!code.startsWith('#!')) throw refuse('ERR', 'Missing library metadata');
  const end = code.indexOf('\n');
  const words = end < 0 ? null : splitInline(code.slice(0, end));
  if (words === null || words.length === 0) throw refuse('ERR', 'Invalid library metadata');
  let name: string | null = null;
  for (const word of words.slice(1)) {
    if (!/^name=/i.test(word)) throw refuse('ERR', `Invalid metadata value given: ${word}`);
    if (name !== null) throw refuse('ERR', 'Invalid metadata value, name argument was given multiple times');
    name = word.slice('name='.length);
  }
  if (name === null) throw refuse('ERR', 'Library name was not given');
  if (!NAME.test(name)) throw refuse('ERR', BAD_NAME);
  const engine = words[0]!.slice(2);
  if (engine.toLowerCase() !== 'lua') throw refuse('ERR', `Engine '${engine}' not found`);
  return name;
}
