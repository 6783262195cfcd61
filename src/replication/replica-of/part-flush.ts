/**
 * A flush that comes from one shard of a sharded source. Each shard of the source says it for itself, at its own place in its own
 * stream, so it may only take away what that shard held: else it would take writes of the other shards that came after theirs. All
 * shards together empty the destination, as FLUSHALL of an unsharded source does.
 *
 * A shard of ours is told by ANTIPODE FLUSH which slots of the source, and the rules by which the source finds a key's slot.
 * Border: other servers know no such request; there FLUSHALL stays what it is.
 */

import { many, text } from '../../node/commands/arguments.ts';
import { defineCommand, type Command } from '../../node/commands/command.ts';
import { refuse } from '../../resp/refusals.ts';
import { OK } from '../../resp/reply.ts';
import { compileHashingPolicy } from '../../sharding/hashing-policy.ts';
import type { UnitWrite } from './stream-units.ts';

/** The keys that one shard of a source holds. */
export interface SourcePart {
  /** Binary strings, as the source told them. */
  readonly rules: readonly string[];
  readonly ranges: readonly { readonly first: number; readonly last: number }[];
}

const FLUSHES: ReadonlySet<string> = new Set(['FLUSHALL', 'FLUSHDB']);

/** The write as it must be done for a part of a source; every other write as it is. */
export function ofPart(write: UnitWrite, { rules, ranges }: SourcePart): UnitWrite {
  if (!FLUSHES.has(write.words[0]!.toUpperCase())) return write;
  const slots = ranges.map(({ first, last }) => `${first}-${last}`).join(',');
  return { ...write, words: ['ANTIPODE', 'FLUSH', slots, ...rules] };
}

/** Keys in one DEL of the replication stream. */
const DELETED_TOGETHER = 1_000;

export const partFlushCommand: Command = defineCommand({
  name: 'ANTIPODE FLUSH',
  group: 'replication',
  since: '7.4.0',
  summary: 'Removes the keys that lie in some slots by the given hashing rules.',
  complexity: 'O(N) where N is the number of keys.',
  flags: ['write', 'admin', 'noscript'],
  arguments: { slots: text(), rules: many(text()) },
  run(context, { slots, rules }) {
    const compiled = compileHashingPolicy(
      rules.map((rule) => ({ regex: Buffer.from(rule, 'latin1').toString('utf8') })),
    );
    if (!compiled.ok) throw refuse('ERR', compiled.detail);
    if (!/^\d{1,5}-\d{1,5}(?:,\d{1,5}-\d{1,5})*$/.test(slots)) throw refuse('SYNTAX');
    const ranges = slots.split(',').map((range) => range.split('-').map(Number) as [number, number]);
    const { keyspace } = context;
    const found: string[] = [];
    keyspace.values.forEach((key) => {
      const slot = compiled.policy.slotOf(key);
      if (slot !== null && ranges.some(([first, last]) => slot >= first && slot <= last)) found.push(key);
    });
    context.replicateNothing();
    for (const key of found) keyspace.remove(key);
    for (let at = 0; at < found.length; at += DELETED_TOGETHER) {
      context.replicateAs('DEL', ...found.slice(at, at + DELETED_TOGETHER));
    }
    return OK;
  },
});
