/**
 * Real threads (`node:worker_threads`). What the two say goes through memory that both see, and through a port where it is too long for
 * that. Who asks sleeps until it is answered; who is asked looks for a short while whether the next question comes, since a turn of
 * the event loop for each costs much more than the answer, and then lets others have their turn.
 *
 * Limits: LINGER_MS at a time; a thread keeps no process alive.
 */
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { Thread, ThreadHandler, ThreadProgram, Threads } from './threads.ts';

const LINGER_MS = 4;
/** Without a question for so long, the thread is busy with itself. */
const SILENCE_MS = 0.1;
/** What is longer goes through the port. */
const AREA_BYTES = 64 * 1024;

/** Cells that both see. `said`, `answered`: how often. `bytes`: of the latest, either way. `listens`: the owner looks by itself. */
const CELL = { said: 0, answered: 1, bytes: 2, listens: 3 } as const;
const CELLS = 4;

const PROLOGUE = `
'use strict';
const { workerData: { data, port, cells, area }, receiveMessageOnPort } = require('node:worker_threads');
const tell = (bytes) => {
  const isShort = bytes.length <= area.length;
  if (isShort) area.set(bytes);
  else port.postMessage(bytes);
  cells[${CELL.bytes}] = bytes.length;
  Atomics.add(cells, ${CELL.said}, 1);
  Atomics.notify(cells, ${CELL.said});
  if (isShort && Atomics.load(cells, ${CELL.listens}) === 0) port.postMessage(null);
};
const ask = (bytes) => {
  const seen = Atomics.load(cells, ${CELL.answered});
  tell(bytes);
  // It may be woken for an answer that it saw before
  while (Atomics.load(cells, ${CELL.answered}) === seen) Atomics.wait(cells, ${CELL.answered}, seen);
  const length = cells[${CELL.bytes}];
  return length <= area.length ? area.slice(0, length) : receiveMessageOnPort(port).message;
};
setInterval(() => undefined, 1e9); // it ends when its owner wants it to
`;

export class SystemThreads implements Threads {
  start(program: ThreadProgram, handler: ThreadHandler): Thread {
    return new SystemThread(program, handler);
  }
}

class SystemThread implements Thread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #handler: ThreadHandler;
  readonly #cells = new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT));
  readonly #area = new Uint8Array(new SharedArrayBuffer(AREA_BYTES));
  /** How often it was heard. */
  #heard = 0;
  #isOver = false;

  constructor({ source, data }: ThreadProgram, handler: ThreadHandler) {
    const { port1, port2 } = new MessageChannel();
    this.#handler = handler;
    this.#port = port1;
    this.#worker = new Worker(PROLOGUE + source, {
      eval: true,
      execArgv: [],
      workerData: { data, port: port2, cells: this.#cells, area: this.#area },
      transferList: [port2],
    });
    this.#worker.on('error', (error) => this.#ended(String(error)));
    this.#worker.on('exit', (code) => this.#ended(`exit code ${code}`));
    port1.on('message', (message: Uint8Array | null) => this.#listen(message));
    this.#worker.unref();
    port1.unref();
  }

  answer(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (bytes.length <= AREA_BYTES) this.#area.set(bytes);
    else this.#port.postMessage(bytes, []);
    this.#cells[CELL.bytes] = bytes.length;
    Atomics.add(this.#cells, CELL.answered, 1);
    Atomics.notify(this.#cells, CELL.answered);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.close();
    void this.#worker.terminate();
  }

  /** Hears what there is, and what follows soon. */
  #listen(long: Uint8Array | null): void {
    const cells = this.#cells;
    const untilMs = performance.now() + LINGER_MS;
    let first = long;
    Atomics.store(cells, CELL.listens, 1);
    while (!this.#isOver && this.#hasSaid()) {
      this.#hear(first);
      first = null;
      if (performance.now() >= untilMs) break;
    }
    Atomics.store(cells, CELL.listens, 0);
    // It may have spoken when nobody rang any more
    if (!this.#isOver && Atomics.load(cells, CELL.said) !== this.#heard) setImmediate(() => this.#listen(null));
  }

  #hasSaid(): boolean {
    const cells = this.#cells;
    Atomics.wait(cells, CELL.said, this.#heard, SILENCE_MS);
    return Atomics.load(cells, CELL.said) !== this.#heard;
  }

  #hear(long: Uint8Array | null): void {
    this.#heard = (this.#heard + 1) | 0;
    const length = this.#cells[CELL.bytes]!;
    let message = long;
    if (length <= AREA_BYTES) message = this.#area.slice(0, length);
    // Between it and us there may be mere rings, and nothing else
    while (message === null) message = (receiveMessageOnPort(this.#port)?.message ?? null) as Uint8Array | null;
    this.#handler.said(message);
  }

  #ended(detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.close();
    this.#handler.ended(detail);
  }
}
