/**
 * One end of a TCP or TLS connection of the system world: a thin layer over a Node.js socket.
 *
 * Plain sockets read into one buffer shared by all of them (bytes are only lent to the handler, and a read and its
 * callback are one step), which saves an allocation for each chunk; TLS sockets use Node.js's own chunks. While no
 * fault concerns the pair of hosts, faults cost one comparison with `null`; otherwise a `SystemGate` stands between
 * the socket and the handler. Border: making connections is `system-network.ts`, TLS `system-tls.ts`.
 * Limits: `write` answers false above `COMFORTABLE_BYTES`; a caller sets its own hard limit by `unsentBytes`.
 */
import { Socket } from 'node:net';
import type { OnReadOpts } from 'node:net';
import { SystemGate } from './system-gate.ts';
import type { GateState } from './system-gate.ts';
import { isSocketPath } from './world.ts';
import type { Address, CloseReason, Connection, ConnectionHandler, TlsFacts } from './world.ts';

export const COMFORTABLE_BYTES = 1024 * 1024;

const READ_BUFFER_BYTES = 64 * 1024;
/** Windows hands the buffer to the kernel before there is data, so there it cannot be shared. */
const READS_ARE_SHARED = process.platform !== 'win32';
const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
let readView: Buffer = readBuffer;

/** Requests of one kind have one length, so the last view often serves again. */
const viewOf = (length: number): Buffer => {
  if (readView.length !== length) readView = readBuffer.subarray(0, length);
  return readView;
};

/** A socket may have data before its connection exists; it stays paused until then. */
export class SharedReads {
  connection: SystemConnection | null = null;
  readonly options: OnReadOpts | undefined = READS_ARE_SHARED
    ? {
        buffer: readBuffer,
        callback: (length: number): boolean => {
          this.connection?.receive(viewOf(length));
          return true;
        },
      }
    : undefined;
}

interface HandleHolder {
  _handle: { readStop?: unknown; getpeername?: unknown } | null;
}

/**
 * Moves an accepted connection to a socket that reads into the shared buffer. `net.Server` has no option for it, so
 * this takes the handle over as Node.js's own cluster module does; where the handle does not look as expected the
 * socket stays as it is and merely costs an allocation more for each chunk. Measured: 15 % of the processor time of a
 * small request.
 */
export const withSharedReads = (accepted: Socket, reads: SharedReads): Socket => {
  const holder = accepted as unknown as HandleHolder;
  const handle = holder._handle;
  if (reads.options === undefined || typeof handle?.readStop !== 'function') return accepted;
  holder._handle = null;
  const socket = new Socket({ handle, onread: reads.options, allowHalfOpen: true } as ConstructorParameters<
    typeof Socket
  >[0]);
  socket.pause();
  return socket;
};

export interface ConnectionParts {
  /** Where bytes go in and come out: the TLS socket, or the TCP socket itself. */
  readonly socket: Socket;
  /** The TCP socket below. */
  readonly carrier: Socket;
  readonly reads: SharedReads | null;
  readonly tls: TlsFacts | null;
  readonly local: Address;
  readonly remote: Address;
  /** Bytes read while finding out whether the client speaks TLS. */
  readonly first: Buffer | null;
  readonly forget: (connection: SystemConnection) => void;
}

export class SystemConnection implements Connection {
  readonly local: Address;
  readonly remote: Address;
  readonly tls: TlsFacts | null;
  readonly #socket: Socket;
  readonly #carrier: Socket;
  readonly #forget: (connection: SystemConnection) => void;
  #handler: ConnectionHandler | null = null;
  #first: Buffer | null;
  #gate: SystemGate | null = null;
  #paused = false;
  #isReading = false;
  #open = true;
  #ending = false;
  #wantsDrain = false;
  /** The far side has ended, which is told when everything before it has been. */
  #endWaits = false;
  /** The far side's end was told; ours is the handler's to make. */
  #halfOpen = false;
  /** Why it closes, as soon as that is known; told once, after the last byte. */
  #reason: CloseReason | null = null;
  #told = false;

  constructor(parts: ConnectionParts) {
    this.local = parts.local;
    this.remote = parts.remote;
    this.tls = parts.tls;
    this.#socket = parts.socket;
    this.#carrier = parts.carrier;
    this.#first = parts.first;
    this.#forget = parts.forget;
    const socket = parts.socket;
    socket.pause(); // before the listeners: a 'data' listener would start the flow
    if (parts.reads?.options === undefined) socket.on('data', (chunk: Buffer) => this.receive(chunk));
    else parts.reads.connection = this;
    socket.on('end', () => this.#inputEnd());
    socket.on('error', (error: NodeJS.ErrnoException) => (this.#reason ??= closeReasonOf(error)));
    socket.on('close', () => {
      this.#finish(this.#reason ?? (this.#ending ? 'local' : 'reset'));
      if (this.#told) this.#leave();
    });
    socket.on('drain', () => this.#tellDrained());
    if (parts.carrier !== socket) parts.carrier.on('error', () => undefined);
  }

  get unsentBytes(): number {
    return this.#socket.writableLength + (this.#gate === null ? 0 : this.#gate.unsentBytes);
  }

  handle(handler: ConnectionHandler): void {
    const isFirst = this.#handler === null;
    this.#handler = handler;
    if (!isFirst) return;
    if (this.#told) {
      const reason = this.#reason ?? 'reset';
      process.nextTick(() => this.#handler?.closed(reason));
    } else if (this.#first === null) {
      this.#applyReading();
    } else {
      process.nextTick(() => this.#deliverFirst());
    }
  }

  write(bytes: string | Uint8Array): boolean {
    if (!this.#open || this.#ending) return true;
    if (this.#gate !== null) this.#gate.send(bytes);
    else if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1');
    else this.#socket.write(bytes);
    if (this.#socket.writableLength <= COMFORTABLE_BYTES && this.#gate === null) return true;
    if (this.unsentBytes <= COMFORTABLE_BYTES) return true;
    this.#wantsDrain = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
    this.#applyReading();
  }

  resume(): void {
    this.#paused = false;
    if (this.#first !== null && this.#handler !== null) process.nextTick(() => this.#deliverFirst());
    else this.#applyReading();
  }

  end(): void {
    if (!this.#open || this.#ending) return;
    this.#ending = true;
    if (this.#gate === null) this.#socket.end();
    else this.#gate.sendEnd();
  }

  destroy(): void {
    this.#close('local');
  }

  /** A fault: both ends learn it now. */
  reset(): void {
    this.#close('reset');
  }

  /** A fault begins, changes or ends; `null`: none concerns this connection. */
  constrain(state: GateState | null): void {
    if ((this.#told && this.#socket.destroyed) || (state === null && this.#gate === null)) return;
    this.#gate ??= new SystemGate({
      receive: (chunk) => this.#handler?.data(chunk),
      finish: (reason) => this.#tell(reason),
      send: (bytes) => {
        if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1');
        else this.#socket.write(bytes);
      },
      sendEnd: () => void this.#socket.end(),
      changed: () => this.#gateChanged(),
    });
    this.#gate.constrain(state);
  }

  /** One chunk from the network; `chunk` is only lent. */
  receive(chunk: Buffer): void {
    if (!this.#open) return;
    if (this.#gate === null) this.#handler?.data(chunk);
    else this.#gate.receive(chunk);
  }

  #deliverFirst(): void {
    const first = this.#first;
    if (first === null || this.#paused) return;
    this.#first = null;
    this.receive(first);
    this.#applyReading();
  }

  #applyReading(): void {
    if (!this.#open) return;
    const wanted = this.#handler !== null && this.#first === null && !this.#paused;
    if (this.#gate !== null) this.#gate.hold(!wanted);
    if (wanted && (this.#gate === null || this.#gate.wantsInput)) this.#startReading();
    else this.#stopReading();
  }

  #startReading(): void {
    this.#isReading = true;
    if (this.#endWaits) process.nextTick(() => this.#inputEnd());
    else this.#socket.resume();
  }

  /** A socket resumed in this same turn begins to read after it, paused or not; so it is told once more, after that. */
  #stopReading(): void {
    const wasReading = this.#isReading;
    this.#isReading = false;
    this.#socket.pause();
    if (!wasReading) return;
    process.nextTick(() => {
      if (!this.#isReading) this.#socket.pause();
    });
  }

  /** Sockets are half open: the far side's end does not end what we may still have to say, for a partition may hold it. */
  #inputEnd(): void {
    if (this.#halfOpen) return;
    if (!this.#open || this.#isReading || this.#gate !== null) this.#finish(this.#ending ? 'local' : 'ended');
    else this.#endWaits = true;
  }

  #gateChanged(): void {
    if (this.#gate?.isIdle === true) this.#gate = null;
    this.#applyReading();
    this.#tellDrained();
  }

  #tellDrained(): void {
    if (!this.#wantsDrain || !this.#open) return;
    if (this.unsentBytes === 0) {
      this.#wantsDrain = false;
      this.#handler?.drained?.();
    } else if (this.unsentBytes === this.#socket.writableLength && !this.#socket.writableNeedDrain && !this.#ending) {
      // What a gate let through in small pieces may be too little for the stream to tell of its end
      this.#socket.write('', () => this.#tellDrained());
    }
  }

  /** Also after `closed`: the far side may have ended while it does not read what we still have to send. */
  #close(reason: CloseReason): void {
    if (this.#open) {
      this.#open = false;
      this.#reason = reason;
      process.nextTick(() => this.#tell(reason));
    }
    this.#gate?.close();
    this.#gate = null;
    if (this.#socket.destroyed) return;
    // Once the goodbye is on its way Node.js can no longer reset, and would lose the handle if asked to.
    if (!this.#socket.writableEnded && !isSocketPath(this.remote.host)) this.#carrier.resetAndDestroy();
    this.#socket.destroy();
    this.#carrier.destroy();
  }

  /** The socket has nothing more to give; what a gate still holds comes first. */
  #finish(reason: CloseReason): void {
    if (!this.#open) this.#tell(this.#reason ?? reason);
    else if (this.#gate === null) this.#tell(reason);
    else this.#gate.receiveEnd(reason);
  }

  /** After an orderly end what we still have to send goes on its way, through the gate if there is one. */
  #tell(reason: CloseReason): void {
    if (this.#told) return;
    if (reason === 'ended' && this.#open && !this.#halfOpen && this.#handler?.ended !== undefined) {
      this.#halfOpen = true;
      this.#handler.ended();
      return;
    }
    this.#told = true;
    this.#open = false;
    this.#reason = reason;
    if (this.#socket.destroyed) this.#leave();
    else if (!this.#ending) {
      this.#ending = true;
      if (this.#gate === null) this.#socket.end();
      else this.#gate.sendEnd();
    }
    this.#handler?.closed(reason);
  }

  #leave(): void {
    this.#gate?.close();
    this.#gate = null;
    this.#forget(this);
  }
}

const closeReasonOf = (error: NodeJS.ErrnoException): CloseReason => {
  if (error.code === 'ETIMEDOUT') return 'timeout';
  return error.code?.startsWith('ERR_SSL') === true ? 'tls-failed' : 'reset';
};
