/**
 * Publish and subscribe: channels, patterns, and the shard channels of a cluster. [redis pubsub.c]
 *
 * Confirmations are pushes that take the place of a reply, one for each channel, also inside EXEC.
 */

import { encodeReply, NO_REPLY, Push, Raw, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import type { CommandContext } from '../shard/context.ts';
import type { Session } from '../shard/session.ts';
import type { SubscriptionKind } from '../shard/subscriptions.ts';
import { many, named, optional, pattern, text } from './arguments.ts';
import { defineCommand, type ChannelSpec, type Command, type Flag, type KeySpec } from './command.ts';
import { helpCommand, noMore } from './help.ts';

const MANAGE: readonly Flag[] = ['pubsub', 'noscript', 'loading', 'stale'];
const PUBLISH: readonly Flag[] = ['pubsub', 'loading', 'stale', 'fast', 'may_replicate'];
const LOOK: readonly Flag[] = ['pubsub', 'loading', 'stale'];

/** A shard channel is placed by slot as a key is, and is none. */
const shardChannels = (last: number): readonly KeySpec[] => [
  { flags: ['not_key'], begin: { index: 1 }, find: { kind: 'range', last, step: 1, limit: 0 } },
];

const channels = (use: ChannelSpec['use'], isPattern = false): ChannelSpec => ({
  first: 1,
  count: use === 'publish' ? 'one' : 'rest',
  use,
  isPattern,
});

/** How many subscriptions of this family are left: channels and patterns count together. */
const countOf = ({ subscriptions }: Session, kind: SubscriptionKind): number =>
  kind === 'shard' ? subscriptions.shard.size : subscriptions.channel.size + subscriptions.pattern.size;

/** Sends confirmations even to a client that switched replies off [redis pubsub.c: CLIENT_PUSHING]. */
function confirm(session: Session, confirmations: readonly Push[]): Reply {
  let bytes = '';
  for (const each of confirmations) bytes += encodeReply(each, session.protocol);
  if (session.replies === 'on') return new Raw(bytes);
  session.sendRaw(bytes);
  return NO_REPLY;
}

const subscribe =
  (word: string, kind: SubscriptionKind) =>
  ({ session, shard, mayBlock }: CommandContext, { names }: { names: readonly string[] }): Reply => {
    // Inside EXEC; the older kinds are let through for those who have long relied on it
    if (kind === 'shard' && !mayBlock) throw refuse('DENY_BLOCKING', word);
    return confirm(
      session,
      names.map((name) => {
        shard.subscriptions.add(session, kind, name);
        return new Push([word, name, countOf(session, kind)]);
      }),
    );
  };

const unsubscribe =
  (word: string, kind: SubscriptionKind) =>
  ({ session, shard }: CommandContext, given: { names: readonly string[] }): Reply => {
    const names = given.names.length > 0 ? given.names : [...session.subscriptions[kind]];
    if (names.length === 0) return confirm(session, [new Push([word, null, countOf(session, kind)])]);
    return confirm(
      session,
      names.map((name) => {
        shard.subscriptions.remove(session, kind, name);
        return new Push([word, name, countOf(session, kind)]);
      }),
    );
  };

const publish =
  (kind: 'channel' | 'shard') =>
  (
    context: CommandContext,
    { channel, message }: { channel: string; message: string },
    words: readonly string[],
  ): Reply => {
    context.replicateAs(...words);
    return context.shard.subscriptions.publish(channel, message, kind);
  };

const activeNames =
  (kind: 'channel' | 'shard') =>
  ({ shard }: CommandContext, given: { pattern: string | undefined }): Reply => {
    const names = [...shard.subscriptions.names(kind)];
    return given.pattern === undefined ? names : names.filter((name) => matchesGlob(given.pattern!, name));
  };

const listenerCounts =
  (kind: 'channel' | 'shard') =>
  ({ shard }: CommandContext, { names }: { names: readonly string[] }): Reply =>
    names.flatMap((name) => [name, shard.subscriptions.listeners(kind, name)]);

const wrongArguments = noMore((words) => refuse('SUBCOMMAND_SYNTAX', 'PUBSUB', words[1]!));

export const pubsubCommands: readonly Command[] = [
  defineCommand({
    name: 'SUBSCRIBE',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Listens to channels.',
    complexity: 'O(N) where N is the number of channels to subscribe to.',
    flags: MANAGE,
    channels: channels('subscribe'),
    arguments: { names: many(named('channel', text())) },
    run: subscribe('subscribe', 'channel'),
  }),

  defineCommand({
    name: 'UNSUBSCRIBE',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Stops listening to channels, or to all of them.',
    complexity: 'O(N) where N is the number of channels to unsubscribe.',
    flags: MANAGE,
    channels: channels('unsubscribe'),
    arguments: { names: many(named('channel', text()), { min: 0 }) },
    run: unsubscribe('unsubscribe', 'channel'),
  }),

  defineCommand({
    name: 'PSUBSCRIBE',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Listens to all channels that match the patterns.',
    complexity: 'O(N) where N is the number of patterns to subscribe to.',
    flags: MANAGE,
    channels: channels('subscribe', true),
    arguments: { names: many(named('pattern', pattern())) },
    run: subscribe('psubscribe', 'pattern'),
  }),

  defineCommand({
    name: 'PUNSUBSCRIBE',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Stops listening to patterns, or to all of them.',
    complexity: 'O(N) where N is the number of patterns to unsubscribe.',
    flags: MANAGE,
    channels: channels('unsubscribe', true),
    arguments: { names: many(named('pattern', pattern()), { min: 0 }) },
    run: unsubscribe('punsubscribe', 'pattern'),
  }),

  defineCommand({
    name: 'PUBLISH',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Sends a message to everybody who listens to the channel.',
    complexity: 'O(N+M) where N is the number of listeners of the channel and M the number of patterns.',
    flags: PUBLISH,
    channels: channels('publish'),
    arguments: { channel: text(), message: text() },
    run: publish('channel'),
  }),

  defineCommand({
    name: 'SSUBSCRIBE',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Listens to shard channels.',
    complexity: 'O(N) where N is the number of shard channels to subscribe to.',
    flags: MANAGE,
    keySpecs: shardChannels(-1),
    channels: channels('subscribe'),
    arguments: { names: many(named('shardchannel', text())) },
    run: subscribe('ssubscribe', 'shard'),
  }),

  defineCommand({
    name: 'SUNSUBSCRIBE',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Stops listening to shard channels, or to all of them.',
    complexity: 'O(N) where N is the number of shard channels to unsubscribe.',
    flags: MANAGE,
    keySpecs: shardChannels(-1),
    channels: channels('unsubscribe'),
    arguments: { names: many(named('shardchannel', text()), { min: 0 }) },
    run: unsubscribe('sunsubscribe', 'shard'),
  }),

  defineCommand({
    name: 'SPUBLISH',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Sends a message to everybody who listens to the shard channel.',
    complexity: 'O(N) where N is the number of listeners of the shard channel.',
    flags: PUBLISH,
    keySpecs: shardChannels(0),
    channels: channels('publish'),
    arguments: { channel: named('shardchannel', text()), message: text() },
    run: publish('shard'),
  }),

  defineCommand({
    name: 'PUBSUB CHANNELS',
    group: 'pubsub',
    since: '2.8.0',
    summary: 'Lists the channels somebody listens to.',
    complexity: 'O(N) where N is the number of active channels.',
    flags: LOOK,
    arguments: { pattern: optional(pattern()), end: wrongArguments },
    run: activeNames('channel'),
  }),

  defineCommand({
    name: 'PUBSUB NUMSUB',
    group: 'pubsub',
    since: '2.8.0',
    summary: 'Counts the listeners of channels, without patterns.',
    complexity: 'O(N) where N is the number of requested channels.',
    flags: LOOK,
    arguments: { names: many(named('channel', text()), { min: 0 }) },
    run: listenerCounts('channel'),
  }),

  defineCommand({
    name: 'PUBSUB NUMPAT',
    group: 'pubsub',
    since: '2.8.0',
    summary: 'Counts the patterns somebody listens to.',
    complexity: 'O(1)',
    flags: LOOK,
    arguments: {},
    run: ({ shard }) => shard.subscriptions.count('pattern'),
  }),

  defineCommand({
    name: 'PUBSUB SHARDCHANNELS',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Lists the shard channels somebody listens to.',
    complexity: 'O(N) where N is the number of active shard channels.',
    flags: LOOK,
    arguments: { pattern: optional(pattern()), end: wrongArguments },
    run: activeNames('shard'),
  }),

  defineCommand({
    name: 'PUBSUB SHARDNUMSUB',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Counts the listeners of shard channels.',
    complexity: 'O(N) where N is the number of requested shard channels.',
    flags: LOOK,
    arguments: { names: many(named('shardchannel', text()), { min: 0 }) },
    run: listenerCounts('shard'),
  }),

  helpCommand({
    container: 'PUBSUB',
    group: 'pubsub',
    since: '6.2.0',
    lines: [
      ['CHANNELS [<pattern>]', 'Channels somebody listens to, all or those that match.'],
      ['NUMPAT', 'Number of patterns somebody listens to.'],
      ['NUMSUB [<channel> ...]', 'Number of listeners of each channel, without patterns.'],
      ['SHARDCHANNELS [<pattern>]', 'Shard channels somebody listens to, all or those that match.'],
      ['SHARDNUMSUB [<shardchannel> ...]', 'Number of listeners of each shard channel.'],
    ],
  }),
];
