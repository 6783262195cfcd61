/**
 * Real turns of the event loop, for the loop that drives a simulation (`sim-world.ts`): the one thing that a simulation needs
 * from the machine is that promises get their turn. A whole turn empties the queue of microtasks, however long it gets.
 */
import { promiseHooks } from 'node:v8';

const SHORT_WAIT_MS = 1;

/** All promises that can go on by themselves have gone on when this resolves. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** For work outside the simulation that takes real time. */
export const shortWait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SHORT_WAIT_MS));

let activity = 0;
let watchers = 0;
let unhook: (() => void) | null = null;
const note = (): void => {
  activity++;
};

/** Changes whenever a promise is made or settled while somebody watches. */
export const promiseActivity = (): number => activity;

/** Call the returned function to stop. The hooks cost nothing while nobody watches, and nothing where no promise is touched. */
export const watchPromises = (): (() => void) => {
  watchers++;
  unhook ??= promiseHooks.createHook({ init: note, settled: note }) as () => void;
  return () => {
    watchers--;
    if (watchers > 0) return;
    unhook?.();
    unhook = null;
  };
};
