/**
 * Two connections joined: what one receives the other sends, untouched. For `admin`, whose replication link is bytes that
 * are none of the proxy's business. What the shard says may be compressed on its way to the client, as a syncer may ask
 * [RS replica-of: compression].
 *
 * Back pressure works both ways: a side that cannot send stops the other being read. When one side ends, what it sent still
 * reaches the other, which is then ended too; a reset is passed on. Limits: `LINGER_MS` for a side that does not take the rest;
 * `GATHERED_BYTES_MAX` of what one turn brings is compressed together.
 */

import { PieceWriter } from '../resp/compressed-pieces.ts';
import type { Clock, CloseReason, Connection } from '../world/world.ts';

/** How long the rest may take to leave after the other side is gone. */
const LINGER_MS = 10_000;
/** More does not wait for the end of the turn. */
const GATHERED_BYTES_MAX = 64 * 1024;

export interface RelayOptions {
  readonly clock: Clock;
  readonly client: Connection;
  readonly shard: Connection;
  /** Of what the shard says; 0: none. */
  readonly level: number;
  /** Called once, when both are closed. */
  readonly closed: () => void;
}

/** Where bytes go: straight on, or gathered and compressed. */
interface Outlet {
  /** `chunk` is only lent. False: more than a comfortable amount waits. */
  write(chunk: Buffer): boolean;
  /** Sends what was gathered. */
  flush(): void;
}

export function relay(options: RelayOptions): void {
  const { clock, client, shard, level } = options;
  let open = 2;
  const closedOne = (): void => {
    open--;
    if (open === 0) options.closed();
  };
  join(clock, client, shard, plainOutlet(shard), closedOne);
  const toClient = level === 0 ? plainOutlet(client) : new CompressedOutlet(clock, shard, client, level);
  join(clock, shard, client, toClient, closedOne);
}

/** Handles `from`: its bytes and its end go to `to`. Going on after a pause is the other join's `drained`. */
function join(clock: Clock, from: Connection, to: Connection, outlet: Outlet, closed: () => void): void {
  from.handle({
    data(chunk) {
      if (!outlet.write(chunk)) from.pause();
    },
    drained: () => to.resume(),
    closed(reason: CloseReason) {
      if (reason === 'ended') {
        outlet.flush();
        to.resume(); // so that its own end is noticed
        to.end();
        clock.after(LINGER_MS, () => to.destroy());
      } else to.destroy();
      closed();
    },
  });
}

const plainOutlet = (to: Connection): Outlet => ({
  write: (chunk) => to.write(chunk.latin1Slice()),
  flush() {},
});

/** What one turn brings makes one piece: small pieces cost as much time as larger ones. */
class CompressedOutlet implements Outlet {
  readonly #clock: Clock;
  readonly #from: Connection;
  readonly #to: Connection;
  readonly #pieces: PieceWriter;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #isDue = false;

  constructor(clock: Clock, from: Connection, to: Connection, level: number) {
    this.#clock = clock;
    this.#from = from;
    this.#to = to;
    this.#pieces = new PieceWriter(level);
  }

  write(chunk: Buffer): boolean {
    this.#gathered.push(Buffer.from(chunk));
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= GATHERED_BYTES_MAX) return this.#send();
    if (!this.#isDue) {
      this.#isDue = true;
      this.#clock.soon(() => {
        this.#isDue = false;
        if (!this.#send()) this.#from.pause();
      });
    }
    return true;
  }

  flush(): void {
    this.#send();
  }

  #send(): boolean {
    if (this.#gatheredBytes === 0) return true;
    const bytes = this.#pieces.write(Buffer.concat(this.#gathered));
    this.#gathered = [];
    this.#gatheredBytes = 0;
    return this.#to.write(bytes);
  }
}
