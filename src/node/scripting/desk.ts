/**
 * What one run asks of whoever runs it: commands, and what the prelude has to tell (`prelude.ts`).
 *
 * Border: where the run is, here or in a thread, it does not know; words come in, an answer goes into a writer.
 */

import { Failure, formatDouble, type Protocol, type Reply } from '../../resp/reply.ts';
import { TELL } from './prelude.ts';
import { oneLine, type WireWriter } from './wire.ts';

export interface ScriptHost {
  /** What `redis.call` and `redis.pcall` do; a failure is a value. */
  call(words: readonly string[], protocol: Protocol): Reply;
  /** `redis.acl_check_cmd`; null: there is no such command. */
  mayRun(words: readonly string[]): boolean | null;
  /** `redis.set_repl`. */
  setReplication(flags: number): void;
  log(level: number, message: string): void;
  readonly random: ScriptRandom;
  /** Microseconds since an arbitrary start. */
  clock(): number;
  /** It has kept others waiting for long enough: where it can, it goes on elsewhere. */
  readonly isTired: boolean;
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

export type Register = (registered: Registered) => string;

/** `tell`: of the prelude. `command`: of the script. */
export type Asking = 'tell' | 'command';

/** The same as a byte. */
export const ASKING: Readonly<Record<Asking, number>> = { tell: 1, command: 2 };

export interface RunFailure {
  readonly text: string;
  /** Where in the source, as an error tells it; '': not known. */
  readonly place: string;
  /** All instructions that it may take are used up. */
  readonly isEndless: boolean;
}

export class ScriptDesk {
  protocol: Protocol = 2;
  failure: RunFailure | null = null;
  readonly #host: ScriptHost;
  readonly #register: Register | null;
  /** Places of doubles among the next command's words. */
  #doubles: readonly number[] = [];

  constructor(host: ScriptHost, register: Register | null = null) {
    this.#host = host;
    this.#register = register;
  }

  get isTired(): boolean {
    return this.#host.isTired;
  }

  answer(asking: Asking, words: readonly string[], writer: WireWriter): void {
    const reply = asking === 'tell' ? this.#told(words) : this.#called(words);
    writer.start();
    if (reply instanceof Failure) writer.error(reply.text);
    else writer.reply(reply, asking === 'tell' ? 2 : this.protocol);
  }

  /** What the prelude has to say; null is false to it. */
  #told(words: readonly string[]): string | number | null {
    const host = this.#host;
    switch (words[0]) {
      case TELL.random:
        return host.random.next();
      case TELL.clock:
        return host.clock();
      case TELL.seed:
        host.random.seed(Number(words[1]));
        return null;
      case TELL.doubles:
        this.#doubles = words[1]!.split(' ').map(Number);
        return null;
      case TELL.failed: {
        const [, text, source, line, how] = words;
        this.failure = {
          text: oneLine(text!),
          place: source === '' ? '' : `@${source}:${line}`,
          isEndless: how === 'stopped',
        };
        return null;
      }
      case TELL.setProtocol:
        this.protocol = words[1] === '3' ? 3 : 2;
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
    return this.#host.call(this.#withDoubles(words), this.protocol);
  }

  /** As Redis writes them, which no format of Lua does. */
  #withDoubles(words: readonly string[]): readonly string[] {
    if (this.#doubles.length === 0) return words;
    const all = [...words];
    for (const place of this.#doubles) all[place - 1] = formatDouble(doubleFrom(all[place - 1]!));
    this.#doubles = [];
    return all;
  }
}

const doubleFrom = (text: string): number =>
  /inf/.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : /nan/.test(text) ? NaN : Number(text);
