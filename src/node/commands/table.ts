/**
 * All commands of a shard, looked up by name. A shard is given its table as a value, so that higher layers (replication)
 * add commands of their own without this folder knowing.
 */

import assert from 'node:assert';
import type { Command } from './command.ts';
import { refuse } from '../../resp/refusals.ts';

export class CommandTable {
  readonly #byName = new Map<string, Command>();
  readonly all: readonly Command[];
  /** With every command under the name it was declared with: rules of an ACL speak of those. */
  readonly declared: CommandTable;

  constructor(commands: readonly Command[], declared?: CommandTable) {
    this.declared = declared ?? this;
    const top: Command[] = [];
    const containers = new Map<string, Map<string, Command>>();
    for (const command of commands) {
      const [container, subcommand] = command.name.split(' ');
      if (subcommand === undefined) top.push(command);
      else {
        let parts = containers.get(container!);
        if (parts === undefined) containers.set(container!, (parts = new Map()));
        assert(!parts.has(subcommand), `${command.name} is declared once`);
        parts.set(subcommand, command);
      }
    }
    for (const [name, subcommands] of containers) {
      const own = top.findIndex((command) => command.name === name);
      if (own < 0) top.push(makeContainer(name, subcommands));
      else top[own] = { ...top[own]!, subcommands }; // COMMAND is one by itself too
    }
    for (const command of top) {
      assert(!this.#byName.has(command.name), `${command.name} is declared once`);
      this.#byName.set(command.name, command);
      this.#byName.set(command.name.toLowerCase(), command);
    }
    this.all = top.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The command (or container) with that name in any case. */
  find(name: string): Command | undefined {
    return this.#byName.get(name) ?? this.#byName.get(name.toUpperCase());
  }

  /** The same table where a command has another name, or none (''). It knows itself by its first one still. [redis config.c rename-command] */
  renamed(from: string, to: string): CommandTable | 'unknown' | 'taken' {
    const command = this.find(from);
    if (command === undefined) return 'unknown';
    const isTaken = to !== '' && to.toUpperCase() !== from.toUpperCase() && this.find(to) !== undefined;
    if (isTaken) return 'taken';
    const table = new CommandTable(to === '' ? this.all.filter((each) => each !== command) : this.all, this.declared);
    table.#byName.clear();
    for (const [name, each] of this.#byName) if (each !== command) table.#byName.set(name, each);
    if (to !== '') for (const name of [to.toUpperCase(), to.toLowerCase()]) table.#byName.set(name, command);
    return table;
  }

  /** Commands and subcommands, containers included. */
  everything(): Command[] {
    return this.all.flatMap((command) => [command, ...(command.subcommands?.values() ?? [])]);
  }

  /** `GET`, `config|get`, in any case. */
  findByFullName(fullName: string): Command | undefined {
    const [name, subcommand, ...more] = fullName.split('|');
    const command = more.length > 0 ? undefined : this.find(name!);
    return subcommand === undefined ? command : command?.subcommands?.get(subcommand.toUpperCase());
  }

  /** The command these words ask for; undefined: there is none. */
  findRequested(words: readonly string[]): Command | undefined {
    const command = this.find(words[0]!);
    if (command === undefined || command.subcommands === null || words.length < 2) return command;
    return command.subcommands.get(words[1]!.toUpperCase());
  }

  /** The command that will run for these words: a container's subcommand where there is one. Throws the refusal Redis gives. */
  resolve(words: readonly string[]): Command {
    const name = words[0]!;
    const command = this.#byName.get(name) ?? this.#byName.get(name.toUpperCase());
    if (command === undefined) throw refuse('UNKNOWN_COMMAND', name, words);
    if (command.subcommands === null || words.length < 2) return command;
    const subcommand = command.subcommands.get(words[1]!.toUpperCase());
    if (subcommand === undefined) throw refuse('UNKNOWN_SUBCOMMAND', name, words[1]!);
    return subcommand;
  }
}

/** True when the number of words satisfies the arity: exact when positive, at least when negative. */
export const arityHolds = (command: Command, words: readonly string[]): boolean =>
  command.arity >= 0 ? words.length === command.arity : words.length >= -command.arity;

/** Of versions. Without the locale's collation: to load that takes tens of milliseconds of every start. */
const isEarlier = (a: string, b: string): boolean => {
  const others = b.split('.').map(Number);
  for (const [at, part] of a.split('.').map(Number).entries()) {
    if (part !== (others[at] ?? 0)) return part < (others[at] ?? 0);
  }
  return false;
};

function makeContainer(name: string, subcommands: ReadonlyMap<string, Command>): Command {
  const parts = [...subcommands.values()];
  const first = parts[0]!;
  return {
    ...first,
    since: parts.map(({ since }) => since).reduce((a, b) => (isEarlier(b, a) ? b : a)),
    name,
    fullName: name.toLowerCase(),
    summary: `A container for ${first.group} commands.`,
    complexity: 'Depends on subcommand.',
    flags: new Set(),
    categories: [],
    arity: -2,
    keySpecs: [],
    keyFlags: undefined,
    channels: undefined,
    reachesBy: undefined,
    tips: {},
    docs: [],
    subcommands,
    isWrite: false,
    isRead: false,
    quick: undefined,
    deprecated: undefined,
    isForServers: false,
    keyPositions: () => [],
    run: () => {
      throw refuse('ARITY', name);
    },
  };
}
