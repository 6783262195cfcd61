/**
 * One set of permissions: commands, keys and channels together. A request passes when all three allow it.
 * [redis acl.c ACLSelectorCheckCmd, ACLSetSelector]
 */

import type { Command } from '../commands/command.ts';
import type { CommandTable } from '../commands/table.ts';
import { ChannelPatterns } from './channel-patterns.ts';
import { CommandPermissions } from './command-permissions.ts';
import { KeyPatterns, type KeyUse } from './key-patterns.ts';
import type { RequestAccess } from './request-access.ts';
import { FITS, wrong, type RuleOutcome } from './rule-problem.ts';

/** In the order in which the worse one is told. */
export const DENIALS = ['command', 'key', 'channel'] as const;

/** Why a request does not pass. */
export interface Denial {
  readonly reason: (typeof DENIALS)[number];
  /** Position of the key or channel among the words; of a command 0. */
  readonly at: number;
}

export class Selector {
  #commands: CommandPermissions;
  #keys = new KeyPatterns();
  #channels = new ChannelPatterns();

  /** Allows nothing. */
  constructor(table: CommandTable) {
    this.#commands = new CommandPermissions(table);
  }

  copy(table: CommandTable): Selector {
    const copy = new Selector(table);
    copy.#commands = this.#commands.copy();
    copy.#keys = this.#keys.copy();
    copy.#channels = this.#channels.copy();
    return copy;
  }

  get allowsEverything(): boolean {
    return this.#commands.allowsAll && this.#keys.allowsAll && this.#channels.allowsAll;
  }

  get commandText(): string {
    return this.#commands.text;
  }

  get keyTexts(): readonly string[] {
    return this.#keys.texts;
  }

  get channelTexts(): readonly string[] {
    return this.#channels.texts;
  }

  /** As a rule that would make it. */
  get text(): string {
    const channels = this.#channels.allowsAll ? ['&*'] : ['resetchannels', ...this.#channels.texts];
    return [...this.#keys.texts, ...channels, this.#commands.text].join(' ');
  }

  apply(rule: string): RuleOutcome {
    switch (rule.toLowerCase()) {
      case 'allkeys':
      case '~*':
        this.#keys.setAll(true);
        return FITS;
      case 'resetkeys':
        this.#keys.setAll(false);
        return FITS;
      case 'allchannels':
      case '&*':
        this.#channels.setAll(true);
        return FITS;
      case 'resetchannels':
        this.#channels.setAll(false);
        return FITS;
      case 'allcommands':
        this.#commands.setAll(true);
        return FITS;
      case 'nocommands':
        this.#commands.setAll(false);
        return FITS;
    }
    if (/^[~%]/.test(rule)) return this.#keys.add(rule);
    if (rule.startsWith('&')) return this.#channels.add(rule);
    if (/^[+-]/.test(rule)) return this.#commands.apply(rule);
    return wrong('syntax');
  }

  check(access: RequestAccess): Denial | null {
    const { command, words } = access;
    if (!command.flags.has('no_auth') && !this.#commands.allows(command, words)) return { reason: 'command', at: 0 };
    if (!this.#keys.allowsAll && command.keySpecs.length > 0) {
      const denied = access.keys.find(({ key, use }) => !this.#keys.allows(key, use));
      if (denied !== undefined) return { reason: 'key', at: denied.at };
    }
    if (!this.#channels.allowsAll && command.channels !== undefined) {
      const denied = access.channels.find(({ channel, isPattern }) => !this.#channels.allows(channel, isPattern));
      if (denied !== undefined) return { reason: 'channel', at: denied.at };
    }
    return null;
  }

  /** The command with whatever keys. */
  allowsOnEveryKey(command: Command, words: readonly string[], use: KeyUse): boolean {
    return this.#commands.allows(command, words) && this.#keys.allowsEveryKey(use);
  }

  allowsChannel(channel: string, isPattern: boolean): boolean {
    return this.#channels.allows(channel, isPattern);
  }
}
