/**
 * DEBUG: fingerprints of the data, looks at values, and a server that stands still. [redis debug.c]
 *
 * Only what is harmless: nothing here crashes or corrupts. Unlike in Redis 7 it needs no permission: this server is a sandbox.
 */

import {
  Double,
  encodeBulk,
  encodeReply,
  Failure,
  MapReply,
  OK,
  Push,
  Raw,
  SetReply,
  Status,
  Verbatim,
  type Protocol,
  type Reply,
} from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { dumpPayload } from '../../rdb/payload.ts';
import { datasetDigest, valueDigest } from '../keyspace/digest.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import { toRdbValue } from '../keyspace/rdb-values.ts';
import { encodingOf } from '../keyspace/value-facts.ts';
import type { FileOutcome } from '../../world/files.ts';
import type { CommandContext } from '../shard/context.ts';
import { afterwards, type Finished } from './afterwards.ts';
import { rewriteConfig } from './config-commands.ts';
import { rest } from './arguments.ts';
import { tableOf, tableStats } from './debug-tables.ts';
import { defineCommand, type Command } from './command.ts';
import { persistenceOf } from '../persistence/persistence.ts';
import { reload } from '../persistence/reload.ts';
import { isPermitted } from './permitted.ts';
import { parseInteger } from './numbers.ts';
import { referencesOf } from './object.ts';

const SECOND = 1000;
/** Type byte, version and checksum of a payload are not part of the value. */
const PAYLOAD_FRAME_BYTES = 11;

interface Subcommand {
  /** Words after the subcommand's name. */
  readonly words: readonly [min: number, max: number];
  readonly help: readonly [usage: string, what: string];
  run(context: CommandContext, words: readonly string[]): Reply;
}

/** As C's strtod: what begins with no number is 0. */
const leadingNumber = (text: string): number => Number(/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i.exec(text)?.[0] ?? 0);

const NOTHING_KEPT = 'this server keeps nothing on disk: start it with a folder for its data (--data DIR)';

/** [redis debug.c debugCommand, "reload"] */
function reloadData(context: CommandContext, options: readonly string[]): Reply {
  const words = new Set(options.map((word) => word.toUpperCase()));
  for (const word of words) {
    if (!['MERGE', 'NOFLUSH', 'NOSAVE'].includes(word)) {
      throw refuse('ERR', 'DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
    }
  }
  const { shard } = context;
  const persistence = persistenceOf(shard);
  const use = !words.has('NOFLUSH') ? 'install' : words.has('MERGE') ? 'merge' : 'add';
  if (words.has('NOSAVE')) {
    if (persistence === undefined) throw refuse('ERR', NOTHING_KEPT);
    return afterwards(context, async () => reloaded(await persistence.reloadSnapshot(use)), OK);
  }
  // To itself nothing can be added: what is there already is all there is
  const isAny = shard.libraries.count > 0 || shard.keyspaces.some(({ values }) => values.size > 0);
  if (use === 'add' && isAny) throw refuse('ERR', `${NOT_LOADED}: its keys and libraries are here already`);
  reload(shard);
  return persistence === undefined || !context.mayBlock ? OK : afterwards(context, () => persistence.save(true), OK);
}

const NOT_LOADED = 'Error trying to load the RDB dump';

const reloaded = (outcome: FileOutcome): Finished =>
  outcome.ok ? outcome : { ok: false, detail: `${NOT_LOADED} (${outcome.why}): ${outcome.detail}` };

const POPULATED_MAX = 10_000_000;

function populate({ keyspace }: CommandContext, [count, prefix = 'key', size]: readonly string[]): Reply {
  const keys = parseInteger(count!);
  const length = size === undefined ? 0 : parseInteger(size);
  if (keys === null || length === null || keys < 0 || keys > POPULATED_MAX) throw refuse('NOT_INTEGER');
  for (let i = 0; i < keys; i++) {
    const key = `${prefix}:${i}`;
    const text = `value:${i}`;
    if (!keyspace.has(key)) keyspace.put(key, size === undefined ? text : text.slice(0, length).padEnd(length, '\0'));
  }
  return OK;
}

/** A reply of each type; what RESP2 has not is shown by what stands for it there. */
const EXAMPLES: Readonly<Record<string, (protocol: Protocol) => Reply>> = {
  string: () => 'Hello World',
  integer: () => 12_345,
  double: () => new Double(Number('3.141')),
  bignum: (protocol) => {
    const digits = '1234567999999999999999999999999999999';
    return protocol === 3 ? new Raw(`(${digits}\r\n`) : digits;
  },
  null: () => null,
  array: () => [0, 1, 2],
  set: () => new SetReply([0, 1, 2]),
  map: () => new MapReply([0, false, 1, true, 2, false]),
  attrib: (protocol) => {
    const rest = encodeReply('Some real reply following the attribute', protocol);
    return new Raw(
      protocol === 3 ? `|1\r\n${encodeBulk('key-popularity')}${encodeReply(['key:123', 90], 3)}${rest}` : rest,
    );
  },
  push: (protocol) => {
    if (protocol === 2) throw refuse('ERR', 'RESP2 is not supported by this command');
    return new Raw(
      encodeReply(new Push(['server-cpu-usage', 42]), 3) + encodeBulk('Some real reply following the push reply'),
    );
  },
  verbatim: () => new Verbatim('This is a verbatim\nstring', 'txt'),
  true: () => true,
  false: () => false,
};

const subcommands: Readonly<Record<string, Subcommand>> = {
  DIGEST: {
    words: [0, 0],
    help: ['DIGEST', 'Fingerprint of all databases.'],
    run: ({ shard }) => new Status(datasetDigest(shard.keyspaces)),
  },
  'DIGEST-VALUE': {
    words: [0, Infinity],
    help: ['DIGEST-VALUE <key> [<key> ...]', 'Fingerprint of the value of each key.'],
    run: ({ keyspace }, keys) => keys.map((key) => new Status(valueDigest(keyspace, key))),
  },
  OBJECT: {
    words: [1, 1],
    help: ['OBJECT <key>', 'Facts about the value at a key.'],
    run({ keyspace, shard, now }, [key]) {
      const value = keyspace.values.get(key!);
      if (value === undefined) throw refuse('NO_SUCH_KEY');
      const bytes = dumpPayload(toRdbValue(value)).length - PAYLOAD_FRAME_BYTES;
      const facts = `refcount:${referencesOf(value, shard)} encoding:${encodingOf(value)} serializedlength:${bytes}`;
      const mark = keyspace.accessMark(key!) ?? 0;
      const idleSeconds = Math.floor(shard.access.idleMs(mark, now) / 1000);
      return new Status(`Value at:0x0 ${facts} lru:${mark} lru_seconds_idle:${idleSeconds}`);
    },
  },
  HTSTATS: {
    words: [1, 2],
    help: ['HTSTATS <dbid> [full]', 'How full the hash tables of a database are.'],
    run({ shard }, [database, full]) {
      const keyspace = shard.keyspaces[parseInteger(database!) ?? -1];
      if (keyspace === undefined) throw refuse('ERR', 'Out of range database');
      const isFull = full?.toLowerCase() === 'full';
      const [keys, expiries] = [keyspace.values, keyspace.expires].map((each) => tableStats(each, isFull));
      return new Verbatim(`[Dictionary HT]\n${keys}[Expires HT]\n${expiries}`, 'txt');
    },
  },
  'HTSTATS-KEY': {
    words: [1, 2],
    help: ['HTSTATS-KEY <key> [full]', 'How full the hash table of a value is.'],
    run({ keyspace }, [key, full]) {
      const value = keyspace.values.get(key!);
      if (value === undefined) throw refuse('NO_SUCH_KEY');
      const table = tableOf(value);
      if (table === null)
        throw refuse('ERR', 'The value stored at the specified key is not represented using an hash table');
      return new Verbatim(tableStats(table, full?.toLowerCase() === 'full'), 'txt');
    },
  },
  SLEEP: {
    words: [1, 1],
    help: ['SLEEP <seconds>', 'Answers nobody for that long. Decimals allowed.'],
    run({ shard }, [seconds]) {
      shard.hold(Math.max(0, leadingNumber(seconds!) * SECOND));
      return OK;
    },
  },
  'SET-ACTIVE-EXPIRE': {
    words: [1, 1],
    help: ['SET-ACTIVE-EXPIRE <0|1>', 'Whether keys are deleted that have expired and nobody asks for.'],
    run({ shard }, [on]) {
      shard.activeExpiry = leadingNumber(on!) !== 0;
      return OK;
    },
  },
  'PAUSE-CRON': {
    words: [1, 1],
    help: ['PAUSE-CRON <0|1>', 'Whether nothing happens by itself: no expiry, no limits, no end at a signal.'],
    run({ shard }, [on]) {
      shard.isCronPaused = leadingNumber(on!) !== 0;
      return OK;
    },
  },
  'STRINGMATCH-LEN': {
    words: [2, 2],
    help: ['STRINGMATCH-LEN <pattern> <string>', 'Whether the pattern matches the string: 1 or 0.'],
    run: (_context, [pattern, text]) => (matchesGlob(pattern!, text!) ? 1 : 0),
  },
  'CONFIG-REWRITE-FORCE-ALL': {
    words: [0, 0],
    help: ['CONFIG-REWRITE-FORCE-ALL', 'CONFIG REWRITE with every parameter, those at their defaults too.'],
    run: (context) => rewriteConfig(context, true),
  },
  RELOAD: {
    words: [0, 3],
    help: [
      'RELOAD [option ...]',
      'Writes all data out as a dump and reads them back. NOSAVE: reads the dump on disk. NOFLUSH: what it holds comes to the data, and with MERGE takes the place of what has the same name.',
    ],
    run: (context, options) => reloadData(context, options),
  },
  LOADAOF: {
    words: [0, 0],
    help: ['LOADAOF', 'Runs the append log on disk anew, in place of the data.'],
    run(context) {
      const persistence = persistenceOf(context.shard);
      if (persistence === undefined) throw refuse('ERR', NOTHING_KEPT);
      return afterwards(context, () => persistence.reloadLog(), OK);
    },
  },
  PROTOCOL: {
    words: [1, 1],
    help: ['PROTOCOL <type>', `An example of a reply of that type: ${Object.keys(EXAMPLES).join(', ')}.`],
    run({ session }, [type]) {
      const example = EXAMPLES[type!.toLowerCase()];
      if (example !== undefined) return example(session.protocol);
      throw refuse(
        'ERR',
        `Wrong protocol type name. Please use one of the following: ${Object.keys(EXAMPLES).join('|')}`,
      );
    },
  },
  ERROR: {
    words: [1, 1],
    help: ['ERROR <string>', 'Answers with that error, whose first word may be its code.'],
    run: (_context, [text]) => new Failure(text!),
  },
  LOG: {
    words: [1, 1],
    help: ['LOG <message>', 'Writes a line to the log.'],
    run({ shard }, [message]) {
      shard.world.log.event('debug-log', { message });
      return OK;
    },
  },
  POPULATE: {
    words: [1, 3],
    help: ['POPULATE <count> [<prefix>] [<size>]', 'Makes that many string keys, those that are missing.'],
    run: (context, words) => populate(context, words),
  },
  'CHANGE-REPL-ID': {
    words: [0, 0],
    help: ['CHANGE-REPL-ID', 'Changes the replication id, so that replicas must synchronize anew.'],
    run({ shard }) {
      shard.forgetReplicationId();
      return OK;
    },
  },
  REPLICATE: {
    words: [1, Infinity],
    help: ['REPLICATE <word> [<word> ...]', 'Sends a request to the replicas that is not run here.'],
    run({ shard, session }, words) {
      shard.writeLog.append(session.database, words);
      return OK;
    },
  },
  'SET-DISABLE-DENY-SCRIPTS': {
    words: [1, 1],
    help: ['SET-DISABLE-DENY-SCRIPTS <0|1>', 'Whether scripts may call all commands.'],
    run({ shard }, [on]) {
      shard.scriptsCallAll = leadingNumber(on!) !== 0;
      return OK;
    },
  },
  SDSLEN: {
    words: [1, 1],
    help: ['SDSLEN <key>', 'Lengths of a key and of the string there, without spare room.'],
    run({ keyspace }, [key]) {
      const value = keyspace.values.get(key!);
      if (value === undefined) throw refuse('NO_SUCH_KEY');
      const other = typeof value === 'string' ? value.length : value.kind === 'raw' ? value.view.length : null;
      if (other === null || encodingOf(value) === 'int') throw refuse('ERR', 'Not an sds encoded string.');
      const own = key!.length;
      const facts = `key_sds_len:${own}, key_sds_avail:0, key_zmalloc: ${own}, `;
      return new Status(`${facts}val_sds_len:${other}, val_sds_avail:0, val_zmalloc: ${other}`);
    },
  },
  LISTPACK: {
    words: [1, 1],
    help: ['LISTPACK <key>', 'Whether the value is kept as a listpack.'],
    run({ keyspace }, [key]) {
      const value = keyspace.values.get(key!);
      if (value === undefined) throw refuse('NO_SUCH_KEY');
      if (!encodingOf(value).startsWith('listpack')) throw refuse('ERR', 'Not a listpack encoded object.');
      return new Status('Listpack structure printed on stdout');
    },
  },
  // What follows tunes what is not here: known, since test suites send it before what they are after
  ...Object.fromEntries(
    [
      ['QUICKLIST-PACKED-THRESHOLD', 'size'],
      ['SET-SKIP-CHECKSUM-VALIDATION', '0|1'],
      ['AOF-FLUSH-SLEEP', 'microseconds'],
      ['DICT-RESIZING', '0|1'],
      ['STRINGMATCH-TEST', ''],
      ['REPL-PAUSE', 'where'],
    ].map(([name, word]): [string, Subcommand] => [
      name!,
      {
        words: word === '' ? [0, 0] : [1, 1],
        help: [word === '' ? name! : `${name} <${word}>`, 'Without effect here.'],
        run: () => OK,
      },
    ]),
  ),
  REPLYBUFFER: {
    words: [2, 2],
    help: ['REPLYBUFFER <what> <value>', 'Without effect here.'],
    run: () => OK,
  },
  HELP: {
    words: [0, 0],
    help: ['HELP', 'This text.'],
    run: () => helpLines().map((line) => new Status(line)),
  },
};

const helpLines = (): string[] => [
  'DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  ...Object.values(subcommands).flatMap(({ help: [usage, what] }) => [usage, `    ${what}`]),
];

export const debugCommands: readonly Command[] = [
  defineCommand({
    name: 'DEBUG',
    group: 'server',
    since: '1.0.0',
    summary: 'A container for debugging commands.',
    complexity: 'Depends on subcommand.',
    flags: ['admin', 'noscript', 'loading', 'stale'],
    isForServers: true,
    arity: -2,
    // Shown without arguments, as in Redis
    arguments: {
      subcommand: { ...rest({ type: 'string' }, 1), doc: { type: 'block', optional: true, arguments: [] } },
    },
    run(context, { subcommand: [name = '', ...words] }) {
      if (!isPermitted(context, 'enable-debug-command'))
        throw refuse('PROTECTED_COMMAND', 'DEBUG', 'enable-debug-command');
      const found = subcommands[name.toUpperCase()];
      if (found === undefined || words.length < found.words[0] || words.length > found.words[1]) {
        throw refuse('DEBUG_SUBCOMMAND', name);
      }
      return found.run(context, words);
    },
  }),
];
