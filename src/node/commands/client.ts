/** CLIENT: this connection and the others. What is shown of each is in `client-list.ts`. [redis networking.c clientCommand] */

import type { AccessList } from '../acl/access-list.ts';
import type { User } from '../acl/user.ts';
import { addressText } from '../../world/world.ts';
import { NO_REPLY, OK, Verbatim, type Reply } from '../../resp/reply.ts';
import { refusalText, refuse } from '../../resp/refusals.ts';
import { BLOCKED, type CommandContext } from '../shard/context.ts';
import type { Session } from '../shard/session.ts';
import { named, optional, pureToken, rest, text, word } from './arguments.ts';
import { clientLine, clientTypeOf, parseClientType, type ClientType } from './client-list.ts';
import { trackingCommands } from './client-tracking.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { helpCommand, noMore } from './help.ts';
import { parseInteger } from './numbers.ts';

const SELF: readonly Flag[] = ['noscript', 'loading', 'stale'];
const ADMIN: readonly Flag[] = ['admin', 'noscript', 'loading', 'stale'];

/** Names and library facts are printable and without spaces, so that CLIENT LIST can be read word by word. */
export const isClientAttribute = (text: string): boolean => /^[!-~]*$/.test(text);

/** A point in time is an int64 of milliseconds. */
const TIME_END = 2 ** 63;

const types = ['NORMAL', 'MASTER', 'REPLICA', 'PUBSUB'].map((token) => pureToken(token));
/** In Redis's order; SLAVE is an older word for REPLICA. */
const typesToKill = ['NORMAL', 'MASTER', 'SLAVE', 'REPLICA', 'PUBSUB'].map((token) => pureToken(token));

/** Some sessions, one line each. */
const lines = (sessions: Iterable<Session>, { session: asking, now, words }: CommandContext): Reply =>
  new Verbatim([...sessions].map((each) => `${clientLine(each, now, each === asking ? words : undefined)}\n`).join(''));

function list(context: CommandContext, filter: readonly string[]): Reply {
  const { shard } = context;
  const all = [...shard.sessions.values()];
  if (filter.length === 0) return lines(all, context);
  const kind = filter[0]!.toUpperCase();
  if (kind === 'TYPE' && filter.length === 2) {
    const type = parseClientType(filter[1]!);
    return lines(
      all.filter((session) => clientTypeOf(session) === type),
      context,
    );
  }
  if (kind !== 'ID' || filter.length === 1) throw refuse('SYNTAX');
  const found = filter.slice(1).map((given) => {
    const id = parseInteger(given);
    if (id === null) throw refuse('CLIENT_ID');
    return shard.sessions.get(id);
  });
  return lines(
    found.filter((session) => session !== undefined),
    context,
  );
}

interface KillFilter {
  id?: number;
  type?: ClientType;
  address?: string;
  localAddress?: string;
  ageMin?: number;
  user?: User;
  skipSelf: boolean;
}

function userNamed(users: AccessList, name: string): User {
  const user = users.find(name);
  if (user === undefined) throw refuse('NO_SUCH_USER', name);
  return user;
}

function parseKillFilter(words: readonly string[], users: AccessList): KillFilter {
  const filter: KillFilter = { skipSelf: true };
  for (let at = 0; at < words.length; at += 2) {
    const value = words[at + 1];
    if (value === undefined) throw refuse('SYNTAX');
    switch (words[at]!.toUpperCase()) {
      case 'ID':
        filter.id = parseInteger(value) ?? 0;
        if (filter.id < 1) throw refuse('CLIENT_ID_POSITIVE');
        break;
      case 'MAXAGE': {
        const age = parseInteger(value);
        if (age === null) throw refuse('CLIENT_AGE');
        if (age < 1) throw refuse('CLIENT_AGE_POSITIVE');
        filter.ageMin = age;
        break;
      }
      case 'TYPE':
        filter.type = parseClientType(value);
        break;
      case 'ADDR':
        filter.address = value;
        break;
      case 'LADDR':
        filter.localAddress = value;
        break;
      case 'USER':
        filter.user = userNamed(users, value);
        break;
      case 'SKIPME':
        if (!/^(yes|no)$/i.test(value)) throw refuse('SYNTAX');
        filter.skipSelf = value.toLowerCase() === 'yes';
        break;
      default:
        throw refuse('SYNTAX');
    }
  }
  return filter;
}

function kill({ session, shard, now }: CommandContext, words: readonly string[]): Reply {
  const isOldForm = words.length === 1;
  const filter: KillFilter = isOldForm
    ? { address: words[0]!, skipSelf: false }
    : parseKillFilter(words, shard.permissions.users);
  const doomed = [...shard.sessions.values()].filter(
    (each) =>
      (filter.id === undefined || each.id === filter.id) &&
      (filter.type === undefined || clientTypeOf(each) === filter.type) &&
      (filter.user === undefined || (each.user === filter.user && each.kind !== 'primary')) &&
      (filter.address === undefined || addressText(each.output.remote) === filter.address) &&
      (filter.localAddress === undefined || addressText(each.output.local) === filter.localAddress) &&
      (filter.ageMin === undefined || now - each.createdAtMs >= filter.ageMin * 1000) &&
      !(filter.skipSelf && each === session),
  );
  for (const each of doomed) {
    if (each === session) each.close();
    else each.kill();
  }
  if (!isOldForm) return doomed.length;
  if (doomed.length === 0) throw refuse('NO_SUCH_CLIENT');
  return OK;
}

export const clientCommands: readonly Command[] = [
  defineCommand({
    name: 'CLIENT ID',
    group: 'connection',
    since: '5.0.0',
    summary: 'Answers the number of this connection, never used twice.',
    complexity: 'O(1)',
    flags: SELF,
    arguments: {},
    run: ({ session }) => session.id,
  }),

  defineCommand({
    name: 'CLIENT INFO',
    group: 'connection',
    since: '6.2.0',
    summary: 'Describes this connection.',
    complexity: 'O(1)',
    flags: SELF,
    tips: { other: ['nondeterministic_output'] },
    arguments: {},
    run: (context) => lines([context.session], context),
  }),

  defineCommand({
    name: 'CLIENT LIST',
    group: 'connection',
    since: '2.4.0',
    summary: 'Describes open connections.',
    complexity: 'O(N) where N is the number of client connections',
    flags: ADMIN,
    tips: { other: ['nondeterministic_output'] },
    arguments: {
      filter: {
        ...rest({ type: 'block' }),
        doc: {
          type: 'block',
          optional: true,
          arguments: [
            { name: 'client-type', type: 'oneof', token: 'TYPE', optional: true, arguments: types },
            { name: 'client-id', type: 'integer', token: 'ID', optional: true, multiple: true },
          ],
        },
      },
    },
    run: (context, { filter }) => list(context, filter),
  }),

  defineCommand({
    name: 'CLIENT KILL',
    group: 'connection',
    since: '2.4.0',
    summary: 'Closes connections.',
    complexity: 'O(N) where N is the number of client connections',
    flags: ADMIN,
    arguments: {
      filter: {
        ...rest({ type: 'oneof' }, 1),
        doc: {
          type: 'oneof',
          arguments: [
            { name: 'old-format', type: 'string' },
            {
              name: 'new-format',
              type: 'oneof',
              multiple: true,
              arguments: [
                { name: 'client-id', type: 'integer', token: 'ID', optional: true },
                { name: 'client-type', type: 'oneof', token: 'TYPE', optional: true, arguments: typesToKill },
                { name: 'username', type: 'string', token: 'USER', optional: true },
                { name: 'addr', type: 'string', token: 'ADDR', optional: true },
                { name: 'laddr', type: 'string', token: 'LADDR', optional: true },
                {
                  name: 'skipme',
                  type: 'oneof',
                  token: 'SKIPME',
                  optional: true,
                  arguments: [pureToken('YES'), pureToken('NO')],
                },
                { name: 'maxage', type: 'integer', token: 'MAXAGE', optional: true },
              ],
            },
          ],
        },
      },
    },
    run: (context, { filter }) => kill(context, filter),
  }),

  defineCommand({
    name: 'CLIENT SETNAME',
    group: 'connection',
    since: '2.6.9',
    summary: 'Names this connection.',
    complexity: 'O(1)',
    flags: SELF,
    arguments: { name: named('connection-name', text()) },
    run({ session }, { name }) {
      if (!isClientAttribute(name)) throw refuse('CLIENT_ATTRIBUTE', 'Client names');
      session.name = name;
      return OK;
    },
  }),

  defineCommand({
    name: 'CLIENT GETNAME',
    group: 'connection',
    since: '2.6.9',
    summary: 'Answers the name of this connection.',
    complexity: 'O(1)',
    flags: SELF,
    arguments: {},
    run: ({ session }) => (session.name === '' ? null : session.name),
  }),

  defineCommand({
    name: 'CLIENT SETINFO',
    group: 'connection',
    since: '7.2.0',
    summary: 'Tells which client library this connection uses.',
    complexity: 'O(1)',
    flags: SELF,
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arity: 4,
    arguments: {
      attribute: {
        ...text(),
        doc: {
          name: 'attr',
          type: 'oneof',
          arguments: [
            { name: 'libname', type: 'string', token: 'LIB-NAME' },
            { name: 'libver', type: 'string', token: 'LIB-VER' },
          ],
        },
      },
      value: { ...text(), doc: { type: 'block', optional: true, arguments: [] } },
    },
    run({ session }, { attribute, value }) {
      const known = attribute.toLowerCase();
      if (known !== 'lib-name' && known !== 'lib-ver') throw refuse('ERR', `Unrecognized option '${attribute}'`);
      if (!isClientAttribute(value)) throw refuse('CLIENT_ATTRIBUTE', attribute);
      if (known === 'lib-name') session.libraryName = value;
      else session.libraryVersion = value;
      return OK;
    },
  }),

  defineCommand({
    name: 'CLIENT REPLY',
    group: 'connection',
    since: '3.2.0',
    summary: 'Switches replies on or off, or skips the next one.',
    complexity: 'O(1)',
    flags: SELF,
    arguments: { action: word('ON', 'OFF', 'SKIP') },
    run({ session }, { action }) {
      if (action === 'ON') {
        session.replies = 'on';
        return OK;
      }
      if (action === 'OFF') session.replies = 'off';
      else if (session.replies !== 'off') session.replies = 'skip-next';
      return NO_REPLY;
    },
  }),

  defineCommand({
    name: 'CLIENT UNBLOCK',
    group: 'connection',
    since: '5.0.0',
    summary: 'Ends the wait of a connection that blocks.',
    complexity: 'O(1)',
    flags: ADMIN,
    arguments: {
      id: { ...named('client-id', text()), doc: { name: 'client-id', type: 'integer' } },
      reason: {
        ...optional(text()),
        doc: { ...word('TIMEOUT', 'ERROR').doc, name: 'unblock-type', optional: true },
      },
      end: noMore(() => refuse('SUBCOMMAND_SYNTAX', 'CLIENT', 'UNBLOCK')),
    },
    run({ shard }, { id, reason }) {
      const how = reason?.toUpperCase() ?? 'TIMEOUT';
      if (how !== 'TIMEOUT' && how !== 'ERROR') throw refuse('UNBLOCK_REASON');
      const number = parseInteger(id);
      if (number === null) throw refuse('NOT_INTEGER');
      const session = shard.sessions.get(number);
      if (session === undefined || session.waiting === null) return 0;
      // What has begun is not given up
      if (session.waiting.request.timeoutReply === BLOCKED) return 0;
      if (how === 'ERROR') shard.blocking.fail(session, refusalText('UNBLOCKED'));
      else shard.blocking.answer(session, session.waiting.request.timeoutReply);
      return 1;
    },
  }),

  defineCommand({
    name: 'CLIENT PAUSE',
    group: 'connection',
    since: '3.0.0',
    summary: 'Lets the requests of all clients wait for a while, or those that may write.',
    complexity: 'O(1)',
    flags: ADMIN,
    arguments: {
      timeout: { ...named('timeout', text()), doc: { type: 'integer' } },
      mode: optional({ ...text(), doc: word('WRITE', 'ALL').doc }),
      end: noMore(() => refuse('SUBCOMMAND_SYNTAX', 'CLIENT', 'PAUSE')),
    },
    run({ shard }, { timeout, mode }) {
      const kind = mode?.toUpperCase() ?? 'ALL';
      if (kind !== 'ALL' && kind !== 'WRITE') throw refuse('ERR', 'CLIENT PAUSE mode must be WRITE or ALL');
      const milliseconds = parseInteger(timeout);
      if (milliseconds === null) throw refuse('STREAM_TIMEOUT');
      if (milliseconds < 0) throw refuse('NEGATIVE_TIMEOUT');
      const untilMs = shard.world.clock.now() + milliseconds;
      if (untilMs >= TIME_END) throw refuse('TIMEOUT_OUT_OF_RANGE');
      shard.pause.begin(untilMs, kind === 'ALL' ? 'all' : 'writes');
      return OK;
    },
  }),

  defineCommand({
    name: 'CLIENT UNPAUSE',
    group: 'connection',
    since: '6.2.0',
    summary: 'Lets requests that wait for the end of a pause go on.',
    complexity: 'O(N) Where N is the number of paused clients',
    flags: ADMIN,
    arguments: {},
    run({ shard }) {
      shard.pause.end();
      return OK;
    },
  }),

  defineCommand({
    name: 'CLIENT NO-EVICT',
    group: 'connection',
    since: '7.0.0',
    summary: 'Keeps this connection when memory for clients runs out.',
    complexity: 'O(1)',
    flags: ADMIN,
    arguments: { enabled: word('ON', 'OFF') },
    run({ session }, { enabled }) {
      session.noEvict = enabled === 'ON';
      return OK;
    },
  }),

  defineCommand({
    name: 'CLIENT NO-TOUCH',
    group: 'connection',
    since: '7.2.0',
    summary: 'Lets this connection look at keys without counting as a use of them.',
    complexity: 'O(1)',
    flags: SELF,
    arguments: { enabled: word('ON', 'OFF') },
    run({ session }, { enabled }) {
      session.noTouch = enabled === 'ON';
      return OK;
    },
  }),

  ...trackingCommands,

  helpCommand({
    container: 'CLIENT',
    group: 'connection',
    since: '5.0.0',
    lines: [
      ['CACHING (YES|NO)', 'Says whether what the next request reads is tracked.'],
      ['GETNAME', 'Name of this connection.'],
      ['GETREDIR', 'Number of the connection that is told of changes instead of this one.'],
      ['ID', 'Number of this connection.'],
      ['INFO', 'Description of this connection.'],
      ['KILL <ip:port>', 'Closes the connection from that address.'],
      [
        'KILL <option> <value> [<option> <value> [...]]',
        'Closes every connection that fits all of the options:',
        '* ADDR <ip:port>, LADDR <ip:port>',
        '* ID <client-id>',
        '* MAXAGE <seconds>',
        '* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
        '* USER <username>',
        '* SKIPME (YES|NO), by default YES',
      ],
      ['LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <client-id> [...]]', 'Descriptions of open connections.'],
      ['NO-EVICT (ON|OFF)', 'Keeps this connection when memory for clients runs out.'],
      ['NO-TOUCH (ON|OFF)', 'Lets this connection look at keys without using them.'],
      [
        'PAUSE <timeout> [WRITE|ALL]',
        'Lets requests wait for so many milliseconds, all (default) or those that may write.',
      ],
      ['REPLY (ON|OFF|SKIP)', 'Switches replies on or off, or skips the next one.'],
      ['SETINFO (LIB-NAME|LIB-VER) <value>', 'Tells which client library this is.'],
      ['SETNAME <name>', 'Names this connection.'],
      [
        'TRACKING (ON|OFF) [REDIRECT <client-id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]',
        'Tells when keys that were read have changed.',
      ],
      ['TRACKINGINFO', 'Description of the tracking of this connection.'],
      ['UNBLOCK <client-id> [TIMEOUT|ERROR]', 'Ends the wait of a connection that blocks.'],
      ['UNPAUSE', 'Ends a pause.'],
    ],
  }),
];
