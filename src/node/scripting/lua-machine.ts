/**
 * One Lua state in WebAssembly: `lua-redis-wasm`, which is Redis's Lua 5.1, asked through its raw interface and with a prelude
 * that keeps what has been compiled (`prelude.ts`). Whatever is defined here has a number.
 *
 * Border: knows no shard; who runs something says what commands do (`ScriptHost`). Limits: FUEL_MAX on the instructions of one
 * run, since nothing else can run meanwhile; 64 MB of memory (the engine's own). A machine that ran out of memory or stack is
 * broken, and what was defined in it is lost.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { LuaWasmModule } from 'lua-redis-wasm';
import { Failure, formatDouble, type Protocol, type Reply } from '../../resp/reply.ts';
import { REDIS_VERSION } from '../shard/version.ts';
import { ASK, PRELUDE, TELL } from './prelude.ts';
import { oneLine, readWords, WireReader, WireWriter } from './wire.ts';

/** Instructions of one run: some seconds. Redis goes on and answers BUSY to others; here it ends [redis script.c]. */
const FUEL_MAX = 500_000_000;
/** Of a library while it is loaded: about the half second that Redis gives it. [redis functions.c LOAD_TIMEOUT_MS] */
const LOAD_FUEL_MAX = 50_000_000;

export interface ScriptHost {
  /** What `redis.call` and `redis.pcall` do; a failure is a value. */
  call(words: readonly string[], protocol: Protocol): Reply;
  /** `redis.acl_check_cmd`; null: there is no such command. */
  mayRun(words: readonly string[]): boolean | null;
  /** `redis.set_repl`. */
  setReplication(flags: number): void;
  log(level: number, message: string): void;
  readonly random: ScriptRandom;
}

export interface ScriptRandom {
  /** 31 bits. */
  next(): number;
  seed(seed: number): void;
}

/** A function as a library registers it. */
export interface Registered {
  readonly id: number;
  readonly name: string;
  readonly description: string | null;
  readonly flags: readonly string[];
}

export type Outcome =
  | { readonly ok: true; readonly reply: Reply }
  /** `place` is where in the source, as an error tells it; '': not known. */
  | { readonly ok: false; readonly text: string; readonly place: string };

export type DefineOutcome = { readonly ok: true; readonly id: number } | { readonly ok: false; readonly text: string };

export type MachineKind = 'scripts' | 'functions';

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
const MEMORY_FULL = 'ERR script needs more memory than the script engine has';
/** The library `os`, of which only `clock` is there. [redis since 7.4] */
const COMPAT_OS = 2;

export class LuaMachine {
  readonly #lua: RawLua;
  readonly #writer = new WireWriter();
  readonly #result: number;
  /** All of it; it does not grow. */
  readonly #memory: Buffer;
  /** For what the engine reads during a call and does not keep. */
  readonly #scratch: number;
  #host: ScriptHost | null = null;
  #register: ((registered: Registered) => string) | null = null;
  #protocol: Protocol = 2;
  #failure: Outcome | null = null;
  /** Places of doubles among the next command's words. */
  #doubles: readonly number[] = [];
  #isRunning = false;
  #isBroken = false;

  constructor(module: LuaWasmModule, kind: MachineKind) {
    const { exports: lua, handlers } = module as unknown as { exports: RawLua; handlers: RawHandlers };
    this.#lua = lua;
    this.#memory = Buffer.from(lua.HEAPU8.buffer);
    this.#result = lua._alloc(RESULT_BYTES);
    this.#scratch = lua._alloc(SCRATCH_BYTES);
    handlers.call = (result, at) => {
      const answer = this.#told(readWords(this.#memory, at));
      const writer = this.#writer.start();
      if (answer === null) writer.nothing();
      else if (typeof answer === 'number') writer.integer(answer);
      else writer.bulk(answer);
      this.#give(result);
    };
    handlers.pcall = (result, at) => {
      const reply = this.#called(readWords(this.#memory, at));
      const writer = this.#writer.start();
      if (reply instanceof Failure) writer.error(reply.text);
      else writer.reply(reply, this.#protocol);
      this.#give(result);
    };
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
      const ready = this.#evaluate(
        "return loadstring(ARGV[1], '=redis')(ARGV[2], ARGV[3], ARGV[4])",
        [],
        [PRELUDE, kind, REDIS_VERSION, String(versionNumber(REDIS_VERSION))],
      );
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
    const answer = this.#ask(ASK.define, null, [], [source]);
    return typeof answer === 'number' ? { ok: true, id: answer } : { ok: false, text: problemOf(answer) };
  }

  drop(ids: readonly number[]): void {
    if (!this.#isBroken && ids.length > 0) this.#ask(ASK.drop, null, [], ids.map(String));
  }

  /** Runs what a library consists of, once; what it registers is told one by one. Null, or what is wrong. */
  load(source: string, host: ScriptHost, register: (registered: Registered) => string): string | null {
    this.#register = register;
    this.#lua._set_limits(LOAD_FUEL_MAX, 0, 0);
    try {
      const answer = this.#ask(ASK.load, null, [], [source], host);
      return answer === null ? null : problemOf(answer);
    } finally {
      this.#register = null;
      if (!this.#isBroken) this.#lua._set_limits(FUEL_MAX, 0, 0);
    }
  }

  run(
    how: 'run' | 'callFunction',
    id: number,
    keys: readonly string[],
    values: readonly string[],
    host: ScriptHost,
  ): Outcome {
    this.#failure = null;
    const reply = this.#ask(ASK[how], id, keys, values, host);
    return this.#failure ?? { ok: true, reply };
  }

  #ask(
    what: number,
    id: number | null,
    keys: readonly string[],
    values: readonly string[],
    host: ScriptHost | null = null,
  ): Reply {
    this.#host = host;
    this.#protocol = 2;
    this.#isRunning = true;
    try {
      return this.#evaluate(
        id === null ? `return redis.call(${what})` : `return redis.call(${what},${id})`,
        keys,
        values,
      );
    } catch (error) {
      // Whatever came through the engine's own frames, they are lost
      this.#isBroken = true;
      if (!isOfEngine(error)) throw error;
      this.#failure = { ok: false, text: MEMORY_FULL, place: '' };
      return new Failure(MEMORY_FULL);
    } finally {
      this.#host = null;
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
    if (at === 0) return null;
    const reply = new WireReader(memory, at, this.#protocol).value();
    lua._free_mem(at);
    return reply;
  }

  /** What the prelude has to say; null is false to it. */
  #told(words: readonly string[]): string | number | null {
    const host = this.#host!;
    switch (words[0]) {
      case TELL.random:
        return host.random.next();
      case TELL.seed:
        host.random.seed(Number(words[1]));
        return null;
      case TELL.doubles:
        this.#doubles = words[1]!.split(' ').map(Number);
        return null;
      case TELL.failed:
        this.#failure = {
          ok: false,
          text: oneLine(words[1]!),
          place: words[2] === '' ? '' : `@${words[2]}:${words[3]}`,
        };
        return null;
      case TELL.setProtocol:
        this.#protocol = words[1] === '3' ? 3 : 2;
        return null;
      case TELL.setReplication:
        host.setReplication(Number(words[1]));
        return null;
      case TELL.log:
        host.log(Number(words[1]), words[2]!);
        return null;
      case TELL.mayRun: {
        const may = host.mayRun(this.#withDoubles(words.slice(1)));
        return may === null ? null : may ? 1 : 0;
      }
      case TELL.register: {
        const [, id, name, described, description, ...flags] = words;
        return this.#register!({
          id: Number(id),
          name: name!,
          description: described === '' ? null : description!,
          flags,
        });
      }
      default:
        throw new Error(`the prelude of Lua tells ${words[0]}`);
    }
  }

  #called(words: readonly string[]): Reply {
    return this.#host!.call(this.#withDoubles(words), this.#protocol);
  }

  /** As Redis writes them, which no format of Lua does. */
  #withDoubles(words: readonly string[]): readonly string[] {
    if (this.#doubles.length === 0) return words;
    const all = [...words];
    for (const place of this.#doubles) all[place - 1] = formatDouble(doubleFrom(all[place - 1]!));
    this.#doubles = [];
    return all;
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

const isOfEngine = (error: unknown): boolean =>
  error instanceof RangeError || typeof error === 'number' || (error instanceof Error && error.name === 'RuntimeError');

/** 7.4.0 is 0x00070400. */
function versionNumber(version: string): number {
  const [major, minor, patch] = version.split('.').map(Number);
  return major! * 0x1_0000 + minor! * 0x100 + patch!;
}

const doubleFrom = (text: string): number =>
  /inf/.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : /nan/.test(text) ? NaN : Number(text);
