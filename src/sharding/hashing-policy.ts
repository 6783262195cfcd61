/**
 * Redis Enterprise's hashing policy: an ordered list of regular expressions whose group `tag` says which part of a key
 * counts. The first rule that matches wins; a key that no rule matches has no slot.
 *
 * Rules are PCRE, anchored at the key's first byte but not at its last, greedy, over bytes [RS clustering: regex rules].
 * Here they run as JavaScript expressions over binary strings; what JavaScript cannot express (inline flags, possessive
 * quantifiers, atomic groups) is refused when the policy is made, never reinterpreted. A dot also matches a newline, so
 * that every key has a slot under the standard rules. Evaluation time of a custom rule is its author's affair.
 */

import { SLOTS_16K, SLOTS_LEGACY, slotOfPart, type SlotSpace } from './slot.ts';

export const HASHING_RULES_MAX = 32;
export const HASHING_RULE_LENGTH_MAX = 256;

/** In the place of a first rule, where slots are the older 1 to 4096. It is no rule: it has no tag. */
export const LEGACY_SLOTS: HashingRule = { regex: 'slots 1-4096' };
/** The last rule of a policy under which a key that no other matches counts as a whole. [RS objects/bdb: implicit_shard_key] */
export const IMPLICIT_RULE: HashingRule = { regex: '(?<tag>.*)' };

export interface HashingRule {
  readonly regex: string;
}

export interface HashingPolicy {
  /** `null`: no rule matches this key. */
  slotOf(key: string): number | null;
}

export type HashingPolicyOutcome =
  | { readonly ok: true; readonly policy: HashingPolicy }
  | { readonly ok: false; readonly detail: string };

/** What a database gets when nothing else is asked for. */
export const STANDARD_HASHING_RULES: readonly HashingRule[] = [
  { regex: '.*\\{(?<tag>.*)\\}.*' },
  { regex: '(?<tag>.*)' },
];

/**
 * The standard rules without an expression. The first `.*` is greedy, so it runs to the last `{` that still has a `}`
 * after it, and the tag runs to the last `}`: `{a}x{b}` gives `b`, `k{}` gives nothing (open source Redis would take
 * `a`, and all of `k{}`). Without such a pair the second rule takes the whole key.
 */
const standardPolicy = (slots: SlotSpace): HashingPolicy => ({
  slotOf(key) {
    const close = key.lastIndexOf('}');
    if (close > 0) {
      const open = key.lastIndexOf('{', close - 1);
      if (open !== -1) return slotOfPart(key, open + 1, close, slots);
    }
    return slotOfPart(key, 0, key.length, slots);
  },
});

const expressionPolicy = (expressions: readonly RegExp[], slots: SlotSpace): HashingPolicy => ({
  slotOf(key) {
    for (const expression of expressions) {
      expression.lastIndex = 0;
      const match = expression.exec(key);
      if (match === null) continue;
      // A group that took no part in the match is an empty tag.
      const tag = match.groups?.['tag'] ?? '';
      return slotOfPart(tag, 0, tag.length, slots);
    }
    return null;
  },
});

const sameRules = (rules: readonly HashingRule[], others: readonly HashingRule[]): boolean =>
  rules.length === others.length && rules.every((rule, index) => rule.regex === others[index]?.regex);

type ExpressionOutcome =
  | { readonly ok: true; readonly expression: RegExp }
  | { readonly ok: false; readonly detail: string };

const compileRule = (regex: string): ExpressionOutcome => {
  if (regex.length > HASHING_RULE_LENGTH_MAX)
    return { ok: false, detail: `longer than ${HASHING_RULE_LENGTH_MAX} characters` };
  // Rules arrive as Unicode text, keys are bytes: the rule is matched byte by byte, as PCRE does without UTF mode.
  const source = Buffer.from(regex, 'utf8').toString('latin1').replaceAll('(?P<', '(?<');
  try {
    // Sticky with lastIndex 0 is PCRE_ANCHORED.
    const expression = new RegExp(source, 'sy');
    // With an empty alternative everything matches, and `groups` lists the names whether or not they took part.
    const names = new RegExp(`${source}|`, 's').exec('')?.groups;
    if (names === undefined || !('tag' in names)) return { ok: false, detail: 'has no group named tag: (?<tag>…)' };
    return { ok: true, expression };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
};

/** `words`: the rules, after `LEGACY_SLOTS` where those are meant. One rule more than the most may follow if it is the implicit one. */
export const compileHashingPolicy = (words: readonly HashingRule[]): HashingPolicyOutcome => {
  const isLegacy = words[0]?.regex === LEGACY_SLOTS.regex;
  const slots = isLegacy ? SLOTS_LEGACY : SLOTS_16K;
  const rules = isLegacy ? words.slice(1) : words;
  const isImplicit = (rule: HashingRule | undefined): boolean => rule?.regex === IMPLICIT_RULE.regex;
  const most = HASHING_RULES_MAX + (isImplicit(rules.at(-1)) && !isImplicit(rules.at(-2)) ? 1 : 0);
  if (rules.length === 0) return { ok: false, detail: 'a hashing policy needs at least one rule' };
  if (rules.length > most)
    return { ok: false, detail: `${rules.length} rules; a hashing policy has at most ${HASHING_RULES_MAX}` };
  const expressions: RegExp[] = [];
  for (const [index, rule] of rules.entries()) {
    const compiled = compileRule(rule.regex);
    if (!compiled.ok) return { ok: false, detail: `rule ${index + 1} (${rule.regex}): ${compiled.detail}` };
    expressions.push(compiled.expression);
  }
  if (sameRules(rules, STANDARD_HASHING_RULES)) return { ok: true, policy: standardPolicy(slots) };
  return { ok: true, policy: expressionPolicy(expressions, slots) };
};
