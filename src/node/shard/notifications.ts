/**
 * Keyspace notifications: what happens to keys is published on `__keyspace@db__:key` and `__keyevent@db__:event`. [redis notify.c]
 *
 * The keyspace says which keys a command changed; which events that is, `notification-events.ts` says. They are published when the
 * command has ended, a transaction's after each of its commands. Nothing is kept while nobody has turned them on.
 * Border: whether a trimmed stream says so when XADD trimmed it is not known here, so only `xadd` is said.
 */

import { Refusal } from '../../resp/refusals.ts';
import type { Command } from '../commands/command.ts';
import { keyPositionsOf } from '../commands/key-uses.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { notificationLetters } from './notification-classes.ts';
import { EVENT_RULES } from './notification-events.ts';
import type { Subscriptions } from './subscriptions.ts';

interface Touched {
  readonly keyspace: Keyspace;
  readonly key: string;
}

const nameOf = ({ index }: Keyspace, key: string): string => `${index}:${key}`;

export class Notifications {
  /** False: nothing need be told. */
  isOn = false;
  readonly #subscriptions: Subscriptions;
  #letters: ReadonlySet<string> = new Set();
  /** By `nameOf`, in the order in which they were changed. */
  readonly #touched = new Map<string, Touched>();
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
    this.#touched.clear();
    this.#missing.clear();
    if (!this.#letters.has('n') || !command.isWrite) return;
    for (const key of missingKeys(keyspace, command, words)) this.#missing.add(key);
  }

  touched(keyspace: Keyspace, key: string): void {
    const name = nameOf(keyspace, key);
    if (!this.#touched.has(name)) this.#touched.set(name, { keyspace, key });
  }

  missed(keyspace: Keyspace, key: string): void {
    this.#publish(keyspace, key, 'm', 'keymiss');
  }

  expired(keyspace: Keyspace, key: string): void {
    this.#forget(keyspace, key);
    this.#publish(keyspace, key, 'x', 'expired');
  }

  fieldsExpired(keyspace: Keyspace, key: string, isLast: boolean): void {
    this.#forget(keyspace, key);
    this.#publish(keyspace, key, 'h', 'hexpired');
    if (isLast) this.#publish(keyspace, key, 'g', 'del');
  }

  /** What a command says by itself, since its words do not tell what came of them. */
  told(keyspace: Keyspace, key: string, letter: string, event: string): void {
    if (this.isOn) this.#publish(keyspace, key, letter, event);
  }

  evicted(keyspace: Keyspace, key: string): void {
    this.#forget(keyspace, key);
    this.#publish(keyspace, key, 'e', 'evicted');
  }

  /** The command has ended: publishes what its changes were. */
  end(keyspace: Keyspace, command: Command, words: readonly string[]): void {
    if (this.#touched.size === 0) return;
    const touched = new Map(this.#touched);
    this.#touched.clear();
    const rule = EVENT_RULES[command.name];
    if (rule === undefined) return;
    const ordered = rule.keys?.(words).flatMap((key, role) => {
      const found = touched.get(nameOf(keyspace, key));
      return found === undefined ? [] : { ...found, role };
    });
    const changes = ordered ?? Array.from(touched.values(), (one) => ({ ...one, role: 0 }));
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
    this.#touched.delete(nameOf(keyspace, key));
  }

  #publish(keyspace: Keyspace, key: string, letter: string, event: string): void {
    if (!this.#letters.has(letter)) return;
    const { index } = keyspace;
    if (this.#letters.has('K')) this.#subscriptions.publish(`__keyspace@${index}__:${key}`, event);
    if (this.#letters.has('E')) this.#subscriptions.publish(`__keyevent@${index}__:${event}`, key);
  }
}

function missingKeys(keyspace: Keyspace, command: Command, words: readonly string[]): string[] {
  const positions = keyPositionsOf(command, words);
  return positions instanceof Refusal ? [] : positions.map((at) => words[at]!).filter((key) => !keyspace.has(key));
}
