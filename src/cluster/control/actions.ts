/**
 * Actions: what the cluster was asked to do with a database and how far it is. Kept for those who ask, moved by the reconciler.
 * [RS objects/state-machine, action]
 *
 * An action begins `pending`, is `active` from its first step, and ends `completed` when nothing is left to do or `failed` with
 * what hinders it (the reconciler goes on trying all the same). Limits: `ACTIONS_KEPT`; the oldest that have ended go first.
 */

import assert from 'node:assert';
import type { Clock, Milliseconds, Random } from '../../world/world.ts';
import type { Change } from '../state/change.ts';

const ACTIONS_KEPT = 1_000;

export type ActionStatus = 'pending' | 'active' | 'completed' | 'failed';

const ACTION_MOVES: Readonly<Record<ActionStatus, readonly ActionStatus[]>> = {
  pending: ['active', 'completed', 'failed'],
  active: ['completed', 'failed'],
  completed: [],
  failed: [],
};

export interface Action {
  /** A UUID. */
  readonly uid: string;
  readonly name: string;
  readonly databaseUid: number;
  readonly createdMs: Milliseconds;
  readonly status: ActionStatus;
  /** Whole percent. */
  readonly progress: number;
  /** The step that is being done, or was last; empty: none yet. */
  readonly state: string;
  /** Why it failed; empty: it did not. */
  readonly error: string;
  readonly changedMs: Milliseconds;
}

/** Names of the product's state machines. */
const MACHINES: Readonly<Partial<Record<Change['kind'], string>>> = {
  'create-database': 'SMCreateBDB',
  'update-database': 'SMUpdateBDB',
  'regenerate-password': 'SMUpdateBDB',
  'set-traffic': 'SMUpdateBDB',
  'delete-database': 'SMDeleteBDB',
};

export class Actions {
  readonly #clock: Clock;
  readonly #random: Random;
  /** In the order of their beginning. */
  readonly #actions = new Map<string, Action>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get all(): readonly Action[] {
    return [...this.#actions.values()];
  }

  byUid(uid: string): Action | undefined {
    return this.#actions.get(uid);
  }

  of(databaseUid: number): readonly Action[] {
    return this.all.filter((action) => action.databaseUid === databaseUid);
  }

  /** The latest of a database that has not ended. */
  running(databaseUid: number): Action | undefined {
    return this.of(databaseUid).findLast(({ status }) => status === 'pending' || status === 'active');
  }

  /** Notes what an accepted change means: a beginning, an end, or nothing. */
  note(change: Change, databaseUid: number): void {
    const machine = MACHINES[change.kind];
    if (machine !== undefined) this.begin(machine, databaseUid);
    if (change.kind === 'database-ready' || change.kind === 'database-removed') {
      for (const { uid } of this.#open(databaseUid)) this.move(uid, { status: 'completed', progress: 100 });
    }
    if (change.kind === 'database-troubled') {
      for (const { uid } of this.#open(databaseUid)) this.move(uid, { status: 'failed', error: change.trouble });
    }
  }

  begin(name: string, databaseUid: number): Action {
    const now = this.#clock.now();
    const action: Action = {
      uid: uuid(this.#random.bytes(16)),
      name,
      databaseUid,
      createdMs: now,
      status: 'pending',
      progress: 0,
      state: '',
      error: '',
      changedMs: now,
    };
    this.#actions.set(action.uid, action);
    this.#forget();
    return action;
  }

  /** Changes an action that has not ended; progress never goes back. */
  move(uid: string, to: Partial<Pick<Action, 'status' | 'progress' | 'state' | 'error'>>): void {
    const action = this.#actions.get(uid);
    assert(action !== undefined, `action ${uid} exists`);
    const status = to.status ?? action.status;
    const legal = status === action.status || ACTION_MOVES[action.status].includes(status);
    assert(legal, `an action does not go from ${action.status} to ${status}`);
    const progress = Math.max(action.progress, to.progress ?? 0);
    this.#actions.set(uid, { ...action, ...to, status, progress, changedMs: this.#clock.now() });
  }

  /** One of `steps` steps of a database has been done, `done` so far. */
  step(databaseUid: number, state: string, done: number, steps: number): void {
    // The last step is not the end: that is told by the state.
    const progress = Math.min(99, Math.floor((100 * done) / steps));
    for (const { uid } of this.#open(databaseUid)) this.move(uid, { status: 'active', state, progress });
  }

  #open(databaseUid: number): readonly Action[] {
    return this.of(databaseUid).filter(
      ({ status, name }) => (status === 'pending' || status === 'active') && isMachine(name),
    );
  }

  #forget(): void {
    for (const { uid, status } of this.#actions.values()) {
      if (this.#actions.size <= ACTIONS_KEPT) return;
      if (status === 'completed' || status === 'failed') this.#actions.delete(uid);
    }
  }
}

/** Those that the reconciler carries out; others end by themselves. */
const isMachine = (name: string): boolean => Object.values(MACHINES).includes(name);

const uuid = (bytes: Buffer): string => {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
