/**
 * What is not shown of a request where requests are kept or shown to others: passwords and users' rules.
 * [redis networking.c redactClientCommandArgument] Pure.
 */

import type { Command } from '../commands/command.ts';
import { migrateWords } from '../commands/migrate-words.ts';

const REDACTED = '(redacted)';
/** Parameters whose values are secrets [redis config.c SENSITIVE_CONFIG]. */
const SECRETS: ReadonlySet<string> = new Set([
  'requirepass',
  'masterauth',
  'masteruser',
  'tls-key-file-pass',
  'tls-client-key-file-pass',
]);

type IsSecret = (at: number, words: readonly string[]) => boolean;

const from =
  (first: number): IsSecret =>
  (at) =>
    at >= first;

/** By command: whether the word at a place is a secret. */
const SECRET_WORDS: ReadonlyMap<string, IsSecret> = new Map<string, IsSecret>([
  ['AUTH', from(1)],
  ['ACL SETUSER', from(2)],
  // Not yet in 7.0
  ['ACL GETUSER', from(2)],
  ['ACL DELUSER', from(2)],
  ['CONFIG SET', (at, words) => at > 2 && at % 2 === 1 && SECRETS.has(words[at - 1]!.toLowerCase())],
  ['MIGRATE', (at, words) => migrateWords(words).secrets.has(at)],
  ['HELLO', (at, words) => isWord(words[at - 1], 'auth') || (at > 3 && isWord(words[at - 2], 'auth'))],
]);

const isWord = (word: string | undefined, name: string): boolean => word?.toLowerCase() === name;

/** The words as they may be shown. */
export function redacted(command: Command, words: readonly string[]): readonly string[] {
  const isSecret = SECRET_WORDS.get(command.name);
  return isSecret === undefined ? words : words.map((word, at) => (isSecret(at, words) ? REDACTED : word));
}
