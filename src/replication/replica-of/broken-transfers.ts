/**
 * A source that makes everything start over again and again, by ending transfers or by ending streams that it cannot continue: what a
 * person is told about it. Pure.
 *
 * The usual reason is the source's buffer for replicas: what is written while a snapshot travels, or faster than the way can carry,
 * does not fit, the source closes the connection, and everything starts over [RS replica-of: repeatedly fails]. The wire does not
 * say so, hence "probably". Limits: what is older than PATTERN_MS does not count.
 */

import type { Milliseconds } from '../../world/world.ts';
import type { LinkOutcome } from '../link-outcome.ts';

/** So many times within so long are a pattern. */
const PATTERN_FROM = 2;
const PATTERN_MS = 5 * 60_000;

const REMEDY =
  'its buffer for replicas is probably too small for what is written meanwhile: raise slave_buffer of the source database, or at an ' +
  'external Redis CONFIG SET client-output-buffer-limit "slave <hard bytes> <soft bytes> <seconds>"';

export class BrokenTransfers {
  #times: Milliseconds[] = [];

  note(now: Milliseconds): void {
    this.#times = [...this.#times.filter((time) => now - time < PATTERN_MS), now];
  }

  /** Empty: nothing to say beyond the latest outcome. */
  get advice(): string {
    const times = this.#times.length;
    return times < PATTERN_FROM ? '' : `the source has ended the transfer ${times} times in a few minutes; ${REMEDY}`;
  }
}

/** The far side ended it, rather than the way between. */
export const isEndedBySource = (outcome: LinkOutcome): boolean =>
  outcome.why === 'cut' && (outcome.reason === 'reset' || outcome.reason === 'ended');
