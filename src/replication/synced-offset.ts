/** Up to where a replica has its primary's stream in the log on its own disk, for acknowledgements (FACK) [redis replication.c replicationSendAck]. */

import { encodeRequest } from '../resp/reply.ts';
import type { SyncedLog } from '../node/shard/upper-layers.ts';

/** What a replica tells its primary of the stream: up to where it is applied, and synced, if that is known. */
export const acknowledgement = (applied: number, synced: number | null): string =>
  encodeRequest(['REPLCONF', 'ACK', String(applied), ...(synced === null ? [] : ['FACK', String(synced)])]);

export class SyncedOffset {
  /** Which place of the log tells of which offset: those not known to be synced, oldest first, each place once. */
  #pending: { readonly place: number; offset: number }[] = [];
  #offset: number | null = null;

  /** Everything up to there has been applied, and so written to the log. */
  applied(log: SyncedLog | null, offset: number): void {
    if (log === null) {
      this.#pending = [];
      this.#offset = null;
      return;
    }
    const { place } = log;
    const last = this.#pending.at(-1);
    if (last?.place === place) last.offset = offset;
    else this.#pending.push({ place, offset });
  }

  /** Null: there is no log, or nothing is known to be in it. */
  read(log: SyncedLog | null): number | null {
    if (log === null) return null;
    while (this.#pending.length > 0 && this.#pending[0]!.place <= log.synced)
      this.#offset = this.#pending.shift()!.offset;
    return this.#offset;
  }
}
