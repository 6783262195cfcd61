/**
 * A user: switched on or off, passwords, and one or more selectors of which any may let a request pass. [redis acl.c ACLSetUser]
 *
 * Changed by words as ACL SETUSER takes them. Whoever changes a user changes a `copy` and makes the user `become` it, so that a bad word
 * leaves everything as it was and sessions keep their user. A user who may do everything costs one look at a boolean for each request.
 */

import type { Command } from '../commands/command.ts';
import type { CommandTable } from '../commands/table.ts';
import type { KeyUse } from './key-patterns.ts';
import { isPasswordHash, passwordHash } from './password.ts';
import { RequestAccess } from './request-access.ts';
import { FITS, wrong, type RuleOutcome } from './rule-problem.ts';
import { DENIALS, Selector, type Denial } from './selector.ts';
import { splitWords } from './words.ts';

export class User {
  readonly name: string;
  readonly #table: CommandTable;
  readonly #allChannels: () => boolean;
  enabled = false;
  /** Any password lets it in. */
  noPassword = false;
  sanitizesPayload = true;
  passwordHashes: readonly string[] = [];
  /** The first is the user's own; the others came in parentheses. */
  #selectors: readonly [Selector, ...Selector[]];
  /** Every command on every key and channel. */
  allowsEverything = false;

  /** May nothing; `allChannels`, asked again at a reset and for a new selector: except publish and subscribe anywhere [redis acl-pubsub-default]. */
  constructor(name: string, table: CommandTable, allChannels = () => false) {
    this.name = name;
    this.#table = table;
    this.#allChannels = allChannels;
    this.#selectors = [this.#newSelector()];
  }

  get selectors(): readonly [Selector, ...Selector[]] {
    return this.#selectors;
  }

  copy(): User {
    const copy = new User(this.name, this.#table, this.#allChannels);
    copy.become(this);
    return copy;
  }

  become(other: User): void {
    this.enabled = other.enabled;
    this.noPassword = other.noPassword;
    this.sanitizesPayload = other.sanitizesPayload;
    this.passwordHashes = other.passwordHashes;
    const [own, ...more] = other.#selectors;
    this.#selectors = [own.copy(this.#table), ...more.map((each) => each.copy(this.#table))];
    this.#look();
  }

  takesPassword(password: string): boolean {
    return this.enabled && (this.noPassword || this.passwordHashes.includes(passwordHash(password)));
  }

  /** `on nopass sanitize-payload` [redis acl.c ACLUserFlags] */
  get flagTexts(): readonly string[] {
    return [
      this.enabled ? 'on' : 'off',
      ...(this.noPassword ? ['nopass'] : []),
      this.sanitizesPayload ? 'sanitize-payload' : 'skip-sanitize-payload',
    ];
  }

  /** As ACL LIST and files say it: the words that make this user from nothing. */
  get text(): string {
    return [...this.flagTexts, ...this.passwordHashes.map((each) => `#${each}`), this.rulesText].join(' ');
  }

  /** Of these words, those that say what the user may do. */
  get rulesText(): string {
    const [own, ...more] = this.#selectors;
    return [own.text, ...more.map((each) => `(${each.text})`)].join(' ');
  }

  /** One word, or a selector in parentheses as one. */
  apply(modifier: string): RuleOutcome {
    const outcome = this.#apply(modifier);
    this.#look();
    return outcome;
  }

  #apply(modifier: string): RuleOutcome {
    switch (modifier.toLowerCase()) {
      case 'on':
        this.enabled = true;
        return FITS;
      case 'off':
        this.enabled = false;
        return FITS;
      case 'nopass':
        this.noPassword = true;
        this.passwordHashes = [];
        return FITS;
      case 'resetpass':
        this.noPassword = false;
        this.passwordHashes = [];
        return FITS;
      case 'sanitize-payload':
        this.sanitizesPayload = true;
        return FITS;
      case 'skip-sanitize-payload':
        this.sanitizesPayload = false;
        return FITS;
      case 'clearselectors':
        this.#selectors = [this.#selectors[0]];
        return FITS;
      case 'reset':
        this.become(new User(this.name, this.#table, this.#allChannels));
        return FITS;
    }
    const rest = modifier.slice(1);
    switch (modifier[0]) {
      case '>':
        return this.#addPassword(passwordHash(rest));
      case '#':
        return isPasswordHash(rest) ? this.#addPassword(rest) : wrong('hash');
      case '<':
        return this.#removePassword(passwordHash(rest));
      case '!':
        return isPasswordHash(rest) ? this.#removePassword(rest) : wrong('hash');
      case '(':
        if (modifier.endsWith(')')) return this.#addSelector(modifier.slice(1, -1));
        break;
      case undefined:
      default:
        break;
    }
    return this.#selectors[0].apply(modifier);
  }

  /** Null: it passes. */
  check(command: Command, words: readonly string[]): Denial | null {
    if (this.allowsEverything) return null;
    const access = new RequestAccess(command, words);
    let worst: Denial | null = null;
    for (const selector of this.#selectors) {
      const denial = selector.check(access);
      if (denial === null) return null;
      // The selector that came furthest tells the reason
      if (worst === null || isFurther(denial, worst)) worst = denial;
    }
    return worst;
  }

  allowsOnEveryKey(command: Command, words: readonly string[], use: KeyUse): boolean {
    return this.allowsEverything || this.#selectors.some((each) => each.allowsOnEveryKey(command, words, use));
  }

  allowsChannel(channel: string, isPattern: boolean): boolean {
    return this.#selectors.some((each) => each.allowsChannel(channel, isPattern));
  }

  #addPassword(hash: string): RuleOutcome {
    if (!this.passwordHashes.includes(hash)) this.passwordHashes = [...this.passwordHashes, hash];
    this.noPassword = false;
    return FITS;
  }

  #removePassword(hash: string): RuleOutcome {
    if (!this.passwordHashes.includes(hash)) return wrong('no-such-password');
    this.passwordHashes = this.passwordHashes.filter((each) => each !== hash);
    return FITS;
  }

  #addSelector(rules: string): RuleOutcome {
    const selector = this.#newSelector();
    const words = splitWords(rules);
    if (words === null) return wrong('syntax');
    for (const rule of words) {
      const outcome = selector.apply(rule);
      if (!outcome.ok) return outcome;
    }
    this.#selectors = [...this.#selectors, selector];
    return FITS;
  }

  #newSelector(): Selector {
    const selector = new Selector(this.#table);
    if (this.#allChannels()) selector.apply('allchannels');
    return selector;
  }

  #look(): void {
    this.allowsEverything = this.#selectors.some((each) => each.allowsEverything);
  }
}

const isFurther = (one: Denial, other: Denial): boolean => {
  const [first, second] = [DENIALS.indexOf(one.reason), DENIALS.indexOf(other.reason)];
  return first > second || (first === second && one.at > other.at);
};
