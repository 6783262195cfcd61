/** Which channels a selector may publish to and subscribe to: `&pattern`. [redis acl.c ACLCheckChannelAgainstList] */

import { matchesGlob } from '../keyspace/glob.ts';
import { FITS, hasSpaces, wrong, type RuleOutcome } from './rule-problem.ts';

export class ChannelPatterns {
  allowsAll = false;
  #globs: readonly string[] = [];

  copy(): ChannelPatterns {
    const copy = new ChannelPatterns();
    copy.allowsAll = this.allowsAll;
    copy.#globs = this.#globs;
    return copy;
  }

  get texts(): readonly string[] {
    return this.allowsAll ? ['&*'] : this.#globs.map((glob) => `&${glob}`);
  }

  setAll(allowed: boolean): void {
    this.allowsAll = allowed;
    this.#globs = [];
  }

  /** `&pattern` */
  add(rule: string): RuleOutcome {
    if (this.allowsAll) return wrong('all-channels');
    const glob = rule.slice(1);
    if (hasSpaces(glob)) return wrong('syntax');
    if (!this.#globs.includes(glob)) this.#globs = [...this.#globs, glob];
    return FITS;
  }

  /** A pattern somebody subscribes to must be allowed to the letter: what it will match is not known. */
  allows(channel: string, isPattern: boolean): boolean {
    if (this.allowsAll) return true;
    return this.#globs.some((glob) => (isPattern ? glob === channel : matchesGlob(glob, channel)));
  }
}
