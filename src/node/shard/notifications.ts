/**
 * Keyspace notifications: what happens to keys is published on `__keyspace@db__:key` and `__keyevent@db__:event`. [redis notify.c]
 *
 * The keyspace says which keys a command changed; which events that is, `notification-events.ts` says. They are published when the
 * command has ended, a transaction's after each of its commands. Nothing is kept while nobody has turned them on.
 * Border: whether a trimmed stream says so when XADD trimmed it is not known here, so only `xadd` is said.
 */

import { Refusal } from '../../resp/refusals.ts';
import type { Command } from '../commands/command.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { notificationLetters } from './notification-classes.ts';
import { EVENT_RULES } from './notification-events.ts';
import type { Subscriptions } from './subscriptions.ts';

interface Touched {
  readonly keyspace: Keyspace;
  readonly key: string;
}

export class Notifications {
  /** False: nothing need be told. */
  isOn = false;
  readonly #subscriptions: Subscriptions;
  #letters: ReadonlySet<string> = new Set();
  #touched: Touched[] = [];
  /** Keys of the running command that were not there before it. */
  readonly #missing = new Set<string>();

  constructor(subscriptions: Subscriptions) {
    this.#subscriptions = subscriptions;
  }

  configure(letters: string): void {
    this.#letters = notificationLetters(letters) ?? new Set();
    const isSomewhere = this.#letters.has('K') || this.#letters.has('E');
    this.isOn = isSomewhere && this.#letters.size > 1;
  }

  /** A command is about to run. */
  begin(keyspace: Keyspace, command: Command, words: readonly string[]): void {
    this.#touched = [];
    this.#missing.clear();
    if (!this.#letters.has('n') || !command.isWrite) return;
    for (const key of missingKeys(keyspace, command, words)) this.#missing.add(key);
  }

  touched(keyspace: Keyspace, key: string): void {
    if (!this.#touched.some((each) => each.key === key && each.keyspace === keyspace)) {
      this.#touched.push({ keyspace, key });
    }
  }

  missed(keyspace: Keyspace, key: string): void {
    this.#publish(keyspace, key, 'm', 'keymiss');
  }

  expired(keyspace: Keyspace, key: string): void {
    this.#forget(keyspace, key);
    this.#publish(keyspace, key, 'x', 'expired');
  }

  evicted(keyspace: Keyspace, key: string): void {
    this.#forget(keyspace, key);
    this.#publish(keyspace, key, 'e', 'evicted');
  }

  /** The command has ended: publishes what its changes were. */
  end(keyspace: Keyspace, command: Command, words: readonly string[]): void {
    const touched = this.#touched;
    if (touched.length === 0) return;
    this.#touched = [];
    const rule = EVENT_RULES[command.name];
    if (rule === undefined) return;
    const named = rule.keys?.(words);
    const ordered = named?.flatMap((key, role) =>
      touched.filter((each) => each.key === key).map((each) => ({ ...each, role })),
    );
    const changes = ordered ?? touched.map((one) => ({ ...one, role: 0 }));
    if (rule.remakes === 'first') for (const each of changes) this.#made(each, true);
    for (const each of changes) {
      if (rule.remakes !== 'first') this.#made(each, rule.remakes !== undefined);
      const exists = each.keyspace.values.has(each.key);
      const isOwnDatabase = each.keyspace === keyspace;
      for (const [letter, name] of rule.events({ words, exists, role: each.role, isOwnDatabase })) {
        this.#publish(each.keyspace, each.key, letter, name);
      }
    }
  }

  #made({ keyspace, key }: Touched, always: boolean): void {
    if ((this.#missing.delete(key) || always) && keyspace.values.has(key)) this.#publish(keyspace, key, 'n', 'new');
  }

  #forget(keyspace: Keyspace, key: string): void {
    this.#touched = this.#touched.filter((each) => each.key !== key || each.keyspace !== keyspace);
  }

  #publish(keyspace: Keyspace, key: string, letter: string, event: string): void {
    if (!this.#letters.has(letter)) return;
    const { index } = keyspace;
    if (this.#letters.has('K')) this.#subscriptions.publish(`__keyspace@${index}__:${key}`, event);
    if (this.#letters.has('E')) this.#subscriptions.publish(`__keyevent@${index}__:${event}`, key);
  }
}

function missingKeys(keyspace: Keyspace, command: Command, words: readonly string[]): string[] {
  try {
    const keys = command.keyPositions(words).map((at) => words[at]!);
    return keys.filter((key) => !keyspace.has(key));
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}
