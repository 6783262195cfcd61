/**
 * A source that ends a transfer again and again: what a person is told about it. Pure.
 *
 * The usual reason is the source's buffer for replicas: what is written while the snapshot travels does not fit, the source closes
 * the connection, and everything starts over [RS replica-of: repeatedly fails]. The wire does not say so, hence "probably".
 */

import type { LinkOutcome } from '../link-outcome.ts';

/** From so many in a row on it is a pattern. */
const PATTERN_FROM = 2;

const REMEDY =
  'its buffer for replicas is probably too small for what is written meanwhile: raise slave_buffer of the source database, or at an ' +
  'external Redis CONFIG SET client-output-buffer-limit "slave <hard bytes> <soft bytes> <seconds>"';

/** `times`: transfers in a row that the source broke off, this one included. Empty: nothing to say beyond the outcome. */
export const brokenTransferAdvice = (times: number): string =>
  times < PATTERN_FROM ? '' : `the source has ended the transfer ${times} times in a row; ${REMEDY}`;

/** The far side ended it, rather than the way between. */
export const isEndedBySource = (outcome: LinkOutcome): boolean =>
  outcome.why === 'cut' && (outcome.reason === 'reset' || outcome.reason === 'ended');
