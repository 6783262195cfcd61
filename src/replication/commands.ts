/**
 * The commands of replication, for a shard's table. A table that has them works on any shard; `attachReplication` is only needed to
 * say more than the defaults, or to have INFO's section before the first of them runs. [redis replication.c]
 */

import { NO_REPLY, OK, Status, type Reply } from '../resp/reply.ts';
import { refuse } from '../resp/refusals.ts';
import { splitWords } from '../node/acl/words.ts';
import { byHand, integer, text, type Argument } from '../node/commands/arguments.ts';
import { defineCommand, type Command, type CommandDeclaration } from '../node/commands/command.ts';
import { parseInteger } from '../node/commands/numbers.ts';
import type { CommandContext } from '../node/shard/context.ts';
import type { Address } from '../world/world.ts';
import { migrationCommands } from './migration.ts';
import { replicationOf, type Replication } from './replication.ts';
import { roleReply } from './facts.ts';

const PORT_MAX = 65_535;
/** Longest host a replica may announce [redis replication.c replconfCommand, NI_MAXHOST]. */
const HOST_CHARS_MAX = 1024;

/** Words that are read by hand and shown nowhere. */
const hidden = (): Argument<readonly string[]> => ({
  doc: { type: 'block', optional: true, arguments: [] },
  wordsMin: 0,
  wordsMax: Infinity,
  parse(reader) {
    const words = reader.words.slice(reader.at);
    reader.at = reader.words.length;
    return words;
  },
});

/** `host port`, or `NO ONE`: null. */
const source: Argument<Address | null> = {
  doc: {
    type: 'oneof',
    arguments: [
      {
        name: 'host-port',
        type: 'block',
        arguments: [
          { name: 'host', type: 'string' },
          { name: 'port', type: 'integer' },
        ],
      },
      {
        name: 'no-one',
        type: 'block',
        arguments: [
          { name: 'no', type: 'pure-token', token: 'NO' },
          { name: 'one', type: 'pure-token', token: 'ONE' },
        ],
      },
    ],
  },
  wordsMin: 2,
  wordsMax: 2,
  parse(reader) {
    const host = reader.take();
    const second = reader.take();
    if (host.toUpperCase() === 'NO' && second.toUpperCase() === 'ONE') return null;
    const port = parseInteger(second);
    if (port === null || port < 0 || port > PORT_MAX) throw refuse('ERR', 'Invalid master port');
    return { host, port };
  },
};

const timeoutMs: Argument<number> = {
  ...integer(() => refuse('ERR', 'timeout is not an integer or out of range')),
  parse(reader) {
    const value = parseInteger(reader.take());
    if (value === null) throw refuse('ERR', 'timeout is not an integer or out of range');
    if (value < 0) throw refuse('NEGATIVE_TIMEOUT');
    return value;
  },
};

/** A primary hands its role to this replica, which has all that it has. */
function takeOver(replication: Replication, replicationId: string): void {
  if (replication.replica === null) throw refuse('ERR', "PSYNC FAILOVER can't be sent to a master.");
  if (replicationId.toLowerCase() !== replication.feed.replicationId.toLowerCase()) {
    throw refuse('ERR', 'PSYNC FAILOVER replid must match my replid.');
  }
  replication.promote();
}

interface FailoverWish {
  readonly to: Address | null;
  readonly force: boolean;
  readonly timeoutMs: number;
}

/** Options in any order, each once. [redis replication.c failoverCommand] */
function failoverWish(words: readonly string[]): FailoverWish {
  let [to, force, timeoutMs] = [null as Address | null, false, 0];
  for (let at = 0; at < words.length; at++) {
    const option = words[at]!.toUpperCase();
    if (option === 'TIMEOUT' && at + 1 < words.length && timeoutMs === 0) {
      timeoutMs = wholeNumber(words[++at]!);
      if (timeoutMs <= 0) throw refuse('ERR', 'FAILOVER timeout must be greater than 0');
    } else if (option === 'TO' && at + 2 < words.length && to === null) {
      to = { host: words[at + 1]!, port: wholeNumber(words[at + 2]!) };
      at += 2;
    } else if (option === 'FORCE' && !force) force = true;
    else throw refuse('SYNTAX');
  }
  return { to, force, timeoutMs };
}

function failover({ shard }: CommandContext, words: readonly string[]): Reply {
  const replication = replicationOf(shard);
  const { failover, primary } = replication;
  if (words.length === 1 && words[0]!.toUpperCase() === 'ABORT') {
    if (failover.state === 'no-failover') throw refuse('ERR', 'No failover in progress.');
    failover.abort('aborted by hand');
    return OK;
  }
  const { to, force, timeoutMs } = failoverWish(words);
  if (failover.state !== 'no-failover') throw refuse('ERR', 'FAILOVER already in progress.');
  if (replication.replica !== null) throw refuse('ERR', 'FAILOVER is not valid when server is a replica.');
  if (primary.attachments.size === 0) throw refuse('ERR', 'FAILOVER requires connected replicas.');
  if (force && (timeoutMs === 0 || to === null)) {
    throw refuse('ERR', 'FAILOVER with force option requires both a timeout and target HOST and IP.');
  }
  if (to !== null) {
    const target = primary.replicaAt(to);
    if (target === null) throw refuse('ERR', 'FAILOVER target HOST and PORT is not a replica.');
    if (target.stage !== 'online') throw refuse('ERR', 'FAILOVER target replica is not online.');
  }
  failover.begin(to, timeoutMs, force);
  return OK;
}

function replicaOf({ shard, session }: CommandContext, { args }: { args: Address | null }): Reply {
  const replication = replicationOf(shard);
  const { replica } = replication;
  if (replication.failover.state !== 'no-failover') throw refuse('ERR', 'REPLICAOF not allowed while failing over.');
  if (args === null) {
    replication.promote();
    return OK;
  }
  if (session.kind === 'replica') throw refuse('ERR', 'Command is not valid when client is a replica.');
  if (
    replica !== null &&
    replica.state !== 'stopped' &&
    replica.source.host === args.host &&
    replica.source.port === args.port
  ) {
    return new Status('OK Already connected to specified master');
  }
  replication.follow(args);
  return OK;
}

const following = {
  group: 'server',
  summary: 'Makes this server follow another as its replica, or end that.',
  complexity: 'O(1)',
  flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
  arguments: { args: source },
  run: replicaOf,
} as const satisfies Omit<CommandDeclaration<{ args: Argument<Address | null> }>, 'name' | 'since'>;

const STREAM_FLAGS = ['admin', 'noscript', 'no_async_loading', 'no_multi'] as const;

export const replicationCommands: readonly Command[] = [
  ...migrationCommands,

  defineCommand({ ...following, name: 'REPLICAOF', since: '5.0.0' }),

  defineCommand({
    ...following,
    name: 'SLAVEOF',
    since: '1.0.0',
    deprecated: { since: '5.0.0', replacedBy: '`REPLICAOF`' },
  }),

  defineCommand({
    name: 'FAILOVER',
    group: 'server',
    since: '6.2.0',
    summary: 'Hands the role of the primary to a replica that has everything, and follows it.',
    complexity: 'O(1)',
    flags: ['admin', 'noscript', 'stale'],
    arguments: {
      options: byHand(
        0,
        {
          name: 'target',
          type: 'block',
          token: 'TO',
          optional: true,
          arguments: [
            { name: 'host', type: 'string' },
            { name: 'port', type: 'integer' },
            { name: 'force', type: 'pure-token', token: 'FORCE', optional: true },
          ],
        },
        { name: 'abort', type: 'pure-token', token: 'ABORT', optional: true },
        { name: 'milliseconds', type: 'integer', token: 'TIMEOUT', optional: true },
      ),
    },
    run: (context, { options }) => failover(context, options),
  }),

  defineCommand({
    name: 'ROLE',
    group: 'server',
    since: '2.8.12',
    summary: 'Tells whether this server is a primary or a replica, and of whom.',
    complexity: 'O(1)',
    flags: ['noscript', 'loading', 'stale', 'fast'],
    categories: ['admin', 'dangerous'],
    arguments: {},
    run: ({ shard }) => roleReply(replicationOf(shard)),
  }),

  defineCommand({
    name: 'PSYNC',
    group: 'server',
    since: '2.8.0',
    summary: 'Begins or continues a replication stream; replicas send it.',
    flags: STREAM_FLAGS,
    arity: -3,
    arguments: { replicationid: text(), offset: integer(), more: hidden() },
    run({ shard, session }, { replicationid, offset, more }) {
      const replication = replicationOf(shard);
      if (more[0]?.toUpperCase() === 'FAILOVER') takeOver(replication, replicationid);
      return replication.primary.psync(session, replicationid, offset);
    },
  }),

  defineCommand({
    name: 'SYNC',
    group: 'server',
    since: '1.0.0',
    summary: 'Begins a replication stream as replicas before 2.8 do.',
    flags: STREAM_FLAGS,
    arguments: {},
    run: ({ shard, session }) => replicationOf(shard).primary.sync(session),
  }),

  defineCommand({
    name: 'REPLCONF',
    group: 'server',
    since: '3.0.0',
    summary: 'Says something about a replica, or up to where it is; replicas send it.',
    complexity: 'O(1)',
    flags: ['admin', 'noscript', 'loading', 'stale', 'allow_busy'],
    isForServers: true,
    arguments: { pairs: hidden() },
    run: (context, { pairs }) => replconf(context, pairs),
  }),

  defineCommand({
    name: 'WAIT',
    group: 'generic',
    since: '3.0.0',
    summary: 'Waits until so many replicas have acknowledged the writes made so far.',
    complexity: 'O(1)',
    flags: ['blocking'],
    categories: ['connection'],
    tips: { request: 'all_shards', response: 'agg_min' },
    arguments: { numreplicas: integer(), timeout: timeoutMs },
    run(context, { numreplicas, timeout }) {
      if (context.shard.role === 'replica') throw refuse('WAIT_ON_REPLICA');
      return replicationOf(context.shard).waits.wait(context, numreplicas, timeout);
    },
  }),

  defineCommand({
    name: 'WAITAOF',
    group: 'generic',
    since: '7.2.0',
    summary: 'Waits until the writes made so far are in the log on disk, here and at so many replicas.',
    complexity: 'O(1)',
    flags: ['blocking'],
    categories: ['connection'],
    tips: { request: 'all_shards', response: 'agg_min' },
    arguments: { numlocal: integer(), numreplicas: integer(), timeout: timeoutMs },
    run(context, { numlocal, numreplicas, timeout }) {
      const { shard } = context;
      if (numlocal < 0 || numlocal > 1) throw refuse('ERR', 'value is out of range, value must between 0 and 1');
      if (numreplicas < 0) throw refuse('OUT_OF_RANGE_POSITIVE');
      if (shard.role === 'replica') throw refuse('WAITAOF_ON_REPLICA');
      if (numlocal > 0 && !shard.config.get('appendonly')) throw refuse('WAITAOF_WITHOUT_LOG');
      return replicationOf(shard).waits.waitForDisk(context, numlocal, numreplicas, timeout);
    },
  }),
];

/** Options and values in pairs; what came before a bad one counts. */
function replconf({ shard, session }: CommandContext, pairs: readonly string[]): Reply {
  if (pairs.length % 2 !== 0) throw refuse('SYNTAX');
  const { primary } = replicationOf(shard);
  const facts = primary.factsOf(session);
  for (let at = 0; at < pairs.length; at += 2) {
    const value = pairs[at + 1]!;
    switch (pairs[at]!.toLowerCase()) {
      case 'listening-port':
        facts.listeningPort = wholeNumber(value);
        break;
      case 'ip-address':
        if (value.length >= HOST_CHARS_MAX)
          throw refuse('ERR', `REPLCONF ip-address provided by replica instance is too long: ${value.length} bytes`);
        facts.announcedHost = value === '' ? null : value;
        break;
      case 'capa':
        // What is not known is ignored: replicas offer more as they grow
        if (value.toLowerCase() === 'eof') facts.eof = true;
        else if (value.toLowerCase() === 'psync2') facts.psync2 = true;
        break;
      case 'ack': {
        const offset = parseInteger(value);
        const synced = pairs[at + 2]?.toLowerCase() === 'fack' ? parseInteger(pairs[at + 3] ?? '') : null;
        if (session.kind === 'replica' && offset !== null) primary.acknowledge(session, offset, synced);
        return NO_REPLY;
      }
      case 'getack':
        // Answered by `link.ts` where it means something: in the stream from a primary
        return NO_REPLY;
      case 'rdb-only': {
        const flag = wholeNumber(value);
        if (flag < 0 || flag > 1) throw refuse('ERR', 'value is out of range, value must between 0 and 1');
        facts.rdbOnly = flag === 1;
        break;
      }
      case 'rdb-filter-only': {
        const parts = splitWords(value);
        if (parts === null) throw refuse('ERR', 'Missing rdb-filter-only values');
        facts.wantsKeys = false;
        facts.wantsFunctions = false;
        for (const part of parts) {
          if (part.toLowerCase() !== 'functions') throw refuse('ERR', `Unsupported rdb-filter-only option: ${part}`);
          facts.wantsFunctions = true;
        }
        break;
      }
      default:
        throw refuse('ERR', `Unrecognized REPLCONF option: ${pairs[at]!}`);
    }
  }
  return OK;
}

function wholeNumber(word: string): number {
  const value = parseInteger(word);
  if (value === null) throw refuse('NOT_INTEGER');
  return value;
}
