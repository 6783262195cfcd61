/** What the load generator is told and what it answers. */

import type { LoadKind } from './load-kinds.ts';

export interface LoadJob {
  readonly host: string;
  readonly port: number;
  /** Over TLS; whose certificate it is does not matter to a load. */
  readonly tls: boolean;
  readonly kind: LoadKind;
  /** `prepare` sends what must be there before, `run` the requests to be measured, with random keys. */
  readonly phase: 'prepare' | 'run';
  /** Requests sent together on a connection before their replies are awaited. */
  readonly pipeline: number;
  /** Of the phase `run`; a multiple of `pipeline`. */
  readonly operations: number;
  /** Keys there are; at most KEYS_MAX. */
  readonly keys: number;
}

export type LoadAnswer =
  | { readonly ok: true; readonly elapsedMs: number }
  | { readonly ok: false; readonly message: string };

export const KEYS_MAX = 10_000_000;
