/**
 * Waiting for a condition, never for a time. In the system world the condition is asked again and again until a limit; in the
 * simulated world virtual time moves on until it holds. Both fail with what was waited for.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { SimWorld } from '../../src/world/sim-world.ts';

const ASK_AGAIN_MS = 2;

export interface Patience {
  readonly withinMs: number;
  /** What should become true, for the failure's message. */
  readonly what: string;
}

export const eventually = async (holds: () => boolean | Promise<boolean>, patience: Patience): Promise<void> => {
  const deadline = performance.now() + patience.withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${patience.withinMs} ms: ${patience.what}`);
    await pause(ASK_AGAIN_MS);
  }
};

/** `withinMs` is virtual. */
export const eventuallyIn = async (world: SimWorld, holds: () => boolean, patience: Patience): Promise<void> => {
  if (await world.runUntil(holds, { virtualMs: patience.withinMs })) return;
  const latest = world.eventLog.slice(-20).join('\n');
  throw new Error(
    `not within ${patience.withinMs} virtual ms (seed ${world.seed}): ${patience.what}\nlatest events:\n${latest}`,
  );
};
