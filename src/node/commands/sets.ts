/** Commands of one set, and SMOVE between two. [redis t_set.c] Those that compute from several sets are in `set-algebra.ts`. */

import { SetReply, type Reply } from '../../resp/reply.ts';
import { SetValue } from '../keyspace/set.ts';
import type { CommandContext } from '../shard/context.ts';
import { key, many, text } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { last, pickCount, popCount } from './counts.ts';
import { placesFor } from './sample.ts';
import { setAlgebraCommands } from './set-algebra.ts';

/** Members that one replicated SREM names: a big SPOP becomes several, so that no single write is huge. */
const REPLICATED_MEMBERS_MAX = 1024;

/** Takes out `count` members; what was chosen is what replicas remove. */
function popMembers(context: CommandContext, name: string, set: SetValue, count: number): string[] {
  const { keyspace } = context;
  if (count >= set.size) {
    const all = set.members();
    keyspace.remove(name);
    keyspace.recount(all.length - 1);
    context.replicateDeletion(name, set, 'lazyfree-lazy-server-del');
    return all;
  }
  const popped = Array.from({ length: count }, () => set.pop(context.shard.random));
  for (let at = 0; at < popped.length; at += REPLICATED_MEMBERS_MAX) {
    context.replicateAs('SREM', name, ...popped.slice(at, at + REPLICATED_MEMBERS_MAX));
  }
  keyspace.changed(name, count);
  return popped;
}

const basicCommands: readonly Command[] = [
  defineCommand({
    name: 'SADD',
    group: 'set',
    since: '1.0.0',
    summary: 'Adds members to a set, which is made if it is not there. Returns how many were new.',
    complexity: 'O(1) for each member.',
    flags: ['write', 'denyoom', 'fast'],
    arguments: { key: key('RW', 'insert'), member: many(text()) },
    run({ keyspace }, given) {
      const { limits } = keyspace;
      const { member: members } = given;
      const found = keyspace.editSet(given.key);
      const set = found ?? SetValue.sized(members[0]!, members.length, limits);
      found?.prepare(members.length, limits);
      let added = 0;
      for (const member of members) if (set.add(member, limits)) added++;
      if (found === undefined) {
        keyspace.put(given.key, set);
        keyspace.recount(added - 1);
      } else if (added > 0) keyspace.changed(given.key, added);
      return added;
    },
  }),

  defineCommand({
    name: 'SREM',
    group: 'set',
    since: '1.0.0',
    summary: 'Removes members from a set and returns how many were there.',
    complexity: 'O(N) where N is the number of members to remove.',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'delete'), member: many(text()) },
    run({ keyspace }, given) {
      const set = keyspace.editSet(given.key);
      if (set === undefined) return 0;
      let removed = 0;
      for (const member of given.member) if (set.delete(member)) removed++;
      if (removed === 0) return 0;
      keyspace.removeIfEmpty(given.key, set);
      keyspace.changed(given.key, removed);
      return removed;
    },
  }),

  defineCommand({
    name: 'SMOVE',
    group: 'set',
    since: '1.0.0',
    summary: 'Moves a member from one set to another.',
    complexity: 'O(1)',
    flags: ['write', 'fast'],
    arguments: { source: key('RW', 'access', 'delete'), destination: key('RW', 'insert'), member: text() },
    run({ keyspace }, { source, destination, member }) {
      if (!keyspace.has(source)) return 0;
      const from = keyspace.editSet(source)!;
      const to = keyspace.editSet(destination);
      if (source === destination) return from.has(member) ? 1 : 0;
      if (!from.delete(member)) return 0;
      keyspace.removeIfEmpty(source, from);
      keyspace.changed(source);
      const target = to ?? SetValue.sized(member, 1, keyspace.limits);
      const isNew = target.add(member, keyspace.limits);
      if (to === undefined) keyspace.put(destination, target);
      else if (isNew) keyspace.changed(destination);
      return 1;
    },
  }),

  defineCommand({
    name: 'SISMEMBER',
    group: 'set',
    since: '1.0.0',
    summary: 'Tells whether a value is a member of a set.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO'), member: text() },
    run: ({ keyspace }, given) => (keyspace.readSet(given.key)?.has(given.member) ? 1 : 0),
  }),

  defineCommand({
    name: 'SMISMEMBER',
    group: 'set',
    since: '6.2.0',
    summary: 'Tells of several values whether each is a member of a set.',
    complexity: 'O(N) where N is the number of values asked for.',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access'), member: many(text()) },
    run({ keyspace }, given) {
      const set = keyspace.readSet(given.key);
      return given.member.map((member) => (set?.has(member) ? 1 : 0));
    },
  }),

  defineCommand({
    name: 'SCARD',
    group: 'set',
    since: '1.0.0',
    summary: 'Returns the number of members of a set.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO') },
    run: ({ keyspace }, given) => keyspace.readSet(given.key)?.size ?? 0,
  }),

  defineCommand({
    name: 'SMEMBERS',
    group: 'set',
    since: '1.0.0',
    summary: 'Returns all members of a set.',
    complexity: 'O(N) where N is the size of the set.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output_order'] },
    arguments: { key: key('RO', 'access') },
    run: ({ keyspace }, given) => new SetReply(keyspace.readSet(given.key)?.members() ?? []),
  }),

  defineCommand({
    name: 'SPOP',
    group: 'set',
    since: '1.0.0',
    summary: 'Removes members from a set by chance and returns them.',
    complexity: 'O(1) without a count, otherwise O(N) where N is the count.',
    flags: ['write', 'fast'],
    tips: { other: ['nondeterministic_output'] },
    arguments: { key: key('RW', 'access', 'delete'), count: last(popCount()) },
    run(context, given): Reply {
      const { keyspace } = context;
      const { key: name, count } = given;
      const set = keyspace.editSet(name);
      if (count !== undefined) {
        return new SetReply(set === undefined || count === 0 ? [] : popMembers(context, name, set, count));
      }
      if (set === undefined) return null;
      const member = set.pop(context.shard.random);
      keyspace.removeIfEmpty(name, set);
      keyspace.changed(name);
      context.replicateAs('SREM', name, member);
      return member;
    },
  }),

  defineCommand({
    name: 'SRANDMEMBER',
    group: 'set',
    since: '1.0.0',
    summary: 'Returns members of a set by chance.',
    complexity: 'O(1) without a count, otherwise O(N) where N is the absolute value of the count.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output'] },
    arguments: { key: key('RO', 'access'), count: last(pickCount()) },
    run(context, given): Reply {
      const { keyspace, shard } = context;
      const set = keyspace.readSet(given.key);
      const { count } = given;
      if (count === undefined) return set === undefined ? null : set.random(shard.random);
      if (set === undefined) return [];
      return placesFor(context, set.size, Number(count)).map((place) => set.at(place));
    },
  }),
];

export const setCommands: readonly Command[] = [...basicCommands, ...setAlgebraCommands];
