/**
 * One Lua state in WebAssembly: `lua-redis-wasm`, which is Redis's Lua 5.1, asked through its raw interface and with a prelude
 * that keeps what has been compiled (`prelude.ts`). Whatever is defined here has a number.
 *
 * Border: knows no shard; who runs something says what commands do (`desk.ts`). Limits: FUEL_MAX on the instructions of one run, since
 * nothing else can run meanwhile, and HEAD_FUEL of one that can go on in a thread (`long-script.ts`); 64 MB of memory (the engine's
 * own). A machine that ran out of memory or stack is broken, and what was defined in it is lost.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { LuaWasmModule } from 'lua-redis-wasm';
import { Failure, type Reply } from '../../resp/reply.ts';
import { REDIS_VERSION } from '../shard/version.ts';
import { ASKING, ScriptDesk, type Register, type RunFailure, type ScriptHost } from './desk.ts';
import { ASK, PRELUDE, STOP_MARK } from './prelude.ts';
import { Transcript } from './transcript.ts';
import { readWords, WireReader, WireWriter } from './wire.ts';

/** Instructions of one run: some seconds. */
const FUEL_MAX = 500_000_000;
/** Of one that can go on elsewhere: some tenths of a second. */
const HEAD_FUEL = 50_000_000;
/** So many commands pass between two looks at the clock; a power of two. */
const CALLS_PER_LOOK = 16;
/** Of a library while it is loaded: about the half second that Redis gives it. [redis functions.c LOAD_TIMEOUT_MS] */
const LOAD_FUEL_MAX = 50_000_000;

export type Outcome = { readonly ok: true; readonly reply: Reply } | ({ readonly ok: false } & RunFailure);

/** It has not come to its end here, and could be begun again with the answers it got. */
export interface Unfinished {
  readonly ok: 'unfinished';
  readonly desk: ScriptDesk;
  readonly transcript: Uint8Array;
  /** Where it was. */
  readonly place: string;
}

export type DefineOutcome = { readonly ok: true; readonly id: number } | { readonly ok: false; readonly text: string };

export type MachineKind = 'scripts' | 'functions';

export interface RunRequest {
  readonly how: 'run' | 'callFunction';
  readonly id: number;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  /** It may go on elsewhere. */
  readonly mayGoOn: boolean;
}

/** The package's own way in converts each value several times; this is what it converts for. [lua-redis-wasm docs/abi.md] */
interface RawLua {
  readonly HEAPU8: Uint8Array;
  _init(): number;
  _set_limits(fuel: number, replyBytes: number, argumentBytes: number): void;
  _set_compat(flags: number): void;
  _alloc(bytes: number): number;
  _free_mem(at: number): void;
  _eval_with_args(
    result: number,
    source: number,
    sourceBytes: number,
    words: number,
    wordBytes: number,
    keys: number,
  ): void;
}

/** Called by the engine; an answer is a place and a length, written to `result`. */
interface RawHandlers {
  call(result: number, at: number, bytes: number): void;
  pcall(result: number, at: number, bytes: number): void;
  sha1hex(result: number, at: number, bytes: number): void;
  props(result: number): void;
  log(): void;
  setresp(): void;
}

const RESULT_BYTES = 8;
const SCRATCH_BYTES = 16 * 1024;
export const MEMORY_FULL = 'ERR script needs more memory than the script engine has';
const FUEL_USED_UP = 'Script killed by fuel limit';
/** The library `os`, of which only `clock` is there. [redis since 7.4] */
export const COMPAT_OS = 2;

export class LuaMachine {
  readonly #lua: RawLua;
  readonly #writer = new WireWriter();
  readonly #result: number;
  /** All of it; it does not grow. */
  readonly #memory: Buffer;
  /** For what the engine reads during a call and does not keep. */
  readonly #scratch: number;
  /** Of the run that is under way. */
  #desk: ScriptDesk | null = null;
  /** Of that run, where it may go on elsewhere. */
  #transcript: Transcript | null = null;
  readonly #transcripts = new Transcript();
  #calls = 0;
  #fuel = FUEL_MAX;
  /** The engine itself ended the latest evaluation. */
  #wasAborted = false;
  #isRunning = false;
  #isBroken = false;

  constructor(module: LuaWasmModule, kind: MachineKind) {
    const { exports: lua, handlers } = module as unknown as { exports: RawLua; handlers: RawHandlers };
    this.#lua = lua;
    this.#memory = Buffer.from(lua.HEAPU8.buffer);
    this.#result = lua._alloc(RESULT_BYTES);
    this.#scratch = lua._alloc(SCRATCH_BYTES);
    const answers = (asking: 'tell' | 'command') => (result: number, at: number, bytes: number) => {
      const desk = this.#desk;
      const transcript = asking === 'command' && this.#isLong() ? null : this.#transcript;
      if (desk === null) this.#writer.start().nothing();
      else if (transcript !== this.#transcript) this.#writer.start().error(STOP_MARK);
      else desk.answer(asking, readWords(this.#memory, at), this.#writer);
      this.#give(result);
      // What tells of the end itself is not part of it
      if (desk?.failure === null) transcript?.add(ASKING[asking], this.#memory, at, bytes, this.#writer);
    };
    handlers.call = answers('tell');
    handlers.pcall = answers('command');
    handlers.sha1hex = (result, at, bytes) => {
      // Read by the engine as the text itself, without a tag
      const digest = createHash('sha1')
        .update(this.#memory.subarray(at, at + bytes))
        .digest('hex');
      const place = this.#alloc(digest.length);
      this.#memory.latin1Write(digest, place);
      this.#memory.writeUInt32LE(place, result);
      this.#memory.writeUInt32LE(digest.length, result + 4);
    };
    handlers.log = handlers.setresp = () => undefined;
    // While the engine asks for constants its globals are not locked yet
    handlers.props = (result) => {
      const ready = this.#evaluate(PRELUDE_LOADER, [], preludeWords(kind));
      if (ready !== 'ready') throw new Error(`the prelude of Lua: ${JSON.stringify(ready)}`);
      this.#memory.fill(0, result, result + RESULT_BYTES);
    };
    lua._set_limits(FUEL_MAX, 0, 0);
    lua._set_compat(COMPAT_OS);
    if (lua._init() !== 0) throw new Error('Lua could not be started');
  }

  /** Nothing can be asked of it any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** It can do one thing at a time. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Compiles a script. */
  define(source: string): DefineOutcome {
    this.#limit(FUEL_MAX);
    const answer = this.#ask(ASK.define, null, [], [source]);
    return typeof answer === 'number' ? { ok: true, id: answer } : { ok: false, text: problemOf(answer) };
  }

  drop(ids: readonly number[]): void {
    if (!this.#isBroken && ids.length > 0) this.#ask(ASK.drop, null, [], ids.map(String));
  }

  /** Runs what a library consists of, once; what it registers is told one by one. Null, or what is wrong. */
  load(source: string, host: ScriptHost, register: Register): string | null {
    this.#limit(LOAD_FUEL_MAX);
    const answer = this.#ask(ASK.load, null, [], [source], new ScriptDesk(host, register));
    return answer === null ? null : problemOf(answer);
  }

  run({ how, id, keys, values, mayGoOn }: RunRequest, host: ScriptHost): Outcome | Unfinished {
    const desk = new ScriptDesk(host);
    this.#limit(mayGoOn ? HEAD_FUEL : FUEL_MAX);
    this.#transcript = mayGoOn ? this.#transcripts : null;
    this.#transcript?.start();
    this.#calls = 0;
    const reply = this.#ask(ASK[how], id, keys, values, desk);
    const failure = desk.failure ?? this.#abortion(reply);
    if (failure === null) return { ok: true, reply };
    if (!failure.isEndless || !mayGoOn) return { ok: false, ...failure };
    desk.failure = null;
    return { ok: 'unfinished', desk, transcript: this.#transcripts.take(), place: failure.place };
  }

  /** Ended by the engine outside of what the prelude guards: while it looked at what a script returned. */
  #abortion(reply: Reply): RunFailure | null {
    if (this.#isBroken) return reply instanceof Failure ? { text: reply.text, place: '', isEndless: false } : null;
    if (!this.#wasAborted || !(reply instanceof Failure)) return null;
    const isEndless = reply.text.includes(FUEL_USED_UP);
    if (isEndless && this.#ask(ASK.probe, null, [], []) !== 1) this.#isBroken = true;
    return { text: reply.text, place: '', isEndless };
  }

  /** A run that may go on elsewhere has asked for enough here. */
  #isLong(): boolean {
    const transcript = this.#transcript;
    if (transcript === null || (++this.#calls & (CALLS_PER_LOOK - 1)) !== 0) return false;
    return transcript.isLong || this.#desk!.isTired;
  }

  #limit(fuel: number): void {
    if (fuel === this.#fuel || this.#isBroken) return;
    this.#fuel = fuel;
    this.#lua._set_limits(fuel, 0, 0);
  }

  #ask(
    what: number,
    id: number | null,
    keys: readonly string[],
    values: readonly string[],
    desk: ScriptDesk | null = null,
  ): Reply {
    this.#desk = desk;
    this.#isRunning = true;
    try {
      return this.#evaluate(wayIn(what, id), keys, values);
    } catch (error) {
      // Whatever came through the engine's own frames, they are lost
      this.#isBroken = true;
      if (!isOfEngine(error)) throw error;
      return new Failure(MEMORY_FULL);
    } finally {
      this.#desk = null;
      this.#isRunning = false;
    }
  }

  #evaluate(source: string, keys: readonly string[], values: readonly string[]): Reply {
    const lua = this.#lua;
    const writer = this.#writer.start();
    writer.words(keys, values);
    const { length } = writer;
    const isSmall = source.length + length <= SCRATCH_BYTES;
    const sourceAt = isSmall ? this.#scratch : this.#alloc(source.length);
    const wordsAt = isSmall ? sourceAt + source.length : this.#alloc(length);
    const memory = this.#memory;
    memory.latin1Write(source, sourceAt);
    writer.copyTo(memory, wordsAt);
    const result = this.#result;
    lua._eval_with_args(result, sourceAt, source.length, wordsAt, length, keys.length);
    if (!isSmall) {
      lua._free_mem(sourceAt);
      lua._free_mem(wordsAt);
    }
    const at = memory.readUInt32LE(result);
    this.#wasAborted = false;
    if (at === 0) return null;
    const reader = new WireReader(memory, at, this.#desk?.protocol ?? 2);
    this.#wasAborted = reader.isAborted;
    const reply = reader.value();
    lua._free_mem(at);
    return reply;
  }

  /** What the writer holds; the engine frees it. */
  #give(result: number): void {
    const writer = this.#writer;
    let at = this.#lua._alloc(writer.length);
    if (at === 0) {
      writer.start().error(MEMORY_FULL);
      at = this.#alloc(writer.length);
    }
    const memory = this.#memory;
    writer.copyTo(memory, at);
    memory.writeUInt32LE(at, result);
    memory.writeUInt32LE(writer.length, result + 4);
  }

  #alloc(bytes: number): number {
    const at = this.#lua._alloc(Math.max(1, bytes));
    if (at === 0) throw new RangeError('the memory of Lua is full');
    return at;
  }
}

function problemOf(answer: Reply): string {
  if (answer instanceof Failure) return answer.text.slice('ERR '.length);
  assert(typeof answer === 'string', 'the prelude tells what is wrong as a text');
  return answer;
}

/** How the prelude goes in. */
export const PRELUDE_LOADER = "return loadstring(ARGV[1], '=redis')(ARGV[2], ARGV[3], ARGV[4])";

export const preludeWords = (kind: MachineKind): readonly string[] => [
  PRELUDE,
  kind,
  REDIS_VERSION,
  String(versionNumber(REDIS_VERSION)),
];

/** What asks the prelude for something. */
export const wayIn = (what: number, id: number | null): string =>
  id === null ? `return redis.call(${what})` : `return redis.call(${what},${id})`;

const isOfEngine = (error: unknown): boolean =>
  error instanceof RangeError || typeof error === 'number' || (error instanceof Error && error.name === 'RuntimeError');

/** 7.4.0 is 0x00070400. */
function versionNumber(version: string): number {
  const [major, minor, patch] = version.split('.').map(Number);
  return major! * 0x1_0000 + minor! * 0x100 + patch!;
}
