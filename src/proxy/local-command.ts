/**
 * What a local command is, and the client as it sees it. Border: the commands are `local-commands.ts` and
 * `client-commands.ts`; `client-session.ts` is the client.
 */

import { isClientAttribute } from '../node/commands/client.ts';
import { refuse } from '../resp/refusals.ts';
import type { Protocol, Reply } from '../resp/reply.ts';
import type { Address, Milliseconds } from '../world/world.ts';
import type { Account } from './authentication.ts';
import type { EndpointSettings } from './endpoint-settings.ts';

/** CLIENT REPLY. `skip`: the next request gets no reply. */
export type ReplyMode = 'on' | 'off' | 'skip';

/** A client as local commands see it. */
export interface LocalClient {
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  readonly connectedAtMs: Milliseconds;
  readonly lastActiveMs: Milliseconds;
  readonly lastCommand: string;
  readonly subscriptions: { readonly channels: number; readonly patterns: number; readonly shardChannels: number };
  /** Requests queued by MULTI; -1 outside. */
  readonly queued: number;
  readonly watched: number;
  readonly settings: EndpointSettings;
  account: Account | null;
  name: string;
  libraryName: string;
  libraryVersion: string;
  noTouch: boolean;
  replyMode: ReplyMode;
  readonly protocol: Protocol;
  /** False: it cannot change now (the client has a connection of its own to a shard). */
  setProtocol(protocol: Protocol): boolean;
  now(): Milliseconds;
  /** Every client of the endpoint. */
  peers(): Iterable<LocalClient>;
  /** Ends the connection, after what is pending has been answered when it is the caller's own. */
  disconnect(): void;
}

export interface LocalCommand {
  readonly name: string;
  /** As Redis counts: exact when positive, at least when negative. */
  readonly arity: number;
  /** Allowed before AUTH. */
  readonly unauthenticated?: boolean;
  run(client: LocalClient, words: readonly string[]): Reply;
}

/** Names of ours become part of CLIENT LIST lines. */
export function requirePlainName(what: string, name: string): void {
  if (!isClientAttribute(name)) throw refuse('CLIENT_ATTRIBUTE', what);
}
