/**
 * A plan for every name a client may say, made once per command table from the command's declaration, the local commands,
 * the session's steps and the blocked ones; the later override the earlier. Pure. Border: `route.ts` reads plans.
 */

import type { Command } from '../node/commands/command.ts';
import type { CommandTable } from '../node/commands/table.ts';
import { refuse, type Refusal } from '../resp/refusals.ts';
import { BLOCKED_COMMANDS, CONFIG_PARAMETERS } from './blocked-commands.ts';
import type { RouteContext } from './route-context.ts';
import type { LocalCommand } from './local-command.ts';
import { localCommands } from './local-commands.ts';
import { filteredPairs, firstFailureOr, onlyShard, SPLIT_BY_KEY, wholeDatabaseFold, type Fold } from './scatter.ts';

/** Messages have no slot: publishers and subscribers meet at the first shard. */
export const PUBSUB_SHARD = 0;

/** Commands that change how the session goes on. */
export type SessionStep =
  | 'MULTI'
  | 'EXEC'
  | 'DISCARD'
  | 'WATCH'
  | 'UNWATCH'
  | 'QUIT'
  | 'SUBSCRIBE'
  | 'UNSUBSCRIBE'
  | 'PSUBSCRIBE'
  | 'PUNSUBSCRIBE'
  | 'SSUBSCRIBE'
  | 'SUNSUBSCRIBE'
  | 'ANTIPODE PIN'
  | 'REPLICATION';

/** Step to its arity as Redis counts it. */
const STEPS: Readonly<Record<Exclude<SessionStep, 'REPLICATION'>, number>> = {
  MULTI: 1,
  EXEC: 1,
  DISCARD: 1,
  WATCH: -2,
  UNWATCH: 1,
  QUIT: -1,
  SUBSCRIBE: -2,
  UNSUBSCRIBE: -1,
  PSUBSCRIBE: -2,
  PUNSUBSCRIBE: -1,
  SSUBSCRIBE: -2,
  SUNSUBSCRIBE: -1,
  'ANTIPODE PIN': -3,
};

/** With these `admin` turns its connection into a replication link. */
const REPLICATION_STEPS: ReadonlySet<string> = new Set(['REPLCONF', 'PSYNC', 'SYNC']);
const ADMIN_ONLY: ReadonlySet<string> = new Set(BLOCKED_COMMANDS.replication);
/** Groups whose commands concern a connection: passed on over a shared one they would concern everybody. */
const OF_A_CONNECTION: ReadonlySet<string> = new Set(['connection', 'transactions']);
/** Of these groups, harmless all the same. */
const HARMLESS: ReadonlySet<string> = new Set(['COMMAND']);
/** Scripts may write whatever their flags say. */
/** They wait, though Redis does not flag it. */
const WAITING: ReadonlySet<string> = new Set(['WAIT', 'WAITAOF']);
/** Behind that script, on the connection that all share, they would come too late. */
const ABOUT_RUNNING_SCRIPT: ReadonlySet<string> = new Set(['SCRIPT KILL', 'FUNCTION KILL', 'FUNCTION STATS']);
const SCRIPTS: ReadonlySet<string> = new Set(['EVAL', 'EVALSHA', 'FCALL']);

/** What is to be done with a request of that name. */
export type Plan =
  | {
      readonly kind: 'keys';
      readonly command: Command;
      readonly keyAt: number;
      readonly blocking: boolean;
      readonly writes: boolean;
    }
  | { readonly kind: 'split'; readonly command: Command; readonly step: number }
  | { readonly kind: 'whole'; readonly command: Command; readonly fold: Fold; readonly blocking: boolean }
  | { readonly kind: 'scan'; readonly command: Command }
  | { readonly kind: 'config'; readonly command: Command; readonly sets: boolean; readonly fold: Fold }
  /** `declared`: as a shard knows it, for those who may not do everything. */
  | { readonly kind: 'proxy'; readonly local: LocalCommand; readonly declared: Command | undefined }
  | {
      readonly kind: 'step';
      readonly step: SessionStep;
      readonly arity: number;
      readonly name: string;
      readonly declared: Command | undefined;
    }
  | { readonly kind: 'pinned-only'; readonly command: Command }
  | { readonly kind: 'blocked'; readonly admin: Plan | null }
  | { readonly kind: 'container'; readonly own: Plan | null; readonly parts: Map<string, Plan> };

/** Instead of the place of a key: there is none; the declaration must be asked for each request. */
export const NO_KEY = -1;
export const ASK_DECLARATION = 0;

export class PlanBook {
  readonly commands: CommandTable;
  readonly #plans = new Map<string, Plan>();

  constructor(commands: CommandTable) {
    this.commands = commands;
    for (const command of commands.all) {
      if (command.subcommands === null || command.arity === -1) this.#add(command.name, planOf(command));
      for (const part of command.subcommands?.values() ?? []) this.#add(part.name, planOf(part));
    }
    for (const local of localCommands)
      this.#add(local.name, { kind: 'proxy', local, declared: this.#declared(local.name) });
    for (const [step, arity] of Object.entries(STEPS)) {
      const name = step.toLowerCase().replace(' ', '|');
      this.#add(step, { kind: 'step', step: step as SessionStep, arity, name, declared: this.#declared(step) });
    }
    for (const name of Object.values(BLOCKED_COMMANDS).flat()) this.#block(name);
    for (const [name, plan] of Array.from(this.#plans)) this.#plans.set(name.toLowerCase(), plan);
  }

  /** Names (with subcommands) that have a plan, in capitals: for tests that walk them. */
  names(): string[] {
    const names: string[] = [];
    for (const [name, plan] of this.#plans) {
      if (name !== name.toUpperCase()) continue;
      if (plan.kind !== 'container') names.push(name);
      else names.push(...[...plan.parts.keys()].map((part) => `${name} ${part}`));
    }
    return names;
  }

  /** Null: the client may not use it, `refusal` says why. */
  find(words: readonly string[], { account }: RouteContext): Plan | null {
    const name = words[0]!;
    let plan = this.#plans.get(name) ?? this.#plans.get(name.toUpperCase());
    if (plan?.kind === 'container')
      plan = words.length > 1 ? plan.parts.get(words[1]!.toUpperCase()) : (plan.own ?? plan);
    if (plan?.kind === 'blocked') return account?.isAdmin === true ? plan.admin : null;
    return plan ?? null;
  }

  /** As the table would refuse it, or as a command that does not exist. */
  refusal(words: readonly string[]): Refusal {
    const plan = this.#plans.get(words[0]!.toUpperCase());
    const isBlocked =
      plan === undefined ||
      plan.kind !== 'container' ||
      plan.parts.get((words[1] ?? '').toUpperCase())?.kind === 'blocked';
    if (isBlocked) return refuse('UNKNOWN_COMMAND', words[0]!, words);
    if (words.length < 2) return refuse('ARITY', words[0]!);
    const known = plan.parts.get(words[1]!.toUpperCase());
    if (known?.kind === 'pinned-only') {
      return refuse('ERR', `${known.command.name} concerns one shard: choose it first with ANTIPODE PIN <index>`);
    }
    return refuse('UNKNOWN_SUBCOMMAND', words[0]!, words[1]!);
  }

  #declared(name: string): Command | undefined {
    const [container, part] = name.split(' ');
    const found = this.commands.find(container!);
    return part === undefined ? found : found?.subcommands?.get(part);
  }

  #add(name: string, plan: Plan): void {
    const [container, part] = name.split(' ');
    if (part === undefined) {
      this.#plans.set(name, plan);
      return;
    }
    let holder = this.#plans.get(container!);
    if (holder?.kind !== 'container') {
      // COMMAND is a command by itself too.
      holder = { kind: 'container', own: holder ?? null, parts: new Map() };
      this.#plans.set(container!, holder);
    }
    holder.parts.set(part, plan);
  }

  #block(name: string): void {
    let admin: Plan | null = null;
    if (REPLICATION_STEPS.has(name)) {
      admin = { kind: 'step', step: 'REPLICATION', arity: -1, name: name.toLowerCase(), declared: undefined };
    } else if (name === 'DEBUG') {
      // A database of one shard can be compared by its digest
      const command = this.#declared(name);
      admin = command === undefined ? null : { kind: 'whole', command, fold: onlyShard, blocking: false };
    } else if (ADMIN_ONLY.has(name)) {
      const command = this.#declared(name);
      admin = command === undefined ? null : planOf(command);
    }
    this.#add(name, { kind: 'blocked', admin });
  }
}

function planOf(command: Command): Plan {
  const { name } = command;
  if (name === 'SCAN') return { kind: 'scan', command };
  const step = SPLIT_BY_KEY.get(name);
  if (step !== undefined) return { kind: 'split', command, step };
  if (name === 'CONFIG GET')
    return { kind: 'config', command, sets: false, fold: filteredPairs((each) => CONFIG_PARAMETERS.has(each)) };
  if (name === 'CONFIG SET') return { kind: 'config', command, sets: true, fold: firstFailureOr };
  if (name.startsWith('ANTIPODE ')) return { kind: 'pinned-only', command };
  // What takes a connection over, or changes it, must not reach a shared one; steps and local commands override this.
  if (OF_A_CONNECTION.has(command.group) && !HARMLESS.has(name.split(' ')[0]!)) return { kind: 'blocked', admin: null };
  if (name === 'MONITOR') return { kind: 'blocked', admin: null };
  const blocking = command.flags.has('blocking') || WAITING.has(name) || ABOUT_RUNNING_SCRIPT.has(name);
  const writes = command.isWrite || SCRIPTS.has(name);
  if (command.group === 'pubsub') return { kind: 'keys', command, keyAt: NO_KEY, blocking: false, writes: false };
  const fold = wholeDatabaseFold(command);
  if (fold !== null) return { kind: 'whole', command, fold, blocking };
  return { kind: 'keys', command, keyAt: keyAtOf(command), blocking, writes };
}

/** Most commands have one key at a fixed place: then nothing needs to be asked for each request. */
function keyAtOf(command: Command): number {
  const [spec] = command.keySpecs;
  if (command.keySpecs.length !== 1 || spec === undefined || !('index' in spec.begin)) return ASK_DECLARATION;
  const { find } = spec;
  return find.kind === 'range' && find.last === 0 && !command.flags.has('movablekeys')
    ? spec.begin.index
    : ASK_DECLARATION;
}
