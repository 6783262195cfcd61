/**
 * How a database spreads its keys: its rules with what two settings add to them, and which shard owns which slots. Pure.
 * [RS objects/bdb: hash_slots_policy, implicit_shard_key]
 */

import { IMPLICIT_RULE, LEGACY_SLOTS, type HashingRule } from '../../sharding/hashing-policy.ts';
import { evenSlotMap, type SlotMap } from '../../sharding/slot-map.ts';
import { SLOTS_16K, SLOTS_LEGACY } from '../../sharding/slot.ts';
import type { DatabaseRecord } from './cluster-state.ts';

type Hashing = Pick<DatabaseRecord, 'hashingRules' | 'settings'>;

/** As `compileHashingPolicy` takes them, and as the endpoint tells them. */
export const policyRulesOf = ({ hashingRules, settings }: Hashing): readonly HashingRule[] => {
  const last = hashingRules.at(-1)?.regex;
  return [
    ...(settings.hash_slots_policy === 'legacy' ? [LEGACY_SLOTS] : []),
    ...hashingRules,
    ...(settings.implicit_shard_key && last !== IMPLICIT_RULE.regex ? [IMPLICIT_RULE] : []),
  ];
};

export const slotMapOf = (shardsCount: number, { settings }: Pick<DatabaseRecord, 'settings'>): SlotMap =>
  evenSlotMap(shardsCount, settings.hash_slots_policy === 'legacy' ? SLOTS_LEGACY : SLOTS_16K);
