/**
 * Where a shard of ours keeps the marks of a Replica Of that writes into it: beside the keys, so that clients do not see them and
 * FLUSHALL does not take them, but set by a command, so that they travel inside the same MULTI as the writes.
 *
 * A mark says that everything before it has been applied. So one that comes behind a refused request of the same connection is not
 * set: `spoiled` takes the place of all, in the same step, and stays until they are forgotten. Whoever sent it may be gone before it
 * hears of the refusal; its successor still learns that something is missing.
 *
 * Marks live as long as the shard's data do: in memory. Limit: MARKS_MAX names.
 */

import { many, text, tuple } from '../../node/commands/arguments.ts';
import { defineCommand, type Command } from '../../node/commands/command.ts';
import type { CommandContext } from '../../node/shard/context.ts';
import type { Session } from '../../node/shard/session.ts';
import type { Shard } from '../../node/shard/shard.ts';
import { OK } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { SPOILED } from './checkpoint.ts';
import { partFlushCommand } from './part-flush.ts';

/** 32 sources of 512 shards each, and the generation. */
const MARKS_MAX = 32 * 512 + 1;
/** Of a saved snapshot: JSON, a list of names with their positions. */
const MARKS_FACT = 'antipode-marks';

/** Refusals of a connection as of its latest request about marks. */
const refusalsBefore = new WeakMap<Session, number>();

const marksByShard = new WeakMap<Shard, Map<string, string>>();

export function marksOf(shard: Shard): Map<string, string> {
  let marks = marksByShard.get(shard);
  if (marks === undefined) marksByShard.set(shard, (marks = new Map<string, string>()));
  return marks;
}

/** Anything since the connection's latest request about marks. */
function wasRefused(session: Session): boolean {
  const before = refusalsBefore.get(session) ?? 0;
  refusalsBefore.set(session, session.refusals);
  return session.refusals > before;
}

const MARK: readonly string[] = ['ANTIPODE', 'MARK'];
const UNMARK: readonly string[] = ['ANTIPODE', 'UNMARK'];

/** In the shard's log, in one unit with the writes that it speaks of; never in its stream to replicas. */
const keep = ({ shard, session }: CommandContext, words: readonly string[]): void =>
  shard.writeLog.note(session.database, words);

/** Marks are saved and come back with the data they speak of. */
export function saveMarks(shard: Shard): void {
  shard.savedFacts.push(() => [[MARKS_FACT, JSON.stringify([...marksOf(shard)])]]);
  shard.onLoaded.push(({ facts }) => {
    const marks = marksOf(shard);
    marks.clear();
    for (const [name, position] of JSON.parse(facts.get(MARKS_FACT) ?? '[]') as [string, string][]) {
      marks.set(name, position);
    }
  });
}

export const markCommands: readonly Command[] = [
  partFlushCommand,

  defineCommand({
    name: 'ANTIPODE MARK',
    group: 'replication',
    since: '7.4.0',
    summary: 'Records how far sources have been applied.',
    complexity: 'O(N) where N is the number of marks.',
    flags: ['admin', 'noscript', 'fast'],
    arguments: { marks: many(tuple(['name', text()], ['position', text()])) },
    run(context, given) {
      const marks = marksOf(context.shard);
      if (wasRefused(context.session)) {
        marks.clear();
        const spoiled = 'a write was refused, and the connection went on behind it';
        marks.set(SPOILED, spoiled);
        keep(context, UNMARK);
        keep(context, [...MARK, SPOILED, spoiled]);
      }
      if (marks.has(SPOILED)) return OK;
      for (const [name, position] of given.marks) {
        if (marks.size >= MARKS_MAX && !marks.has(name)) throw refuse('ERR', `more than ${MARKS_MAX} marks`);
        marks.set(name, position);
      }
      keep(context, [...MARK, ...given.marks.flat()]);
      return OK;
    },
  }),

  defineCommand({
    name: 'ANTIPODE MARKS',
    group: 'replication',
    since: '7.4.0',
    summary: 'Returns how far sources have been applied.',
    complexity: 'O(N) where N is the number of marks.',
    flags: ['admin', 'noscript'],
    arguments: {},
    run(context) {
      wasRefused(context.session);
      return [...marksOf(context.shard)].flat();
    },
  }),

  defineCommand({
    name: 'ANTIPODE UNMARK',
    group: 'replication',
    since: '7.4.0',
    summary: 'Forgets all marks.',
    complexity: 'O(1)',
    flags: ['admin', 'noscript', 'fast'],
    arguments: {},
    run(context) {
      wasRefused(context.session);
      marksOf(context.shard).clear();
      keep(context, UNMARK);
      return OK;
    },
  }),
];
