/**
 * Which keys a selector may read and write: `~pattern` both, `%R~pattern` and `%W~pattern` one. [redis acl.c ACLSelectorCheckKey]
 *
 * What a command does to a key is its declaration's key flags: access is a read; insert, update and delete are writes; a command that
 * looks at nothing but the existence of a key needs any pattern that names it.
 */

import type { KeyFlag } from '../commands/arguments.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import { FITS, hasSpaces, wrong, type RuleOutcome } from './rule-problem.ts';

interface KeyPattern {
  readonly glob: string;
  readonly read: boolean;
  readonly write: boolean;
}

/** What is done to a key. */
export interface KeyUse {
  readonly read: boolean;
  readonly write: boolean;
}

export const keyUseOf = (flags: readonly KeyFlag[]): KeyUse => ({
  read: flags.includes('access'),
  write: flags.includes('insert') || flags.includes('update') || flags.includes('delete'),
});

export class KeyPatterns {
  allowsAll = false;
  #patterns: readonly KeyPattern[] = [];

  copy(): KeyPatterns {
    const copy = new KeyPatterns();
    copy.allowsAll = this.allowsAll;
    copy.#patterns = this.#patterns;
    return copy;
  }

  /** `~a %R~b`, or `~*`. */
  get texts(): readonly string[] {
    if (this.allowsAll) return ['~*'];
    return this.#patterns.map(({ glob, read, write }) => {
      if (read && write) return `~${glob}`;
      return `%${read ? 'R' : 'W'}~${glob}`;
    });
  }

  setAll(allowed: boolean): void {
    this.allowsAll = allowed;
    this.#patterns = [];
  }

  /** `~pattern` or `%RW~pattern`. */
  add(rule: string): RuleOutcome {
    if (this.allowsAll) return wrong('all-keys');
    // Without a pattern it is the empty one, which no key but the empty one matches
    const named = /^(?:~|%([RWrw]*)(?:~|$))/.exec(rule);
    if (named === null) return wrong('syntax');
    const how = named[1]?.toUpperCase();
    if (how !== undefined && !['R', 'W', 'RW', 'WR'].includes(how)) return wrong('syntax');
    const glob = rule.slice(named[0].length);
    if (hasSpaces(glob)) return wrong('syntax');
    const read = how?.includes('R') ?? true;
    const write = how?.includes('W') ?? true;
    const same = this.#patterns.find((each) => each.glob === glob);
    if (same === undefined) this.#patterns = [...this.#patterns, { glob, read, write }];
    else {
      const both = { glob, read: read || same.read, write: write || same.write };
      this.#patterns = this.#patterns.map((each) => (each === same ? both : each));
    }
    return FITS;
  }

  allows(key: string, use: KeyUse): boolean {
    if (this.allowsAll) return true;
    return this.#patterns.some(
      ({ glob, read, write }) => (read || !use.read) && (write || !use.write) && matchesGlob(glob, key),
    );
  }

  /** Every key at once, as SORT with patterns of its own asks. */
  allowsEveryKey(use: KeyUse): boolean {
    if (this.allowsAll) return true;
    return this.#patterns.some(({ glob, read, write }) => glob === '*' && (read || !use.read) && (write || !use.write));
  }
}
