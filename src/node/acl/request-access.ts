/** What a request would touch, found once and only when somebody asks: its keys with what is done to them, its channels. */

import { keyUsesOf } from '../commands/key-uses.ts';
import type { Command } from '../commands/command.ts';
import { keyUseOf, type KeyUse } from './key-patterns.ts';

export interface TouchedKey {
  /** Position among the words. */
  readonly at: number;
  readonly key: string;
  readonly use: KeyUse;
}

export interface TouchedChannel {
  readonly at: number;
  readonly channel: string;
  readonly isPattern: boolean;
}

export class RequestAccess {
  readonly command: Command;
  readonly words: readonly string[];
  #keys: readonly TouchedKey[] | null = null;
  #channels: readonly TouchedChannel[] | null = null;

  constructor(command: Command, words: readonly string[]) {
    this.command = command;
    this.words = words;
  }

  get keys(): readonly TouchedKey[] {
    return (this.#keys ??= keyUsesOf(this.command, this.words).map(({ at, flags }) => ({
      at,
      key: this.words[at]!,
      use: keyUseOf(flags),
    })));
  }

  get channels(): readonly TouchedChannel[] {
    return (this.#channels ??= this.#findChannels());
  }

  #findChannels(): readonly TouchedChannel[] {
    const { channels } = this.command;
    if (channels === undefined || channels.use === 'unsubscribe') return [];
    const last = channels.count === 'one' ? channels.first : this.words.length - 1;
    const found: TouchedChannel[] = [];
    for (let at = channels.first; at <= last && at < this.words.length; at++) {
      found.push({ at, channel: this.words[at]!, isPattern: channels.isPattern });
    }
    return found;
  }
}
