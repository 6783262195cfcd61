/** Where keys and secrets are among the words of MIGRATE: its options come in any order, KEYS last. [redis db.c migrateGetKeys] Pure. */

const OPTIONS_FROM = 6;
const SECRETS: Readonly<Record<string, number>> = { AUTH: 1, AUTH2: 2 };

export interface MigrateWords {
  /** The first word behind KEYS; null: it is not said. */
  readonly keysFrom: number | null;
  /** Places of names and passwords. */
  readonly secrets: ReadonlySet<number>;
}

export function migrateWords(words: readonly string[]): MigrateWords {
  const secrets = new Set<number>();
  for (let at = OPTIONS_FROM; at < words.length; at++) {
    const option = words[at]!.toUpperCase();
    if (option === 'KEYS') return { keysFrom: at + 1, secrets };
    for (let left = SECRETS[option] ?? 0; left > 0; left--) secrets.add(++at);
  }
  return { keysFrom: null, secrets };
}
