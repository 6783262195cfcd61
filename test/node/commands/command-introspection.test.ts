/** What COMMAND says of every command, beside what redis-server says; what differs is in `command-fidelity.ts`, and so in FIDELITY.md. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardCommands } from '../../../src/cluster/control/shard-commands.ts';
import type { ArgumentDoc } from '../../../src/node/commands/arguments.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { Failure } from '../../../src/resp/reply.ts';
import { ReplyReader, type ReaderReply } from '../../../src/resp/reply-reader.ts';
import { commandFacts, type CommandFacts, type Fact } from '../../support/command-facts.ts';
import { FACT_DIFFERENCES, isAbsent, OWN } from '../../support/command-fidelity.ts';
import { testShard } from '../../support/fixtures.ts';
import { RawClient } from '../../support/raw-client.ts';
import { describeReal, realRedisVersion, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { mutated, requestsFrom } from '../../support/request-generator.ts';
import { shardExchange } from '../../support/shard-exchange.ts';

const sorted = (reply: ReaderReply | undefined): string[] => (reply as string[]).toSorted();

function ask(...words: string[]): ReaderReply {
  using test = testShard({ commands: dataCommands });
  const replies: ReaderReply[] = [];
  const line = words.map((word) => `"${word}"`).join(' ');
  new ReplyReader((reply) => replies.push(reply)).push(Buffer.from(shardExchange(test.shard, `${line}\r\n`), 'latin1'));
  return replies[0]!;
}

type FactsByName = ReadonlyMap<string, CommandFacts>;

/** Every command's facts, and how many commands COMMAND COUNT says there are. */
interface Told {
  readonly facts: FactsByName;
  readonly count: number;
}

function ourFacts(): Told {
  using test = testShard({ commands: shardCommands.everything() });
  const exchange = (line: string): string => shardExchange(test.shard, `HELLO 3\r\n${line}\r\n`).slice(hello.length);
  const hello = shardExchange(test.shard, 'HELLO 3\r\n');
  return {
    facts: commandFacts(exchange('COMMAND'), exchange('COMMAND DOCS')),
    count: Number(exchange('COMMAND COUNT').slice(1)),
  };
}

async function realFacts(real: RealRedis): Promise<Told> {
  using client = await RawClient.to(real.port);
  const [, info, docs, count] = await client.exchange([
    ['HELLO', '3'],
    ['COMMAND'],
    ['COMMAND', 'DOCS'],
    ['COMMAND', 'COUNT'],
  ]);
  return { facts: commandFacts(info!, docs!), count: Number(count!.slice(1)) };
}

/** Below zero: the first is the older. */
const compareVersions = (a: string, b: string): number => {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  const at = [0, 1].find((each) => x![each] !== y![each]);
  return at === undefined ? 0 : x![at]! - y![at]!;
};

const judge = compareVersions(realRedisVersion, '7.4') < 0 ? 'older' : 'newer';
const isListed = (name: string, fact: Fact): boolean =>
  FACT_DIFFERENCES.some(
    ({ commands, facts, than }) =>
      (than === judge || than === 'any') && facts.includes(fact) && commands.split(' ').includes(name),
  );

/** Commands and facts of one server that the other one lacks or tells otherwise, each as a line. */
function differences(mine: FactsByName, theirs: FactsByName): string[] {
  const wrong: string[] = [];
  for (const [name, facts] of theirs) {
    const own = mine.get(name);
    if (own === undefined) {
      if (!isAbsent(name)) wrong.push(`${name} is absent`);
      continue;
    }
    for (const fact of Object.keys(own) as Fact[]) {
      if (own[fact] !== facts[fact] && !isListed(name, fact))
        wrong.push(`${name}, ${fact}: ours ${own[fact]}, real ${facts[fact]}`);
    }
  }
  for (const [name, { since }] of mine) {
    const isOwn = Object.hasOwn(OWN, name.split('|')[0]!.toUpperCase());
    const isNewer = compareVersions(/[\d.]+$/.exec(since!)![0], realRedisVersion) > 0;
    if (!theirs.has(name) && !isOwn && !isNewer) wrong.push(`${name} is ours alone`);
  }
  return wrong;
}

describeReal('COMMAND, COMMAND INFO and COMMAND DOCS', () => {
  it('tell every fact of every command as redis-server does, or FIDELITY.md says why not', async () => {
    await using real = await startRealRedis();
    const [mine, theirs] = [ourFacts(), await realFacts(real)];
    expect(differences(mine.facts, theirs.facts)).toEqual([]);
    const isTop = (name: string): boolean => !name.includes('|');
    expect(mine.count).toBe([...mine.facts.keys()].filter(isTop).length);
    const known = [...theirs.facts.keys()].filter((name) => isTop(name) && (mine.facts.has(name) || isAbsent(name)));
    expect(theirs.count).toBe(known.length);
  });

  it('differ wherever FIDELITY.md says so', async () => {
    await using real = await startRealRedis();
    const [mine, theirs] = [ourFacts().facts, (await realFacts(real)).facts];
    const stale = FACT_DIFFERENCES.filter(({ than }) => than === judge || than === 'any').flatMap(
      ({ commands, facts }) =>
        commands
          .split(' ')
          .filter((name) => facts.every((fact) => mine.get(name)?.[fact] === theirs.get(name)?.[fact]))
          .map((name) => `${name} is the same by now`),
    );
    expect(stale).toEqual([]);
  });

  it('would not agree if a command, a flag or an argument were missing', async () => {
    await using real = await startRealRedis();
    const theirs = (await realFacts(real)).facts;
    const spoiled = new Map(ourFacts().facts);
    spoiled.delete('append');
    spoiled.set('get', { ...spoiled.get('get')!, flags: '~{+fast}' });
    spoiled.set('set', { ...spoiled.get('set')!, arguments: '' });
    const found = differences(spoiled, theirs).map((line) => line.split(':')[0]!);
    expect(found.toSorted()).toEqual(['append is absent', 'get, flags', 'set, arguments']);
  });
});

const fullNameOf = (words: readonly string[]): string => shardCommands.findRequested(words)?.fullName ?? '';
/** A request of one word was refused before 7.2. */
const isKnownArity = (request: readonly string[]): boolean =>
  request.length === 3 && isListed('command|getkeysandflags', 'arity');
const KEY_REQUESTS = 3_000;
const withKeys = shardCommands.everything().filter(({ keySpecs }) => keySpecs.length > 0);

describeReal('COMMAND GETKEYSANDFLAGS', () => {
  it('finds the keys of any request, whole or broken, and what happens to them, as redis-server does', async () => {
    await using real = await startRealRedis();
    using client = await RawClient.to(real.port);
    const commands = withKeys.filter(({ since }) => compareVersions(since, realRedisVersion) <= 0);
    const requests = fc
      .sample(mutated(requestsFrom(commands)), { numRuns: KEY_REQUESTS, seed: 1 })
      // A count like 01 is one where redis-server looks for keys and none where it looks for their flags
      .filter((words) => !words.includes('01'))
      .map((words) => ['COMMAND', 'GETKEYSANDFLAGS', ...words]);
    const theirs = await client.exchange(requests);
    using test = testShard({ commands: shardCommands.everything() });
    const ours = test.client();
    const wrong = requests.flatMap((request, at) => {
      const mine = ours.bytes(...request);
      const name = fullNameOf(request.slice(2));
      const isKnown = isListed(name, 'key specifications') || isListed(name, 'arity') || isKnownArity(request);
      return mine === theirs[at] || isKnown
        ? []
        : [
            `${JSON.stringify(request.slice(2).join(' '))}: ours ${JSON.stringify(mine)}, real ${JSON.stringify(theirs[at])}`,
          ];
    });
    expect(wrong).toEqual([]);
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
