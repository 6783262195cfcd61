/** PURE: how the life of a link can end, and which ends repetition may mend. */

import type { RdbError, RdbErrorWhy } from '../rdb/rdb-error.ts';
import type { CloseReason, ConnectFailure } from '../world/world.ts';
import type { HandshakeFailure } from './handshake.ts';

export type LinkOutcome =
  | { readonly why: 'connect'; readonly failure: ConnectFailure; readonly detail: string }
  | HandshakeFailure
  /** The snapshot holds something that is not known here; asking again would bring the same. */
  | { readonly why: 'rdb-unsupported'; readonly error: RdbError; readonly detail: string }
  | { readonly why: 'rdb-corrupt'; readonly error: RdbError; readonly detail: string }
  /** The stream holds more in one step than is taken; asking again would bring the same. */
  | { readonly why: 'too-large'; readonly detail: string }
  | { readonly why: 'timeout'; readonly waitingFor: string; readonly detail: string }
  | { readonly why: 'cut'; readonly reason: CloseReason; readonly waitingFor: string; readonly detail: string };

/** What a newer or another kind of server writes, as opposed to what was damaged. */
const UNSUPPORTED: ReadonlySet<RdbErrorWhy> = new Set([
  'unsupported-version',
  'unknown-opcode',
  'unknown-type',
  'unsupported-type',
  'too-large',
]);

export const rdbOutcome = (error: RdbError): LinkOutcome => ({
  why: UNSUPPORTED.has(error.why) ? 'rdb-unsupported' : 'rdb-corrupt',
  error,
  detail: error.message,
});

const HOPELESS: ReadonlySet<LinkOutcome['why']> = new Set([
  'psync-not-supported',
  'rdb-unsupported',
  'compression-unsupported',
  'too-large',
]);

/** False where only a person can help. */
export const worthRetrying = (outcome: LinkOutcome): boolean => !HOPELESS.has(outcome.why);
