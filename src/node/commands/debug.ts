/**
 * DEBUG: fingerprints of the data, looks at values, and a server that stands still. [redis debug.c]
 *
 * Only what is harmless: nothing here crashes or corrupts. Unlike in Redis 7 it needs no permission: this server is a sandbox.
 */

import { OK, Status, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { dumpPayload } from '../../rdb/payload.ts';
import { datasetDigest, valueDigest } from '../keyspace/digest.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import { toRdbValue } from '../keyspace/rdb-values.ts';
import { encodingOf } from '../keyspace/value-facts.ts';
import type { CommandContext } from '../shard/context.ts';
import { rest } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
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
    run({ keyspace }, [key]) {
      const value = keyspace.values.get(key!);
      if (value === undefined) throw refuse('NO_SUCH_KEY');
      const bytes = dumpPayload(toRdbValue(value)).length - PAYLOAD_FRAME_BYTES;
      const facts = `refcount:${referencesOf(value)} encoding:${encodingOf(value)} serializedlength:${bytes}`;
      return new Status(`Value at:0x0 ${facts} lru:0 lru_seconds_idle:0`);
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
  'STRINGMATCH-LEN': {
    words: [2, 2],
    help: ['STRINGMATCH-LEN <pattern> <string>', 'Whether the pattern matches the string: 1 or 0.'],
    run: (_context, [pattern, text]) => (matchesGlob(pattern!, text!) ? 1 : 0),
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
    arity: -2,
    // Shown without arguments, as in Redis
    arguments: {
      subcommand: { ...rest({ type: 'string' }, 1), doc: { type: 'block', optional: true, arguments: [] } },
    },
    run(context, { subcommand: [name = '', ...words] }) {
      const found = subcommands[name.toUpperCase()];
      if (found === undefined || words.length < found.words[0] || words.length > found.words[1]) {
        throw refuse('DEBUG_SUBCOMMAND', name);
      }
      return found.run(context, words);
    },
  }),
];
