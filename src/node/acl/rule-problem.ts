/** What is wrong with a word of an ACL rule, in Redis's own words [redis acl.c ACLSetUserStringError]. */

export const RULE_PROBLEMS = {
  unknown: 'Unknown command or category name in ACL',
  syntax: 'Syntax error',
  'all-keys':
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns",
  'all-channels':
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels",
  'no-such-password': 'The password you are trying to remove from the user does not exist',
  hash: 'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters',
  'first-argument': 'Allowing first-arg of a subcommand is not supported',
} as const;

export type RuleProblem = keyof typeof RULE_PROBLEMS;

export type RuleOutcome = { readonly ok: true } | { readonly ok: false; readonly problem: RuleProblem };

export const FITS: RuleOutcome = { ok: true };

export const wrong = (problem: RuleProblem): RuleOutcome => ({ ok: false, problem });

/** Neither names nor patterns may hold one: rules are words on a line [redis acl.c ACLStringHasSpaces]. */
export const hasSpaces = (text: string): boolean => /[\0\t-\r ]/.test(text);
