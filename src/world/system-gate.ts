/**
 * Stands between a socket and its handler while a fault concerns the connection: holds bytes back, delays them, or
 * lets them vanish. Made when a fault begins and dropped when it has ended and everything held has been delivered.
 *
 * Border: knows no socket; `SystemConnection` gives it what it needs. Chunks that are kept are copied, since they are
 * only lent. Limits: input stops above `HELD_INPUT_BYTES_MAX`; output is limited by who writes, through `unsentBytes`.
 */
import type { CloseReason, Milliseconds } from './world.ts';

const HELD_INPUT_BYTES_MAX = 1024 * 1024;

export interface GateState {
  readonly inputHeld: boolean;
  readonly outputHeld: boolean;
  readonly inputDelayMs: Milliseconds;
  readonly outputDelayMs: Milliseconds;
  /** Silently cut: nothing passes any more, for good, and nobody is told. */
  readonly severed: boolean;
}

const FREE: GateState = { inputHeld: false, outputHeld: false, inputDelayMs: 0, outputDelayMs: 0, severed: false };

export interface GateEnds {
  readonly receive: (chunk: Buffer) => void;
  readonly finish: (reason: CloseReason) => void;
  readonly send: (bytes: string | Uint8Array) => void;
  readonly sendEnd: () => void;
  /** Something left the gate, or its state changed. */
  readonly changed: () => void;
}

interface Held {
  readonly due: number;
  readonly bytes: number;
  readonly pass: () => void;
}

export class SystemGate {
  readonly #ends: GateEnds;
  readonly #input: HoldingLine;
  readonly #output: HoldingLine;
  #state: GateState = FREE;
  #handlerHolds = false;
  #closed = false;

  constructor(ends: GateEnds) {
    this.#ends = ends;
    const changed = (): void => {
      if (!this.#closed) ends.changed();
    };
    this.#input = new HoldingLine(changed);
    this.#output = new HoldingLine(changed);
  }

  get unsentBytes(): number {
    return this.#output.bytes;
  }

  get wantsInput(): boolean {
    return !this.#state.inputHeld && !this.#state.severed && this.#input.bytes < HELD_INPUT_BYTES_MAX;
  }

  /** Nothing is held and nothing is asked for: the connection can do without. */
  get isIdle(): boolean {
    return this.#state === FREE && this.#input.isEmpty && this.#output.isEmpty;
  }

  constrain(state: GateState | null): void {
    if (this.#state.severed) return;
    this.#state = state ?? FREE;
    this.#apply();
    if (!this.#closed) this.#ends.changed();
  }

  /** The handler has paused, or there is none yet. */
  hold(held: boolean): void {
    if (this.#handlerHolds === held) return;
    this.#handlerHolds = held;
    this.#apply();
  }

  receive(chunk: Buffer): void {
    if (this.#state.severed) return;
    const copy = Buffer.from(chunk);
    this.#input.add(this.#state.inputDelayMs, copy.length, () => this.#ends.receive(copy));
  }

  receiveEnd(reason: CloseReason): void {
    if (this.#state.severed) return;
    this.#input.add(this.#state.inputDelayMs, 0, () => this.#ends.finish(reason));
  }

  send(bytes: string | Uint8Array): void {
    this.#output.add(this.#state.outputDelayMs, bytes.length, () => this.#ends.send(bytes));
  }

  sendEnd(): void {
    this.#output.add(this.#state.outputDelayMs, 0, () => this.#ends.sendEnd());
  }

  close(): void {
    this.#closed = true;
    this.#input.close();
    this.#output.close();
  }

  #apply(): void {
    const { inputHeld, outputHeld, severed } = this.#state;
    this.#input.hold(inputHeld || severed || this.#handlerHolds);
    this.#output.hold(outputHeld || severed);
  }
}

/** Things that pass in order, each not before its time, none while the line is held. */
class HoldingLine {
  readonly #changed: () => void;
  #held: Held[] = [];
  #bytes = 0;
  #stopped = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  add(delayMs: Milliseconds, bytes: number, pass: () => void): void {
    this.#held.push({ due: performance.now() + delayMs, bytes, pass });
    this.#bytes += bytes;
    this.#schedule();
  }

  hold(stopped: boolean): void {
    this.#stopped = stopped;
    this.#schedule();
  }

  close(): void {
    this.#held = [];
    this.#bytes = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Passing happens on a turn of its own: never from inside the caller's `write` or `constrain`. */
  #schedule(): void {
    const first = this.#held[0];
    if (first === undefined || this.#stopped || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#pass(), Math.max(0, Math.ceil(first.due - performance.now())));
  }

  #pass(): void {
    this.#timer = null;
    const now = performance.now();
    let passed = 0;
    while (!this.#stopped && passed < this.#held.length) {
      const next = this.#held[passed]!;
      if (next.due > now) break;
      passed++;
      this.#bytes -= next.bytes;
      next.pass();
    }
    if (passed > 0) {
      this.#held.splice(0, passed);
      this.#changed();
    }
    this.#schedule();
  }
}
