/**
 * A thread beside ours, for a program that may not end and may be ended at any moment. Only the real world has them: how far one gets
 * in a given time cannot be replayed from a seed.
 *
 * Border: types; `system-threads.ts` makes them. What the two say to each other is bytes, copied on the way, and the program's affair.
 */

export interface Threads {
  /** Throws where the system has no more of them. */
  start(program: ThreadProgram, handler: ThreadHandler): Thread;
}

export interface ThreadProgram {
  /**
   * JavaScript (CommonJS) that finds `data`; `ask(bytes)`, which waits for the answer and returns it; and `tell(bytes)`, for its last
   * word.
   */
  readonly source: string;
  /** Copied; what is shared memory is shared. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface ThreadHandler {
  /** It told or asked something. */
  said(bytes: Uint8Array): void;
  /** It ended by itself. */
  ended(detail: string): void;
}

export interface Thread {
  /** To what it asked last. */
  answer(bytes: Uint8Array): void;
  /** Ends it in the middle of whatever it does; its handler hears nothing more. */
  end(): void;
}
