/**
 * Which target gets which part of a unit. Pure.
 *
 * With one target everything goes there as it is. With several, each write is hashed anew by the destination's own rules
 * [RS replica-of: the destination rehashes]; MSET, DEL and UNLINK are split as the proxy would split them, flushes go to all;
 * any other write or transaction whose keys lie on different targets cannot be applied atomically: cross-slot.
 */

import type { Command } from '../../node/commands/command.ts';
import type { CommandTable } from '../../node/commands/table.ts';
import { Refusal } from '../../resp/refusals.ts';
import { CHECKPOINT_KEY } from './checkpoint.ts';
import type { Unit, UnitWrite } from './stream-units.ts';

export interface Routing {
  readonly targets: number;
  readonly commands: CommandTable;
  /** Target of a key; null when the destination's hashing rules give none. */
  targetOf(key: string): number | null;
  /** Logical databases of the destination: 1 means that a write to another is refused. */
  readonly databases: number;
}

export type RouteOutcome =
  | { readonly ok: true; /** Target to its writes. */ readonly parts: ReadonlyMap<number, readonly UnitWrite[]> }
  | { readonly ok: false; readonly why: 'cross-slot' | 'unsupported'; readonly detail: string };

/** Writes without a key that concern every target. */
const EVERYWHERE: ReadonlySet<string> = new Set(['FLUSHALL', 'FLUSHDB', 'ANTIPODE', 'FUNCTION', 'SCRIPT']);
/** Messages are not data: a destination does not repeat what its source published. [RS replica-of: publish is not replicated] */
const NOWHERE: ReadonlySet<string> = new Set(['PUBLISH', 'SPUBLISH']);
/** Words per key of the writes that may be split. */
const SPLITTABLE: ReadonlyMap<string, number> = new Map([
  ['DEL', 1],
  ['UNLINK', 1],
  ['MSET', 2],
]);

export function routeUnit(unit: Unit, routing: Routing): RouteOutcome {
  const parts = new Map<number, UnitWrite[]>();
  const add = (target: number, write: UnitWrite): void => {
    const writes = parts.get(target);
    if (writes === undefined) parts.set(target, [write]);
    else writes.push(write);
  };
  let keyed = -1;
  for (const given of unit.writes) {
    const name = given.words[0]!.toUpperCase();
    const write = NOWHERE.has(name) ? null : withoutCheckpoint(given, name);
    if (write === null) continue;
    const other = otherDatabase(write, name, routing.databases);
    if (other !== null) {
      return {
        ok: false,
        why: 'unsupported',
        detail: `the source uses logical database ${other} (${name}); a Redis Enterprise database has only database 0: move its keys there or take them away`,
      };
    }
    if (EVERYWHERE.has(name)) {
      // Flushing another logical database than the ones we have changes nothing here.
      if (write.database >= routing.databases && name === 'FLUSHDB') continue;
      for (let target = 0; target < routing.targets; target++) add(target, write);
      continue;
    }
    if (routing.targets === 1) {
      add(0, write);
      continue;
    }
    const step = unit.transaction ? undefined : SPLITTABLE.get(name);
    const placed = step === undefined ? placeWhole(write, name, routing) : placeSplit(write, name, step, routing);
    if (!placed.ok) return placed;
    for (const [target, part] of placed.parts) {
      if (unit.transaction && keyed >= 0 && keyed !== target) {
        return {
          ok: false,
          why: 'cross-slot',
          detail: `a transaction with keys on different shards (${name} ${write.words[1]})`,
        };
      }
      if (unit.transaction) keyed = target;
      add(target, part);
    }
  }
  return { ok: true, parts };
}

/** The logical database beyond ours that a write concerns; null: none. [RS compatibility: SELECT] */
function otherDatabase(write: UnitWrite, name: string, databases: number): string | null {
  if (write.database >= databases && !EVERYWHERE.has(name)) return String(write.database);
  const { words } = write;
  const named =
    name === 'MOVE'
      ? [words[2]]
      : name === 'SWAPDB'
        ? words.slice(1, 3)
        : name === 'COPY' && words[3]?.toUpperCase() === 'DB'
          ? [words[4]]
          : [];
  return named.find((index) => index !== undefined && Number(index) >= databases) ?? null;
}

/**
 * A source that is itself a target of another engine keeps its checkpoint to itself: here it would overwrite or delete ours.
 * Null: nothing is left of the write.
 */
function withoutCheckpoint(write: UnitWrite, name: string): UnitWrite | null {
  if (write.database !== 0 || !write.words.includes(CHECKPOINT_KEY)) return write;
  if (name !== 'DEL' && name !== 'UNLINK') return write.words[1] === CHECKPOINT_KEY ? null : write;
  const words = write.words.filter((word) => word !== CHECKPOINT_KEY);
  return words.length > 1 ? { ...write, words } : null;
}

type Placed = { ok: true; parts: Map<number, UnitWrite> } | Extract<RouteOutcome, { ok: false }>;

function placeWhole(write: UnitWrite, name: string, routing: Routing): Placed {
  let command: Command;
  let positions: number[];
  try {
    command = routing.commands.resolve(write.words);
    positions = command.keyPositions(write.words);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, why: 'unsupported', detail: `the source sent ${name}, which this destination does not know` };
  }
  let target = -1;
  for (const position of positions) {
    const key = write.words[position]!;
    const owner = routing.targetOf(key);
    if (owner === null)
      return { ok: false, why: 'cross-slot', detail: `no hashing rule of the destination matches the key "${key}"` };
    if (target >= 0 && owner !== target) {
      return {
        ok: false,
        why: 'cross-slot',
        detail: `CROSSSLOT Keys in request don't hash to the same slot (command='${name}', first-key='${write.words[positions[0]!]}', violating-key='${key}')`,
      };
    }
    target = owner;
  }
  if (target < 0) return { ok: false, why: 'unsupported', detail: `the source sent ${name} without a key` };
  return { ok: true, parts: new Map([[target, write]]) };
}

function placeSplit(write: UnitWrite, name: string, step: number, routing: Routing): Placed {
  const parts = new Map<number, string[]>();
  for (let at = 1; at < write.words.length; at += step) {
    const key = write.words[at]!;
    const owner = routing.targetOf(key);
    if (owner === null)
      return { ok: false, why: 'cross-slot', detail: `no hashing rule of the destination matches the key "${key}"` };
    let words = parts.get(owner);
    if (words === undefined) parts.set(owner, (words = [name]));
    words.push(...write.words.slice(at, at + step));
  }
  return {
    ok: true,
    parts: new Map([...parts].map(([target, words]) => [target, { database: write.database, words }])),
  };
}
