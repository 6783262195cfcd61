/**
 * Short texts to a plain socket that has nothing queued, handed to the system without the machinery of a stream: Node.js's stream costs
 * as much as the system call itself. What the system does not take at once is kept by libuv, and until it has gone everything else takes
 * the ordinary way, so order holds. Measured: a quarter of the processor time of a small request.
 *
 * This leans on parts of Node.js that are not documented (the handle of a socket and the request that a write carries). Where they do
 * not look as expected, nothing is taken and the ordinary way serves. Border: `write` tells whether it has taken the text; the
 * connection's end and its faults are its owner's. Limits: `DIRECT_BYTES_MAX` for one text.
 */

import type { Socket } from 'node:net';

/** What libuv copies to its own stack, and so writes without a request to the end. */
const DIRECT_BYTES_MAX = 16 * 1024;

interface WriteRequest {
  oncomplete: (status: number) => void;
}

interface StreamHandle {
  writeLatin1String(request: WriteRequest, text: string): number;
  /** What the system has not taken yet. */
  readonly writeQueueSize: number;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** What the latest call has done, at the places that the constants name. */
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

/** Null: this Node.js has no such thing. */
const streamBinding = ((): StreamBinding | null => {
  try {
    const { binding } = process as unknown as { binding(name: string): Partial<StreamBinding> };
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding.call(process, 'stream_wrap');
    if (typeof WriteWrap !== 'function' || !(streamBaseState instanceof Int32Array)) return null;
    if (typeof kLastWriteWasAsync !== 'number' || kLastWriteWasAsync >= streamBaseState.length) return null;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync };
  } catch {
    return null;
  }
})();

/** One serves again and again: only a write that could not be finished at once makes it its own. */
let request: WriteRequest | null = streamBinding === null ? null : new streamBinding.WriteWrap();

export class DirectWrites {
  readonly #socket: Socket;
  readonly #ended: (failed: boolean) => void;
  #unsentBytes = 0;

  /** `ended`: what the system did not take at once has gone, or never will. */
  constructor(socket: Socket, ended: (failed: boolean) => void) {
    this.#socket = socket;
    this.#ended = ended;
  }

  /** Whether a socket and this Node.js are as they have to be. */
  static suits(socket: Socket): boolean {
    const handle = handleOf(socket);
    return (
      request !== null && typeof handle?.writeLatin1String === 'function' && typeof handle.writeQueueSize === 'number'
    );
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Binary text. False: it was not taken, nothing of it was written. */
  write(text: string): boolean {
    const socket = this.#socket;
    if (this.#unsentBytes > 0 || text.length > DIRECT_BYTES_MAX || socket.writableLength > 0) return false;
    const handle = handleOf(socket);
    // A failure is found again, and told, on the ordinary way
    if (handle === null || socket.destroyed || handle.writeLatin1String(request!, text) !== 0) return false;
    // The reader may have made room meanwhile: then nothing is left, and the request is libuv's until its next turn all the same
    if (streamBinding!.streamBaseState[streamBinding!.kLastWriteWasAsync] !== 0) this.#wait(handle.writeQueueSize);
    return true;
  }

  #wait(bytes: number): void {
    if (bytes > 0) {
      this.#unsentBytes = bytes;
      request!.oncomplete = (status) => {
        this.#unsentBytes = 0;
        this.#ended(status < 0);
      };
    }
    request = new streamBinding!.WriteWrap();
  }
}

const handleOf = (socket: Socket): StreamHandle | null =>
  (socket as unknown as { _handle: StreamHandle | null })._handle;
