/** The letters of `notify-keyspace-events`. [redis notify.c] */

/** In the order in which CONFIG GET shows them; `A` stands for all of these. */
const ORDINARY = ['g', '$', 'l', 's', 'h', 'z', 'x', 'e', 't', 'd'];
/** Keys that were not there before; beside `A` it is on but not shown. */
const NEW = 'n';
const KNOWN: ReadonlySet<string> = new Set(['A', ...ORDINARY, 'K', 'E', 'm', NEW]);

/** Null when a letter is not known; else as CONFIG GET shows it, which is what CONFIG SET may be told again. */
export function notificationLetters(given: string): ReadonlySet<string> | null {
  const letters = new Set<string>();
  for (const letter of given) {
    if (!KNOWN.has(letter)) return null;
    for (const each of letter === 'A' ? ORDINARY : [letter]) letters.add(each);
  }
  return letters;
}

export function shownLetters(letters: ReadonlySet<string>): string {
  const has = (letter: string): boolean => letters.has(letter);
  const classes = ORDINARY.every(has) ? 'A' : [...ORDINARY, NEW].filter(has).join('');
  return classes + ['K', 'E', 'm'].filter(has).join('');
}
