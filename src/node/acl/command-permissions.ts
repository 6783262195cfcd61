/**
 * Which commands a selector allows, and the rules as they were given: `+get -config +config|get +@read select|0`.
 *
 * Permissions are a set of commands for asking and a list of rules for showing; rules that a later one makes void are left out of the
 * list [redis acl.c ACLUpdateCommandRules]. Border: keys and channels are `selector.ts`.
 */

import { categoriesOf, isCategory } from '../commands/command-info.ts';
import type { Command } from '../commands/command.ts';
import type { CommandTable } from '../commands/table.ts';
import { FITS, wrong, type RuleOutcome } from './rule-problem.ts';

/** Container and subcommands, for every command of a table by category: asked at each `+@category`. */
const byCategory = new WeakMap<CommandTable, ReadonlyMap<string, readonly Command[]>>();

function commandsOfCategory(table: CommandTable, category: string): readonly Command[] {
  let found = byCategory.get(table);
  if (found === undefined) {
    const lists = new Map<string, Command[]>();
    for (const command of table.everything()) {
      for (const each of categoriesOf(command)) {
        const list = lists.get(each);
        if (list === undefined) lists.set(each, [command]);
        else list.push(command);
      }
    }
    byCategory.set(table, (found = lists));
  }
  return found.get(category) ?? [];
}

export class CommandPermissions {
  readonly #table: CommandTable;
  #allowed = new Set<Command>();
  /** Nothing was ever taken away from `+@all`: commands nobody has thought of are allowed too. */
  allowsAll = false;
  /** `+select|0`: a command that has no subcommands is allowed with this first argument. */
  readonly #firstArguments = new Map<Command, Set<string>>();
  #startsFromAll = false;
  #rules: readonly string[] = [];

  constructor(table: CommandTable) {
    this.#table = table;
  }

  copy(): CommandPermissions {
    const copy = new CommandPermissions(this.#table);
    copy.#allowed = new Set(this.#allowed);
    for (const [command, values] of this.#firstArguments) copy.#firstArguments.set(command, new Set(values));
    copy.allowsAll = this.allowsAll;
    copy.#startsFromAll = this.#startsFromAll;
    copy.#rules = this.#rules;
    return copy;
  }

  /** `+@all -config +config|get` */
  get text(): string {
    return [this.#startsFromAll ? '+@all' : '-@all', ...this.#rules].join(' ');
  }

  allows(command: Command, words: readonly string[]): boolean {
    if (this.allowsAll || this.#allowed.has(command)) return true;
    const firstArguments = this.#firstArguments.get(command);
    if (firstArguments === undefined) return false;
    const at = command.name.includes(' ') ? 2 : 1;
    return words.length > at && firstArguments.has(words[at]!.toLowerCase());
  }

  setAll(allowed: boolean): void {
    this.#allowed = new Set(allowed ? this.#table.everything() : []);
    this.#firstArguments.clear();
    this.allowsAll = this.#startsFromAll = allowed;
    this.#rules = [];
  }

  /** `+…` or `-…`. */
  apply(rule: string): RuleOutcome {
    const allowed = rule.startsWith('+');
    const name = rule.slice(1);
    if (name.startsWith('@')) return this.#setCategory(name.slice(1), allowed);
    const bar = name.lastIndexOf('|');
    if (allowed && bar >= 0) return this.#allowPart(name, name.slice(0, bar), name.slice(bar + 1));
    const command = this.#table.findByFullName(name);
    if (command === undefined) return wrong('unknown');
    this.#set(command, allowed);
    this.#note(command.fullName, allowed);
    return FITS;
  }

  #allowPart(name: string, container: string, part: string): RuleOutcome {
    const command = this.#table.findByFullName(container);
    if (command === undefined) return wrong('unknown');
    if (command.name.includes(' ')) return wrong('first-argument');
    if (part === '') return wrong('syntax');
    if (command.subcommands === null) {
      let values = this.#firstArguments.get(command);
      if (values === undefined) this.#firstArguments.set(command, (values = new Set()));
      values.add(part.toLowerCase());
    } else {
      const found = this.#table.findByFullName(name);
      if (found === undefined) return wrong('unknown');
      this.#set(found, true);
    }
    this.#note(name, true);
    return FITS;
  }

  #setCategory(category: string, allowed: boolean): RuleOutcome {
    const name = category.toLowerCase();
    if (name === 'all') {
      this.setAll(allowed);
      return FITS;
    }
    if (!isCategory(name)) return wrong('unknown');
    this.#note(`@${name}`, allowed);
    for (const command of commandsOfCategory(this.#table, name)) this.#set(command, allowed);
    return FITS;
  }

  /** With a container all its subcommands [redis acl.c ACLChangeSelectorPerm]. */
  #set(command: Command, allowed: boolean): void {
    this.#firstArguments.delete(command);
    for (const each of [command, ...(command.subcommands?.values() ?? [])]) {
      if (allowed) this.#allowed.add(each);
      else {
        this.#allowed.delete(each);
        this.allowsAll = false;
      }
    }
  }

  #note(name: string, allowed: boolean): void {
    const lower = name.toLowerCase();
    const kept = this.#rules.filter((rule) => rule.slice(1) !== lower && !rule.startsWith(`${lower}|`, 1));
    this.#rules = [...kept, `${allowed ? '+' : '-'}${lower}`];
  }
}
