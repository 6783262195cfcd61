/** What COMMAND says of every command, beside what redis-server 7.0 says; where 7.4 says otherwise, by name. */
import { describe, expect, it } from 'vitest';
import { shardCommands } from '../../../src/cluster/control/shard-commands.ts';
import type { ArgumentDoc } from '../../../src/node/commands/arguments.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { Failure } from '../../../src/resp/reply.ts';
import { ReplyReader, type ReaderReply } from '../../../src/resp/reply-reader.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { shardExchange } from '../../support/shard-exchange.ts';

const names = dataCommands.map((command) => command.name.replace(' ', '|').toLowerCase());

/** Not in 7.0. */
const NEWER = new Set(['client|setinfo', 'client|no-touch']);
/** Facts that 7.0 tells otherwise: since 7.2 scripts may call blocking commands, and policies were corrected. */
const DIFFERENCES: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['blpop', 'brpop', 'blmove', 'brpoplpush', 'bzpopmin', 'bzpopmax'].map((name) => [name, ['flags']]),
  ),
  ...Object.fromEntries(
    ['randomkey', 'scan', 'config|resetstat', 'acl|deluser', 'acl|save', 'acl|setuser'].map((name) => [name, ['tips']]),
  ),
  zrank: ['arity'],
  zrevrank: ['arity'],
};

interface Info {
  readonly arity: ReaderReply;
  readonly flags: readonly string[];
  readonly keys: readonly ReaderReply[];
  readonly categories: readonly string[];
  readonly tips: readonly string[];
  readonly specs: string;
}

const sorted = (reply: ReaderReply | undefined): string[] => (reply as string[]).toSorted();

function infoOf(reply: ReaderReply): Info {
  const [, arity, flags, first, last, step, categories, tips, specs] = reply as ReaderReply[];
  return {
    arity: arity!,
    flags: sorted(flags),
    keys: [first!, last!, step!],
    categories: sorted(categories),
    tips: sorted(tips),
    specs: JSON.stringify(
      (specs as ReaderReply[][]).map((spec) =>
        spec.filter((_, at) => spec[at] !== 'notes' && spec[at - 1] !== 'notes'),
      ),
    ),
  };
}

function ask(...words: string[]): ReaderReply {
  using test = testShard({ commands: dataCommands });
  const replies: ReaderReply[] = [];
  const line = words.map((word) => `"${word}"`).join(' ');
  new ReplyReader((reply) => replies.push(reply)).push(Buffer.from(shardExchange(test.shard, `${line}\r\n`), 'latin1'));
  return replies[0]!;
}

describeReal('COMMAND INFO', () => {
  it('agrees with redis-server for every command', async () => {
    await using real = await startRealRedis();
    const mine = ask('COMMAND', 'INFO', ...names) as ReaderReply[];
    const theirs = (await askReal(real, 'COMMAND', 'INFO', ...names)) as ReaderReply[];
    const wrong: string[] = [];
    for (const [i, name] of names.entries()) {
      if (NEWER.has(name) || theirs[i] === null) continue;
      const [a, b] = [infoOf(mine[i]!), infoOf(theirs[i]!)];
      for (const fact of Object.keys(a) as (keyof Info)[]) {
        if (JSON.stringify(a[fact]) === JSON.stringify(b[fact]) || DIFFERENCES[name]?.includes(fact)) continue;
        wrong.push(`${name} ${fact}: ours ${JSON.stringify(a[fact])}, real ${JSON.stringify(b[fact])}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describeReal('COMMAND DOCS', () => {
  it('dates and groups every command as redis-server does', async () => {
    await using real = await startRealRedis();
    const mine = docsByName(ask('COMMAND', 'DOCS', ...names));
    const theirs = docsByName(await askReal(real, 'COMMAND', 'DOCS', ...names));
    const wrong = [...theirs].filter(([name, doc]) => {
      const own = mine.get(name);
      return own?.get('since') !== doc.get('since') || own?.get('group') !== doc.get('group');
    });
    expect(wrong.map(([name]) => [name, mine.get(name)])).toEqual([]);
  });
});

describeReal('COMMAND GETKEYS and LIST', () => {
  it.each(
    [
      'GETKEYS GET a',
      'GETKEYS GET a b',
      'GETKEYS NOPE a',
      'GETKEYS PING a',
      'GETKEYS MSET a 1 b 2',
      'GETKEYS ZUNION 5 a b',
      'GETKEYS ZUNION x a b',
      'GETKEYS ZUNION 2 a b',
      'GETKEYS ZUNIONSTORE d 2 a b',
      'GETKEYS MEMORY USAGE x',
      'GETKEYS SPUBLISH x y',
      'GETKEYS SSUBSCRIBE x y',
      'GETKEYS CLIENT NOPE a',
      'GETKEYS SORT a STORE b',
      'GETKEYSANDFLAGS SORT a STORE b',
      'GETKEYSANDFLAGS DEL a b',
      'GETKEYSANDFLAGS LMOVE a b LEFT LEFT',
      'GETKEYSANDFLAGS PING a',
      'LIST FILTERBY ACLCAT transaction',
      'LIST FILTERBY ACLCAT nope',
      'LIST FILTERBY MODULE x',
      'LIST FILTERBY PATTERN l?ove',
      'LIST FILTERBY NOPE x',
      'LIST FILTERBY PATTERN',
    ].map((line) => [line]),
  )('%s', async (line) => {
    await using real = await startRealRedis();
    const mine = ask('COMMAND', ...line.split(' '));
    const theirs = await askReal(real, 'COMMAND', ...line.split(' ')).catch(
      (error: Error) => new Failure(error.message),
    );
    if (line.startsWith('LIST') && Array.isArray(theirs)) expect(sorted(mine)).toEqual(sorted(theirs));
    else expect(mine).toEqual(theirs);
  });
});

describe('COMMAND', () => {
  it('describes commands that exist, and null for the others', () => {
    const [unknown, none, get] = ask('COMMAND', 'INFO', 'nope', 'get|x', 'GET') as ReaderReply[];
    expect([unknown, none, (get as ReaderReply[]).slice(0, 2)]).toEqual([null, null, ['get', 2]]);
    const all = ask('COMMAND') as ReaderReply[];
    expect(all).toHaveLength(ask('COMMAND', 'COUNT') as number);
    const client = all.find((each) => (each as ReaderReply[])[0] === 'client') as ReaderReply[];
    expect((client[9] as ReaderReply[][]).map((each) => each[0])).toContain('client|kill');
  });

  it('uses sets and maps in RESP3', () => {
    using test = testShard({ commands: dataCommands });
    const bytes = shardExchange(test.shard, 'HELLO 3\r\nCOMMAND INFO get\r\nCOMMAND DOCS nope\r\n');
    expect(bytes.slice(bytes.indexOf('*1\r\n*10'))).toBe(
      '*1\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n~3\r\n+@read\r\n+@string\r\n+@fast\r\n' +
        '~0\r\n~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n' +
        '%1\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n%3\r\n$7\r\nlastkey\r\n:0\r\n' +
        '$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n~0\r\n%0\r\n',
    );
  });

  it('says which key specification finds an argument, also where several share one', () => {
    const docs = docsByName(ask('COMMAND', 'DOCS', 'sort', 'lcs', 'subscribe', 'watch'));
    const facts = (name: string): unknown[][] => docs.get(name)!.get('arguments') as unknown[][];
    const specOf = (name: string, argument: string): unknown => {
      const found = facts(name).find((each) => each[1] === argument)!;
      return found[found.indexOf('key_spec_index') + 1];
    };
    expect(['key', 'by-pattern', 'get-pattern', 'destination'].map((each) => specOf('sort', each))).toEqual([
      0, 1, 1, 2,
    ]);
    expect(['key1', 'key2'].map((each) => specOf('lcs', each))).toEqual([0, 0]);
    expect(facts('subscribe')[0]).toContain('channel');
    expect(facts('watch')[0]!.slice(0, 4)).toEqual(['name', 'key', 'type', 'key']);
  });

  // redis-cli dies of an empty one before its first prompt
  it('shows no block and no choice without its parts', () => {
    const empty = (docs: readonly ArgumentDoc[]): string[] =>
      docs.flatMap((doc) =>
        doc.arguments === undefined
          ? doc.type === 'block' || doc.type === 'oneof'
            ? [doc.name]
            : []
          : [...(doc.arguments.length === 0 ? [doc.name] : []), ...empty(doc.arguments)],
      );
    const wrong = shardCommands.everything().map(({ name, docs }) => [name, empty(docs)] as const);
    expect(wrong.filter(([, names]) => names.length > 0)).toEqual([]);
  });

  it('documents arguments with names, types and tokens, and what is deprecated', () => {
    const docs = docsByName(ask('COMMAND', 'DOCS', 'get', 'quit', 'client|reply'));
    expect(docs.get('get')!.get('arguments')).toEqual([
      ['name', 'key', 'type', 'key', 'display_text', 'key', 'key_spec_index', 0],
    ]);
    expect(docs.get('quit')!.get('doc_flags')).toEqual(['deprecated']);
    expect(docs.get('client|reply')!.get('arguments')).toMatchObject([
      ['name', 'action', 'type', 'oneof', 'arguments', [{}, {}, {}]],
    ]);
  });
});

/** A map of RESP2: name, value, name, value. */
const pairsOf = (flat: ReaderReply): [string, ReaderReply][] =>
  (flat as ReaderReply[]).flatMap((each, at, all) => (at % 2 === 0 ? [[each as string, all[at + 1]!]] : []));

const docsByName = (reply: ReaderReply): Map<string, Map<string, ReaderReply>> =>
  new Map(pairsOf(reply).map(([name, doc]) => [name, new Map(pairsOf(doc))]));

async function askReal(real: RealRedis, ...words: string[]): Promise<ReaderReply> {
  return real.command(...words);
}
