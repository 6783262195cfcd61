/**
 * Permissions alone, as a cluster's ACLs have them: `+@read ~cache:*`. No passwords, no switches, no selectors in parentheses.
 * [RS access-control: redis ACL syntax]
 */

import type { CommandTable } from '../commands/table.ts';
import { RULE_PROBLEMS } from './rule-problem.ts';
import { User } from './user.ts';

/** Longest text of rules. */
export const RULES_CHARS_MAX = 10_000;

export type RulesOutcome =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly word: string; readonly detail: string };

export interface RulesOptions {
  readonly table: CommandTable;
  /** Channels that no rule speaks of: all, or none. */
  readonly allChannels: boolean;
}

/** Words that change more than permissions. */
const OTHER_WORDS = /^(?:on|off|nopass|reset|resetpass|clearselectors|(?:skip-)?sanitize-payload|[><#!].*)$/i;

/** A user of that name who is switched on and has no password; what is wrong names the word. */
export function userOfRules(name: string, rules: string, { table, allChannels }: RulesOptions): RulesOutcome {
  if (rules.length > RULES_CHARS_MAX)
    return { ok: false, word: `${rules.slice(0, 32)}…`, detail: `rules have at most ${RULES_CHARS_MAX} characters` };
  const user = new User(name, table, () => allChannels);
  user.apply('on');
  for (const word of rules.split(/\s+/).filter((each) => each !== '')) {
    if (/[()]/.test(word)) return { ok: false, word, detail: 'selectors in parentheses are not supported' };
    if (OTHER_WORDS.test(word)) return { ok: false, word, detail: 'only commands, keys and channels can be ruled on' };
    const outcome = user.apply(word);
    if (!outcome.ok) return { ok: false, word, detail: RULE_PROBLEMS[outcome.problem] };
  }
  return { ok: true, user };
}
