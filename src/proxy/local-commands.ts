/**
 * What the proxy answers by itself, as one table: greetings, names, the client's own state. The shard never sees these
 * requests, so they cost no round trip and say nothing about the connections behind the proxy.
 *
 * Border: CLIENT's subcommands are `client-commands.ts`; commands that change how the session goes on (MULTI, SUBSCRIBE,
 * PIN, QUIT) are the session's; what is blocked is `blocked-commands.ts`.
 */

import { parseInteger } from '../node/commands/numbers.ts';
import { REDIS_VERSION } from '../node/shard/version.ts';
import { refuse } from '../resp/refusals.ts';
import { MapReply, OK, PONG, type Protocol, type Reply } from '../resp/reply.ts';
import { aclCommands } from './acl-commands.ts';
import { authenticate, authenticateByPassword, type AuthenticationOutcome } from './authentication.ts';
import { clientCommands } from './client-commands.ts';
import { requirePlainName, type LocalClient, type LocalCommand } from './local-command.ts';

const logIn = (client: LocalClient, outcome: AuthenticationOutcome): void => {
  if (!outcome.ok) throw outcome.refusal;
  client.account = outcome.account;
};

function hello(client: LocalClient, words: readonly string[]): Reply {
  let protocol: number = client.protocol;
  if (words.length > 1) {
    const wanted = parseInteger(words[1]!);
    if (wanted === null) throw refuse('PROTOCOL_VERSION');
    if (wanted !== 2 && (wanted !== 3 || !client.settings.resp3)) throw refuse('NOPROTO');
    protocol = wanted;
  }
  let credentials: readonly [string, string] | null = null;
  let name: string | null = null;
  for (let at = 2; at < words.length;) {
    const option = words[at]!.toUpperCase();
    const left = words.length - at - 1;
    if (option === 'AUTH' && left >= 2) {
      credentials = [words[at + 1]!, words[at + 2]!];
      at += 3;
    } else if (option === 'SETNAME' && left >= 1) {
      name = words[at + 1]!;
      requirePlainName('Client names', name);
      at += 2;
    } else throw refuse('HELLO_OPTION', words[at]!.slice(0, 128));
  }
  if (credentials !== null) logIn(client, authenticate(...credentials, client.settings));
  if (client.account === null) throw refuse('NOAUTH_HELLO');
  if (!client.setProtocol(protocol as Protocol)) {
    throw refuse('ERR', 'the protocol cannot change while the connection is pinned or subscribed');
  }
  if (name !== null) client.name = name;
  const facts: readonly (readonly [string, Reply])[] = [
    ['server', 'redis'],
    ['version', REDIS_VERSION],
    ['proto', client.protocol],
    ['id', client.id],
    ['mode', 'standalone'],
    ['role', 'master'],
    ['modules', []],
  ];
  return new MapReply(facts.flat());
}

/** Shards, their slots, the rules that spread keys over them, and what fills the database: what an engine asks that replicates from here or into here. */
function topology({ settings }: LocalClient): Reply {
  const rows = settings.slotMap
    .ranges()
    .map(({ first, last }, position): Reply => [settings.shards[position]!.index, first, last]);
  const rules = settings.hashingRules.map((rule) => Buffer.from(rule, 'utf8').latin1Slice());
  return ['hashing', rules, 'shards', rows, 'origins', settings.origins?.() ?? []];
}

const isSubscribed = ({ protocol, subscriptions }: LocalClient): boolean =>
  protocol === 2 && subscriptions.channels + subscriptions.patterns + subscriptions.shardChannels > 0;

export const localCommands: readonly LocalCommand[] = [
  {
    name: 'PING',
    arity: -1,
    run(client, words) {
      if (words.length > 2) throw refuse('ARITY', 'ping');
      if (isSubscribed(client)) return ['pong', words[1] ?? '']; // RESP2 tells it from a message by this form
      return words[1] ?? PONG;
    },
  },
  { name: 'ECHO', arity: 2, run: (_client, words) => words[1]! },
  {
    name: 'AUTH',
    arity: -2,
    unauthenticated: true,
    run(client, words) {
      if (words.length > 3) throw refuse('SYNTAX');
      const [, first, second] = words;
      logIn(
        client,
        second === undefined
          ? authenticateByPassword(first!, client.settings)
          : authenticate(first!, second, client.settings),
      );
      return OK;
    },
  },
  { name: 'HELLO', arity: -1, unauthenticated: true, run: hello },
  {
    // A database of Redis Enterprise has no other than number 0 [RS compatibility: SELECT].
    name: 'SELECT',
    arity: 2,
    run(_client, words) {
      const index = parseInteger(words[1]!);
      if (index === null) throw refuse('NOT_INTEGER');
      if (index !== 0) throw refuse('DB_INDEX');
      return OK;
    },
  },
  { name: 'ANTIPODE TOPOLOGY', arity: 2, run: topology },
  ...aclCommands,
  ...clientCommands,
];
