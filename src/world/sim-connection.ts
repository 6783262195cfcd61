/**
 * One end of a simulated connection, with the manners of TCP: bytes in order, an orderly end after the last of them, a reset that
 * takes what had not arrived with it, back pressure from a reader that does not read.
 *
 * What arrives is cut anew into chunks as the conditions say and lent to the handler in one scratch buffer, whose content changes
 * with the next chunk: who keeps a chunk without copying it sees wrong bytes here first. Border: travelling is `sim-link.ts`.
 * Limits: `READ_BYTES_MAX` a chunk; `write` answers false above `COMFORTABLE_BYTES`; a reader takes `WINDOW_BYTES` without reading.
 */
import { FIN, RESET, SimLink } from './sim-link.ts';
import type { Parcel } from './sim-link.ts';
import type { SimEnd, SimFabric } from './sim-fabric.ts';
import type { Address, CloseReason, Connection, ConnectionHandler, TlsFacts } from './world.ts';

const COMFORTABLE_BYTES = 1024 * 1024;
const WINDOW_BYTES = 256 * 1024;
const READ_BYTES_MAX = 64 * 1024;
/** Random cuts: mostly small, now and then as much as there is. */
const RANDOM_CUTS = [1, 2, 16, 256, 4096, READ_BYTES_MAX] as const;

const scratch = Buffer.allocUnsafeSlow(READ_BYTES_MAX);
let view: Buffer = scratch;

interface Side {
  readonly id: number;
  /** `a` dialled, `b` accepted. */
  readonly side: 'a' | 'b';
  readonly local: Address;
  readonly remote: Address;
}

/** Both ends of a new connection. */
export const connectEnds = (
  fabric: SimFabric,
  dialler: Address,
  listener: Address,
): readonly [SimConnection, SimConnection] => {
  const id = fabric.nextId();
  const a = new SimConnection(fabric, { id, side: 'a', local: dialler, remote: listener });
  const b = new SimConnection(fabric, { id, side: 'b', local: listener, remote: dialler });
  a.join(b);
  b.join(a);
  return [a, b];
};

export class SimConnection implements Connection, SimEnd {
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  readonly #name: string;
  readonly #dialled: boolean;
  readonly #fabric: SimFabric;
  #tls: TlsFacts | null = null;
  #peer: SimConnection | null = null;
  #out: SimLink | null = null;
  #handler: ConnectionHandler | null = null;
  #paused = false;
  #ending = false;
  #severed = false;
  #destroyed = false;
  #wantsDrain = false;
  /** Bytes that have arrived and were not read yet, with how much of the first piece is gone. */
  #inbox: string[] = [];
  #inboxHead = 0;
  #inboxOffset = 0;
  #inboxBytes = 0;
  #readingSoon = false;
  #inputEnded = false;
  /** The far side's end was told; ours is the handler's to make. */
  #halfOpen = false;
  /** Set as soon as it is decided; told in an event of its own, after the last byte. */
  #closing: CloseReason | null = null;
  #told = false;
  #contentHash = 0x811c9dc5;

  constructor(fabric: SimFabric, side: Side) {
    this.#fabric = fabric;
    this.id = side.id;
    this.local = side.local;
    this.remote = side.remote;
    this.#name = `${side.id}${side.side}`;
    this.#dialled = side.side === 'a';
    fabric.add(this);
  }

  join(peer: SimConnection): void {
    this.#peer = peer;
    const ends = { from: this.local.host, to: this.remote.host };
    this.#out = new SimLink(this.#fabric, `link ${this.#name}`, ends, (parcel) => peer.#arrive(parcel));
  }

  get tls(): TlsFacts | null {
    return this.#tls;
  }

  /** The handshake is done. */
  secure(facts: TlsFacts): void {
    this.#tls = facts;
  }

  get unsentBytes(): number {
    if (this.#out === null || this.#peer === null) return 0;
    return this.#out.waitingBytes + Math.max(0, this.#peer.#inboxBytes - WINDOW_BYTES);
  }

  handle(handler: ConnectionHandler): void {
    this.#handler = handler;
    if (this.#closing !== null) this.#tellSoon();
    else this.#readSoon();
  }

  write(bytes: string | Uint8Array): boolean {
    if (this.#closing !== null || this.#ending || this.#out === null) return true;
    const text = typeof bytes === 'string' ? bytes : latin1Of(bytes);
    if (text.length > 0) this.#out.send(text);
    if (this.unsentBytes <= COMFORTABLE_BYTES) return true;
    this.#wantsDrain = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#readSoon();
  }

  end(): void {
    if (this.#closing !== null || this.#ending) return;
    this.#ending = true;
    this.#out?.send(FIN);
    if (!this.#halfOpen) return;
    this.#closing = 'ended';
    this.#tellSoon();
  }

  destroy(): void {
    // After an orderly end there is something to destroy only while bytes of ours are on their way.
    if (this.#destroyed || (this.#told && this.#out?.waitingBytes === 0)) return;
    this.#destroyed = true;
    if (this.#severed) this.#out?.drop();
    else this.#out?.sendReset();
    this.#close('local');
  }

  cutReset(): void {
    this.#out?.drop();
    this.#close('reset');
  }

  cutSilently(): void {
    this.#severed = true;
    this.#out?.sever();
  }

  /** Puts bytes back that were read to find out what the dialler speaks. */
  unread(text: string): void {
    const left = this.#inbox.slice(this.#inboxHead);
    // Of the piece at the head the chunk that is given back may have been a part.
    if (this.#inboxOffset > 0) left[0] = left[0]!.slice(this.#inboxOffset);
    this.#inbox = [text, ...left];
    this.#inboxHead = 0;
    this.#inboxOffset = 0;
    this.#inboxBytes += text.length;
  }

  #arrive(parcel: Parcel): void {
    if (this.#closing !== null) return;
    if (parcel === RESET) return this.#close('reset');
    if (parcel === FIN) this.#inputEnded = true;
    else {
      this.#inbox.push(parcel);
      this.#inboxBytes += parcel.length;
    }
    this.#peer?.noteTaken();
    // Nothing waits before it, so it needs no event of its own.
    if (!this.#readingSoon) this.#read();
  }

  #readSoon(): void {
    if (this.#readingSoon || !this.#mayRead()) return;
    this.#readingSoon = true;
    const { queue } = this.#fabric;
    queue.at(queue.elapsed(), this.#readLater);
  }

  readonly #readLater = (): void => {
    this.#readingSoon = false;
    this.#read();
  };

  #mayRead(): boolean {
    return (
      this.#handler !== null &&
      !this.#paused &&
      this.#closing === null &&
      (this.#inboxBytes > 0 || (this.#inputEnded && !this.#halfOpen))
    );
  }

  #read(): void {
    if (!this.#mayRead()) return;
    if (this.#inboxBytes === 0) return this.#finish();
    const chunk = this.#takeChunk();
    this.#peer?.noteTaken();
    this.#fabric.note(`deliver ${this.#name} ${chunk.length} ${this.#contentHash}`);
    this.#handler?.data(chunk);
    this.#readSoon();
  }

  /** The far side has ended and everything has been read: our own direction ends after what is still on its way. */
  #finish(): void {
    const reason = this.#ending ? 'local' : 'ended';
    if (!this.#ending && this.#handler?.ended !== undefined) {
      this.#halfOpen = true;
      this.#fabric.note(`half-open ${this.#name}`);
      this.#handler.ended();
      return;
    }
    if (!this.#ending) {
      this.#ending = true;
      this.#out?.send(FIN);
    }
    this.#closing = reason;
    this.#tell(reason);
  }

  #close(reason: CloseReason): void {
    if (this.#closing !== null) return;
    this.#closing = reason;
    this.#inbox = [];
    this.#inboxHead = 0;
    this.#inboxOffset = 0;
    this.#inboxBytes = 0;
    if (reason === 'reset') this.#out?.drop();
    this.#leave();
    this.#peer?.leaveIfTold();
    this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#told || this.#handler === null) return;
    this.#fabric.queue.at(this.#fabric.queue.elapsed(), () => this.#tell(this.#closing ?? 'reset'));
  }

  #tell(reason: CloseReason): void {
    if (this.#told || this.#handler === null) return;
    this.#told = true;
    this.#fabric.note(`close ${this.#name} ${reason}`);
    // Who was told of an end may still have bytes on their way; the far side's end is the last thing that happens.
    if (reason !== 'ended') {
      this.#leave();
      this.#peer?.leaveIfTold();
    }
    this.#handler.closed(reason);
  }

  leaveIfTold(): void {
    if (this.#told) this.#leave();
  }

  #leave(): void {
    this.#fabric.remove(this);
    if (this.#dialled) this.#fabric.releasePort(this.local);
  }

  /** The far side has taken bytes of ours. */
  noteTaken(): void {
    if (!this.#wantsDrain || this.unsentBytes > 0 || this.#severed) return;
    this.#wantsDrain = false;
    const { queue } = this.#fabric;
    queue.at(queue.elapsed(), () => {
      if (this.#closing === null) this.#handler?.drained?.();
    });
  }

  #takeChunk(): Buffer {
    const limit = this.#chunkLimit();
    let taken = 0;
    while (taken < limit && this.#inboxHead < this.#inbox.length) {
      const piece = this.#inbox[this.#inboxHead]!;
      const part = Math.min(limit - taken, piece.length - this.#inboxOffset);
      const text = part === piece.length ? piece : piece.slice(this.#inboxOffset, this.#inboxOffset + part);
      scratch.write(text, taken, 'latin1');
      taken += part;
      this.#inboxOffset += part;
      if (this.#inboxOffset < piece.length) break;
      this.#inboxOffset = 0;
      this.#inboxHead++;
    }
    if (this.#inboxHead === this.#inbox.length) {
      this.#inbox = [];
      this.#inboxHead = 0;
    }
    this.#inboxBytes -= taken;
    if (view.length !== taken) view = scratch.subarray(0, taken);
    this.#contentHash = hashOnward(this.#contentHash, view);
    return view;
  }

  #chunkLimit(): number {
    const { chunking } = this.#peer!.#out!.conditions();
    if (chunking === 'bytes') return 1;
    if (chunking === 'whole') return Math.min(READ_BYTES_MAX, this.#inbox[this.#inboxHead]!.length - this.#inboxOffset);
    const { random } = this.#peer!.#out!;
    return random.integer(1, RANDOM_CUTS[random.integer(0, RANDOM_CUTS.length - 1)]!);
  }
}

const latin1Of = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** FNV-1a over everything delivered so far. */
const hashOnward = (hash: number, bytes: Buffer): number => {
  let onward = hash;
  for (let index = 0; index < bytes.length; index++) onward = Math.imul(onward ^ bytes[index]!, 0x01000193);
  return onward;
};
