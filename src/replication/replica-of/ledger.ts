/** The ledger of full syncs, those that broke off included: each with its cause and the numbers behind it. Limit: LEDGER_MAX entries, the latest. */

import type { Log } from '../../world/world.ts';
import { LEDGER_MAX, type FullSyncEntry } from './status.ts';

export class Ledger {
  readonly entries: FullSyncEntry[] = [];
  readonly #log: Log;
  readonly #told: ((entry: FullSyncEntry) => void) | undefined;

  constructor(log: Log, told: ((entry: FullSyncEntry) => void) | undefined) {
    this.#log = log;
    this.#told = told;
  }

  add(entry: FullSyncEntry): void {
    this.entries.push(entry);
    if (this.entries.length > LEDGER_MAX) this.entries.shift();
    this.#log.event('full-sync', { source: entry.source, cause: entry.cause, detail: entry.detail });
    if (entry.cause !== 'transfer-broken') this.#told?.(entry);
  }
}
