/**
 * CLIENT and its subcommands, answered by the proxy: clients of an endpoint see each other, never the proxy's own connections
 * to the shards. [redis networking.c clientCommand]
 *
 * Blocked ones (PAUSE, NO-EVICT, …) are in `blocked-commands.ts`; those that need a shard (TRACKING, UNBLOCK) do not exist here.
 */

import { parseInteger } from '../node/commands/numbers.ts';
import { refuse } from '../resp/refusals.ts';
import { NO_REPLY, OK, Status, Verbatim, type Reply } from '../resp/reply.ts';
import { addressText } from '../world/world.ts';
import { requirePlainName, type LocalClient, type LocalCommand } from './local-command.ts';

const HELP = [
  'CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'GETNAME, ID, INFO, KILL, LIST, NO-TOUCH, REPLY, SETINFO, SETNAME',
  '    As of a Redis server; LIST and KILL know the clients of this endpoint.',
  'HELP',
  '    Print this help.',
];

function describe(client: LocalClient): string {
  const now = client.now();
  const { channels, patterns, shardChannels } = client.subscriptions;
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', client.id],
    ['addr', addressText(client.remote)],
    ['laddr', addressText(client.local)],
    ['fd', client.id],
    ['name', client.name],
    ['age', Math.floor((now - client.connectedAtMs) / 1000)],
    ['idle', Math.floor((now - client.lastActiveMs) / 1000)],
    ['flags', flagsOf(client)],
    ['db', 0],
    ['sub', channels],
    ['psub', patterns],
    ['ssub', shardChannels],
    ['multi', client.queued],
    ['watch', client.watched],
    ['cmd', client.lastCommand],
    ['user', client.account?.name ?? '(none)'],
    ['resp', client.protocol],
    ['lib-name', client.libraryName],
    ['lib-ver', client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}

function flagsOf(client: LocalClient): string {
  const { channels, patterns, shardChannels } = client.subscriptions;
  const flags = [
    client.queued >= 0 ? 'x' : '',
    channels + patterns + shardChannels > 0 ? 'P' : '',
    client.noTouch ? 'T' : '',
  ].join('');
  return flags === '' ? 'N' : flags;
}

const idOf = (word: string | undefined): number => {
  const id = parseInteger(word ?? '');
  if (id === null || id <= 0) throw refuse('CLIENT_ID_POSITIVE');
  return id;
};

const toggle = (word: string): boolean => {
  const value = word.toUpperCase();
  if (value !== 'ON' && value !== 'OFF') throw refuse('SYNTAX');
  return value === 'ON';
};

function list(client: LocalClient, words: readonly string[]): Reply {
  let ids: ReadonlySet<number> | null = null;
  if (words.length > 2) {
    const what = words[2]!.toUpperCase();
    if (what === 'ID' && words.length > 3) ids = new Set(words.slice(3).map(idOf));
    else if (what === 'TYPE' && words.length === 4) {
      const type = words[3]!.toLowerCase();
      if (!['normal', 'master', 'replica', 'slave', 'pubsub'].includes(type)) {
        throw refuse('CLIENT_TYPE', words[3]!.slice(0, 128));
      }
      const wanted = [...client.peers()].filter((peer) => type === (flagsOf(peer).includes('P') ? 'pubsub' : 'normal'));
      return new Verbatim(wanted.map((peer) => `${describe(peer)}\n`).join(''));
    } else throw refuse('SYNTAX');
  }
  const shown = [...client.peers()].filter((peer) => ids === null || ids.has(peer.id));
  return new Verbatim(shown.map((peer) => `${describe(peer)}\n`).join(''));
}

/** `CLIENT KILL address`, or any of ID, ADDR, LADDR, USER, SKIPME with values: all must hold. */
function kill(client: LocalClient, words: readonly string[]): Reply {
  if (words.length === 3) {
    const victim = [...client.peers()].find((peer) => addressText(peer.remote) === words[2]);
    if (victim === undefined) throw refuse('NO_SUCH_CLIENT');
    victim.disconnect();
    return OK;
  }
  if (words.length % 2 === 1) throw refuse('SYNTAX');
  let skipMe = true;
  const conditions: ((peer: LocalClient) => boolean)[] = [];
  for (let at = 2; at < words.length; at += 2) {
    const value = words[at + 1]!;
    switch (words[at]!.toUpperCase()) {
      case 'ID': {
        const id = idOf(value);
        conditions.push((peer) => peer.id === id);
        break;
      }
      case 'ADDR':
        conditions.push((peer) => addressText(peer.remote) === value);
        break;
      case 'LADDR':
        conditions.push((peer) => addressText(peer.local) === value);
        break;
      case 'USER':
        conditions.push((peer) => peer.account?.name === value);
        break;
      case 'SKIPME':
        if (!/^(yes|no)$/i.test(value)) throw refuse('SYNTAX');
        skipMe = value.toLowerCase() === 'yes';
        break;
      default:
        throw refuse('SYNTAX');
    }
  }
  const victims = [...client.peers()].filter(
    (peer) => !(skipMe && peer === client) && conditions.every((holds) => holds(peer)),
  );
  for (const victim of victims) victim.disconnect();
  return victims.length;
}

export const clientCommands: readonly LocalCommand[] = [
  { name: 'CLIENT ID', arity: 2, run: (client) => client.id },
  { name: 'CLIENT GETNAME', arity: 2, run: (client) => (client.name === '' ? null : client.name) },
  {
    name: 'CLIENT SETNAME',
    arity: 3,
    run(client, words) {
      requirePlainName('Client names', words[2]!);
      client.name = words[2]!;
      return OK;
    },
  },
  {
    name: 'CLIENT SETINFO',
    arity: 4,
    run(client, words) {
      const attribute = words[2]!.toLowerCase();
      const value = words[3]!;
      if (attribute !== 'lib-name' && attribute !== 'lib-ver') {
        throw refuse('ERR', `Unrecognized option '${words[2]!.slice(0, 128)}'`);
      }
      requirePlainName(attribute, value);
      if (attribute === 'lib-name') client.libraryName = value;
      else client.libraryVersion = value;
      return OK;
    },
  },
  { name: 'CLIENT INFO', arity: 2, run: (client) => new Verbatim(`${describe(client)}\n`) },
  { name: 'CLIENT LIST', arity: -2, run: list },
  { name: 'CLIENT KILL', arity: -3, run: kill },
  {
    // Nothing here keeps how recently a key was used apart by client: accepted, for the libraries that send it.
    name: 'CLIENT NO-TOUCH',
    arity: 3,
    run(client, words) {
      client.noTouch = toggle(words[2]!);
      return OK;
    },
  },
  {
    name: 'CLIENT REPLY',
    arity: 3,
    run(client, words) {
      switch (words[2]!.toUpperCase()) {
        case 'ON':
          client.replyMode = 'on';
          return OK;
        case 'OFF':
          client.replyMode = 'off';
          return NO_REPLY;
        case 'SKIP':
          if (client.replyMode !== 'off') client.replyMode = 'skip';
          return NO_REPLY;
        default:
          throw refuse('SYNTAX');
      }
    },
  },
  { name: 'CLIENT HELP', arity: 2, run: () => HELP.map((line) => new Status(line)) },
];
