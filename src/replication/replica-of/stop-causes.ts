/**
 * Which failures end a Replica Of until somebody acts; all others are tried again for ever. Pure.
 * [RS replica-of: synchronization errors]
 */

import type { LinkOutcome } from '../link-outcome.ts';
import type { StopCause } from './status.ts';
import type { TargetProblem } from './target.ts';

/** Outcomes of a link that no repetition mends. */
export function stopCauseOf(outcome: LinkOutcome): StopCause | null {
  switch (outcome.why) {
    case 'auth-failed':
      return 'authentication';
    case 'psync-not-supported':
      return 'not-replicable';
    case 'rdb-unsupported':
      return 'unsupported';
    case 'compression-unsupported':
      return 'compression';
    case 'source-out-of-memory':
      return 'out-of-memory';
    case 'too-large':
      return 'general';
    default:
      return null;
  }
}

/** Refusals of a destination that pass with time: it starts, runs a script, has a full disk, or has too many clients. */
export const isPassing = (detail: string): boolean =>
  /^(LOADING|MISCONF|MASTERDOWN|BUSY|TRYAGAIN|CLUSTERDOWN|ERR max number of clients)/.test(detail);

/** A target ended the work: why, and how to say it. */
export function stopOfTarget(problem: Exclude<TargetProblem, { kind: 'connection' }>): [StopCause, string] {
  const { detail } = problem;
  if (problem.kind === 'superseded') return ['superseded', detail];
  const { request } = problem;
  const text = `the destination refused ${request}: ${detail}`;
  if (detail.startsWith('OOM')) return ['out-of-memory', text];
  if (/^(NOAUTH|WRONGPASS|NOPERM)/.test(detail)) return ['authentication', text];
  if (/^(CROSSSLOT|MOVED)/.test(detail)) return ['cross-slot', text];
  if (/unknown (command|subcommand)|Bad data format|payload version/.test(detail)) return ['unsupported', text];
  return ['general', text];
}
