/**
 * The same requests to a shard of ours and to a real redis-server: every reply is compared by its bytes (or as loosely as a
 * suite says), and at the end the data: DEBUG DIGEST, and for every key its encoding and whether it expires.
 *
 * Border: what requests there are is the suite's business (`request-generator.ts` helps). Nothing here waits for a blocked
 * client. Environment: ANTIPODE_RUNS multiplies the number of sequences.
 */

import fc from 'fast-check';
import { it } from 'vitest';
import type { Command } from '../../src/node/commands/command.ts';
import { scriptingCommands } from '../../src/node/commands/scripting.ts';
import { transactionCommands } from '../../src/node/commands/transactions.ts';
import { datasetDigest } from '../../src/node/keyspace/digest.ts';
import { encodingOf } from '../../src/node/keyspace/value-facts.ts';
import { scriptEngineReady } from '../../src/node/scripting/engine.ts';
import type { Shard } from '../../src/node/shard/shard.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { testShard } from './fixtures.ts';
import { RawClient } from './raw-client.ts';
import type { RealRedis } from './real-redis.ts';
import { bulkItems, rawItems, repliesAgree, type Looseness } from './reply-shape.ts';
import { ENCODING_DIFFERENCES, VERSION_DIFFERENCES, type VersionDifference } from './version-differences.ts';

const RUNS_DEFAULT = 150;
const SEQUENCE_MAX = 30;
const TRANSACTION_MAX = 5;
const TIMEOUT_MS = 120_000;

export interface DifferentialOptions {
  /** Name of the test. */
  readonly name: string;
  readonly commands: readonly Command[];
  /** Called when the test runs. */
  readonly real: () => RealRedis;
  readonly requests: fc.Arbitrary<readonly string[]>;
  /** What comes in a row between MULTI and EXEC; the same requests when not given, nothing when null. */
  readonly queued?: fc.Arbitrary<readonly string[]> | null;
  /** What is called by a script each; the same requests when not given, nothing when null. */
  readonly scripted?: fc.Arbitrary<readonly string[]> | null;
  /** How equal replies must be; `exact` when not given. */
  readonly loosely?: (request: readonly string[]) => Looseness;
  /** Beyond those of the versions; for the encodings at the end the request is OBJECT ENCODING and both are plain words. */
  readonly differences?: readonly VersionDifference[];
  readonly protocol?: 2 | 3;
  /** Number of sequences. */
  readonly runs?: number;
  /** Requests sent before one of these. */
  readonly prepares?: (request: readonly string[]) => readonly (readonly string[])[];
  /** Sent before every sequence. */
  readonly setUp?: readonly (readonly string[])[];
}

/** Declares the test. */
export function differential(options: DifferentialOptions): void {
  const runs = (options.runs ?? RUNS_DEFAULT) * Number(process.env['ANTIPODE_RUNS'] ?? 1);
  it(options.name, { timeout: TIMEOUT_MS * Number(process.env['ANTIPODE_RUNS'] ?? 1) }, async () => {
    using client = await RawClient.to(options.real().port);
    await client.exchange([['HELLO', String(options.protocol ?? 2)]]);
    await scriptEngineReady();
    const sequences = sequencesOf(options);
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => compare(options, client, sequence)),
      { numRuns: runs },
    );
  });
}

function sequencesOf(options: DifferentialOptions): fc.Arbitrary<readonly (readonly string[])[]> {
  const { prepares } = options;
  const sequences = plainSequences(options);
  return prepares === undefined
    ? sequences
    : sequences.map((sequence) => sequence.flatMap((request) => [...prepares(asked(request)), request]));
}

const SCRIPT = 'return redis.call(unpack(ARGV))';
const inScript = (request: readonly string[]): readonly string[] => ['EVAL', SCRIPT, '0', ...request];
/** Where an error came from, which scripts say behind it. */
const SCRIPT_PLACE = / script: [\da-f]{40}, on @user_script:1\.(?=\r\n)/;
/** What a script was asked to call, and any other request itself. */
const asked = (request: readonly string[]): readonly string[] =>
  request[0] === 'EVAL' && request[1] === SCRIPT ? request.slice(3) : request;

/** A word that waits in a queue is held twice in Redis, which tells. */
const isAlikeQueued = ([name = '', subcommand = '']: readonly string[]): boolean =>
  !(/^object$/i.test(name) && /^refcount$/i.test(subcommand));

function plainSequences({
  requests: plain,
  queued = plain,
  scripted = plain,
}: DifferentialOptions): fc.Arbitrary<readonly (readonly string[])[]> {
  const requests =
    scripted === null
      ? plain
      : fc.oneof({ weight: 6, arbitrary: plain }, { weight: 1, arbitrary: scripted.map(inScript) });
  if (queued === null) return fc.array(requests, { minLength: 1, maxLength: SEQUENCE_MAX });
  const transaction = fc
    .array(queued.filter(isAlikeQueued), { maxLength: TRANSACTION_MAX })
    .map((inside): (readonly string[])[] => [['MULTI'], ...inside, ['EXEC']]);
  const steps = fc.oneof(
    { weight: 8, arbitrary: requests.map((request): (readonly string[])[] => [request]) },
    { weight: 1, arbitrary: transaction },
  );
  return fc.array(steps, { minLength: 1, maxLength: SEQUENCE_MAX }).map((parts) => parts.flat());
}

async function compare(
  options: DifferentialOptions,
  client: RawClient,
  sequence: readonly (readonly string[])[],
): Promise<void> {
  const requests = [...(options.setUp ?? []), ...sequence];
  // What has expired is gone only when somebody looks
  const words = [...new Set(requests.flat())];
  const [, , ...theirs] = await client.exchange([
    ['FLUSHALL'],
    ['CONFIG', 'RESETSTAT'],
    ...requests,
    ['EXISTS', ...words],
    ['DEBUG', 'DIGEST'],
    ['KEYS', '*'],
  ]);
  using test = testShard({
    commands: [...new Set([...options.commands, ...transactionCommands, ...scriptingCommands])],
  });
  const ours = sessionOf(test.shard, options.protocol ?? 2);
  const differences = [...VERSION_DIFFERENCES, ...(options.differences ?? [])];
  const agree = (request: readonly string[], mine: string, real: string): boolean =>
    repliesAgree(mine, real, options.loosely?.(asked(request)) ?? 'exact') ||
    differences.some((each) =>
      each.explains(asked(request), mine.replace(SCRIPT_PLACE, ''), real.replace(SCRIPT_PLACE, '')),
    );
  let queue: (readonly string[])[] = [];
  requests.forEach((request, at) => {
    const mine = ours(request);
    const real = theirs[at]!;
    const transaction = queue;
    if (mine === '+QUEUED\r\n') queue.push(request);
    else queue = [];
    if (agree(request, mine, real)) return;
    const [mines, reals] = [rawItems(mine), rawItems(real)];
    const isTransaction = request[0] === 'EXEC' && mines.length === transaction.length;
    if (isTransaction && transaction.every((each, i) => agree(each, mines[i]!, reals[i]!))) return;
    throw new Error(
      `request ${at + 1}: ${shown(request)}\n  ours:  ${JSON.stringify(mine)}\n  real:  ${JSON.stringify(real)}`,
    );
  });
  const [digest, keys] = theirs.slice(requests.length + 1) as [string, string];
  await compareKeys(client, test.shard, bulkItems(keys), [...ENCODING_DIFFERENCES, ...(options.differences ?? [])]);
  const mine = `+${datasetDigest(test.shard.keyspaces)}\r\n`;
  if (mine !== digest) throw new Error(`DEBUG DIGEST\n  ours:  ${mine}\n  real:  ${digest}`);
}

async function compareKeys(
  client: RawClient,
  shard: Shard,
  theirs: readonly string[],
  differences: readonly VersionDifference[],
): Promise<void> {
  const keyspace = shard.keyspaces[0]!;
  const ours = Array.from(keyspace.values.keys()).filter((key) => keyspace.has(key));
  const [mine, real] = [ours.sort(), theirs.toSorted()];
  if (JSON.stringify(mine) !== JSON.stringify(real))
    throw new Error(`keys\n  ours:  ${shown(mine)}\n  real:  ${shown(real)}`);
  const facts = await client.exchange(
    real.flatMap((key) => [
      ['OBJECT', 'ENCODING', key],
      ['PTTL', key],
    ]),
  );
  real.forEach((key, at) => {
    const [encoding, expires] = [facts[at * 2]!.split('\r\n')[1]!, facts[at * 2 + 1] !== ':-1\r\n'];
    const found = encodingOf(keyspace.peek(key)!);
    const explained = differences.some((each) => each.explains(['OBJECT', 'ENCODING', key], found, encoding));
    if (found !== encoding && !explained)
      throw new Error(`encoding of ${shown([key])}: ours ${found}, real ${encoding}`);
    const expiresHere = keyspace.expireAt(key) !== undefined;
    if (expires !== expiresHere) throw new Error(`expiry of ${shown([key])}: ours ${expiresHere}, real ${expires}`);
  });
}

/** A client of the shard that returns a reply's bytes. */
function sessionOf(shard: Shard, protocol: 2 | 3): (request: readonly string[]) => string {
  let received = '';
  const session = shard.openSession({
    local: { host: '127.0.0.1', port: 6379 },
    remote: { host: '127.0.0.1', port: 50_000 },
    write: (bytes) => (received += bytes),
    end: () => shard.closeSession(session),
  });
  session.wireProtocol = protocol;
  return (request) => {
    received = '';
    session.receive(Buffer.from(encodeRequest(request), 'latin1'));
    return received;
  };
}

const shown = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(' ');
