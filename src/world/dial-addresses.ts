/**
 * A name with several addresses is dialled one address after another within one limit. Shared by both worlds. Each address gets an
 * equal share of what is left, so that one that does not answer leaves time for the others.
 *
 * Limits: no share is shorter than `SHARE_MIN_MS`, so of very many addresses the last may not be reached within the limit.
 */

import type { ConnectOutcome, Milliseconds } from './world.ts';

const SHARE_MIN_MS = 500;

export const dialAddresses = async (
  name: string,
  addresses: readonly string[],
  timeLeft: () => Milliseconds,
  dial: (host: string, limitMs: Milliseconds) => Promise<ConnectOutcome>,
): Promise<ConnectOutcome> => {
  let outcome: ConnectOutcome = { ok: false, why: 'unresolved', detail: `${name} has no address` };
  for (const [index, host] of addresses.entries()) {
    const leftMs = timeLeft();
    if (leftMs <= 0) break;
    const shareMs = leftMs / (addresses.length - index);
    outcome = await dial(host, Math.min(leftMs, Math.max(SHARE_MIN_MS, shareMs)));
    if (outcome.ok) break;
  }
  return outcome;
};
