/**
 * What runs in a thread to begin a script again there: an engine of its own, the same prelude, the same program; then the script, which
 * is given the answers it already got, and asks for every further one.
 *
 * Border: it decides nothing. Bytes are those of the engine (`wire.ts`), both ways; what they mean, `long-script.ts` knows. It is a text
 * because a thread begins with a text or a file, and what files there are depends on who runs this program.
 */

import { createRequire } from 'node:module';
import type { ThreadProgram } from '../../world/threads.ts';
import { ASKING } from './desk.ts';
import { COMPAT_OS, PRELUDE_LOADER, preludeWords, wayIn, type MachineKind } from './lua-machine.ts';
import { ASK } from './prelude.ts';
import { ENTRY_HEAD_BYTES } from './transcript.ts';
import { WireWriter } from './wire.ts';

/** First byte of what the thread says. */
export const SAID = { ...ASKING, done: 3, other: 4, full: 5 } as const;

/** What is begun again, and with what. */
export interface ScriptProgram {
  readonly kind: MachineKind;
  /** Of the script, or of the whole library. */
  readonly source: string;
  /** Of the function within its library, from 1 on; 1 for a script. */
  readonly id: number;
}

/** Instructions: a minute or more. The engine knows no higher limit, and none without one. */
const FUEL_MAX = 2 ** 32 - 1;

const SOURCE = `
const { createHash } = require('node:crypto');

class Other extends Error {}
const other = (kind) => tell(Uint8Array.of(kind));

const main = async () => {
  const { exports: lua, handlers } = await require(data.engine).load();
  const memory = Buffer.from(lua.HEAPU8.buffer);
  const kept = Buffer.from(data.transcript.buffer);
  const result = lua._alloc(8);
  let isRunning = false;
  let place = 0;

  const put = (bytes) => {
    const at = lua._alloc(Math.max(1, bytes.length));
    if (at === 0) throw new RangeError('the memory of Lua is full');
    memory.set(bytes, at);
    return at;
  };
  const give = (to, bytes) => {
    let given = bytes;
    let at = lua._alloc(given.length);
    if (at === 0) at = put((given = data.memoryFull));
    else memory.set(given, at);
    memory.writeUInt32LE(at, to);
    memory.writeUInt32LE(given.length, to + 4);
  };
  const evaluate = ({ source, words, keys }) => {
    const sourceAt = put(Buffer.from(source, 'latin1'));
    const wordsAt = put(words);
    lua._eval_with_args(result, sourceAt, source.length, wordsAt, words.length, keys);
    lua._free_mem(sourceAt);
    lua._free_mem(wordsAt);
    const at = memory.readUInt32LE(result);
    return at === 0 ? new Uint8Array(0) : memory.subarray(at, at + memory.readUInt32LE(result + 4));
  };
  const answered = (kind, words) => {
    if (place === kept.length) {
      const request = new Uint8Array(1 + words.length);
      request[0] = kind;
      request.set(words, 1);
      return ask(request);
    }
    const requestAt = place + ${ENTRY_HEAD_BYTES};
    const answerAt = requestAt + kept.readUInt32LE(place + 1);
    const next = answerAt + kept.readUInt32LE(place + 5);
    if (kept[place] !== kind || !words.equals(kept.subarray(requestAt, answerAt))) throw new Other();
    place = next;
    return kept.subarray(answerAt, next);
  };
  const asked = (kind) => (to, at, bytes) =>
    give(to, isRunning ? answered(kind, memory.subarray(at, at + bytes)) : data.nothing);

  handlers.call = asked(${SAID.tell});
  handlers.pcall = asked(${SAID.command});
  handlers.sha1hex = (to, at, bytes) =>
    give(to, Buffer.from(createHash('sha1').update(memory.subarray(at, at + bytes)).digest('hex'), 'latin1'));
  handlers.log = handlers.setresp = () => undefined;
  handlers.props = (to) => {
    evaluate(data.prelude);
    memory.fill(0, to, to + 8);
  };
  lua._set_limits(${FUEL_MAX}, 0, 0);
  lua._set_compat(data.compat);
  lua._init();
  evaluate(data.definition);
  isRunning = true;
  try {
    const value = evaluate(data.run);
    const message = new Uint8Array(1 + value.length);
    message[0] = ${SAID.done};
    message.set(value, 1);
    tell(message);
  } catch (error) {
    if (error instanceof Other) other(${SAID.other});
    else if (error instanceof RangeError || typeof error === 'number' || error?.name === 'RuntimeError') other(${SAID.full});
    else throw error;
  }
};
main(); // what it throws ends the thread
`;

export interface ThreadRun {
  readonly program: ScriptProgram;
  readonly transcript: Uint8Array;
  readonly keys: readonly string[];
  readonly values: readonly string[];
  /** What a script is told when an answer does not fit into the engine's memory. */
  readonly memoryFull: Uint8Array;
}

export function threadProgram({ program, transcript, keys, values, memoryFull }: ThreadRun): ThreadProgram {
  const writer = new WireWriter();
  const evaluation = (source: string, ...lists: readonly (readonly string[])[]) => {
    writer.start().words(...lists);
    return { source, words: writer.bytes, keys: lists.length > 1 ? lists[0]!.length : 0 };
  };
  const isScript = program.kind === 'scripts';
  // A registration is answered with an empty text: nothing is wrong with it
  writer.start().bulk('');
  const nothing = writer.bytes;
  return {
    source: SOURCE,
    data: {
      engine: createRequire(import.meta.url).resolve('lua-redis-wasm'),
      compat: COMPAT_OS,
      nothing,
      memoryFull,
      prelude: evaluation(PRELUDE_LOADER, preludeWords(program.kind)),
      definition: evaluation(wayIn(isScript ? ASK.define : ASK.load, null), [program.source]),
      run: evaluation(wayIn(isScript ? ASK.run : ASK.callFunction, program.id), keys, values),
      transcript,
    },
  };
}
