/**
 * The connection itself: who it is, which database and protocol it uses. CLIENT is in `client.ts`, users are in `acl.ts`.
 * [redis networking.c, acl.c authCommand]
 */

import { MapReply, OK, PONG, Status, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { CommandContext } from '../shard/context.ts';
import { REDIS_VERSION } from '../shard/version.ts';
import { optional, rest, text } from './arguments.ts';
import { clientCommands, isClientAttribute } from './client.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { noMore } from './help.ts';
import { parseInteger } from './numbers.ts';

const HANDSHAKE: readonly Flag[] = ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'];

function authenticate({ session, shard, words }: CommandContext, user: string, password: string): void {
  if (shard.permissions.logIn(session, user, password, words[0]!) === null) throw refuse('WRONGPASS');
}

function hello(context: CommandContext, words: readonly string[]): Reply {
  const { session, shard } = context;
  let protocol = session.wireProtocol;
  if (words.length > 1) {
    const given = parseInteger(words[1]!);
    if (given === null) throw refuse('PROTOCOL_VERSION');
    if (given !== 2 && given !== 3) throw refuse('NOPROTO');
    protocol = given;
  }
  let login: readonly [user: string, password: string] | null = null;
  let name: string | null = null;
  for (let at = 2; at < words.length; at++) {
    const option = words[at]!.toUpperCase();
    if (option === 'AUTH' && at + 2 < words.length) login = [words[++at]!, words[++at]!];
    else if (option === 'SETNAME' && at + 1 < words.length) {
      name = words[++at]!;
      if (!isClientAttribute(name)) throw refuse('CLIENT_ATTRIBUTE', 'Client names');
    } else throw refuse('HELLO_OPTION', words[at]!);
  }
  if (login !== null) authenticate(context, ...login);
  if (!session.authenticated && !shard.permissions.users.isOpen) throw refuse('NOAUTH_HELLO');
  if (name !== null) session.name = name;
  session.wireProtocol = protocol;
  return new MapReply([
    'server',
    'redis',
    'version',
    REDIS_VERSION,
    'proto',
    protocol,
    'id',
    session.id,
    'mode',
    'standalone',
    'role',
    shard.role === 'primary' ? 'master' : 'replica',
    'modules',
    [],
  ]);
}

export const connectionCommands: readonly Command[] = [
  defineCommand({
    name: 'PING',
    group: 'connection',
    since: '1.0.0',
    summary: 'Answers PONG, or the message.',
    complexity: 'O(1)',
    flags: ['fast'],
    tips: { request: 'all_shards', response: 'all_succeeded' },
    arguments: { message: optional(text()), end: noMore(() => refuse('ARITY', 'ping')) },
    run({ session }, { message }) {
      if (session.protocol === 2 && session.subscriptionCount > 0) return ['pong', message ?? ''];
      return message ?? PONG;
    },
  }),

  defineCommand({
    name: 'ECHO',
    group: 'connection',
    since: '1.0.0',
    summary: 'Answers the message.',
    complexity: 'O(1)',
    flags: ['loading', 'stale', 'fast'],
    arguments: { message: text() },
    run: (_context, { message }) => message,
  }),

  defineCommand({
    name: 'SELECT',
    group: 'connection',
    since: '1.0.0',
    summary: 'Chooses the logical database of this connection.',
    complexity: 'O(1)',
    flags: ['loading', 'stale', 'fast'],
    arguments: { index: { ...text(), doc: { type: 'integer' } } },
    run({ session, shard }, given) {
      const index = parseInteger(given.index);
      if (index === null) throw refuse('NOT_INTEGER');
      if (index !== Math.trunc(index) || Math.abs(index) > 2 ** 31) throw refuse('INT32_RANGE');
      if (index < 0 || index >= shard.keyspaces.length) throw refuse('DB_INDEX');
      session.database = index;
      return OK;
    },
  }),

  defineCommand({
    name: 'QUIT',
    group: 'connection',
    since: '1.0.0',
    summary: 'Closes the connection once the reply has been sent.',
    complexity: 'O(1)',
    flags: HANDSHAKE,
    deprecated: { since: '7.2.0', replacedBy: 'just closing the connection' },
    arity: -1,
    arguments: { ignored: { ...rest({ type: 'block' }), doc: { type: 'block', optional: true, arguments: [] } } },
    run({ session }) {
      session.close();
      return OK;
    },
  }),

  defineCommand({
    name: 'AUTH',
    group: 'connection',
    since: '1.0.0',
    summary: 'Authenticates the connection.',
    complexity: 'O(1)',
    flags: HANDSHAKE,
    arity: -2,
    arguments: {
      username: { ...optional(text()), wordsMax: 1, parse: (reader) => (reader.left > 1 ? reader.take() : undefined) },
      password: text(),
    },
    run(context, { username, password }) {
      const { defaultUser } = context.shard.permissions.users;
      if (username === undefined && defaultUser.noPassword) throw refuse('AUTH_WITHOUT_PASSWORD');
      authenticate(context, username ?? defaultUser.name, password);
      return OK;
    },
  }),

  defineCommand({
    name: 'HELLO',
    group: 'connection',
    since: '6.0.0',
    summary: 'Chooses the protocol, authenticates and names the connection in one step.',
    complexity: 'O(1)',
    flags: HANDSHAKE,
    arguments: {
      arguments: {
        ...rest({ type: 'block' }),
        doc: {
          name: 'arguments',
          type: 'block',
          optional: true,
          arguments: [
            { name: 'protover', type: 'integer' },
            {
              name: 'auth',
              type: 'block',
              token: 'AUTH',
              optional: true,
              arguments: [
                { name: 'username', type: 'string' },
                { name: 'password', type: 'string' },
              ],
            },
            { name: 'clientname', type: 'string', token: 'SETNAME', optional: true },
          ],
        },
      },
    },
    run: (context, _given, words) => hello(context, words),
  }),

  defineCommand({
    name: 'RESET',
    group: 'connection',
    since: '6.2.0',
    summary: 'Makes the connection as if it had just been opened.',
    complexity: 'O(1)',
    flags: HANDSHAKE,
    arguments: {},
    run({ session, shard }) {
      shard.monitors.remove(session);
      if (session.kind !== 'client') throw refuse('RESET_NORMAL_ONLY');
      shard.tracking.end(session);
      shard.endTransaction(session);
      shard.subscriptions.removeAll(session);
      session.database = 0;
      session.wireProtocol = 2;
      session.name = '';
      if (session.replies === 'off') session.replies = 'on';
      session.noEvict = false;
      session.noTouch = false;
      shard.permissions.logOut(session);
      return RESET;
    },
  }),

  ...clientCommands,
];

const RESET = new Status('RESET');
