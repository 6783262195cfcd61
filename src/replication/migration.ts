/**
 * MIGRATE: keys of this shard that become another server's. Each is sent as RESTORE takes it, and goes here once the other has it.
 * [redis cluster.c migrateCommand]
 *
 * Redis stands still meanwhile; here only the client waits. So a key may change between its sending and the other's answer: then it
 * is sent again, or taken back there when it is gone here, and only what is as it was sent is deleted. Border: how values become bytes
 * is DUMP's affair. Connections are not kept for a next time. Limits: ROUNDS_MAX sendings of a key that changes and changes.
 */

import { Failure, encodeRequest, OK, Status, type Reply } from '../resp/reply.ts';
import { refuse } from '../resp/refusals.ts';
import { dumpPayload } from '../rdb/payload.ts';
import { byHand, integer, text, unread } from '../node/commands/arguments.ts';
import { defineCommand, type Command } from '../node/commands/command.ts';
import { migrateWords } from '../node/commands/migrate-words.ts';
import { parseInteger } from '../node/commands/numbers.ts';
import type { Keyspace } from '../node/keyspace/keyspace.ts';
import { toRdbValue } from '../node/keyspace/rdb-values.ts';
import { BLOCKED, type CommandContext } from '../node/shard/context.ts';
import type { Session } from '../node/shard/session.ts';
import type { Shard } from '../node/shard/shard.ts';
import type { Address, Connection, Timer } from '../world/world.ts';
import { RequestConnection } from './request-connection.ts';

const TIMEOUT_MS_DEFAULT = 1000;
const ROUNDS_MAX = 100;
const REPLACING = 'REPLACE';

interface Wish {
  readonly to: Address;
  readonly database: string;
  readonly timeoutMs: number;
  readonly keys: readonly string[];
  readonly copies: boolean;
  readonly replaces: boolean;
  /** Words behind AUTH; null: none is sent. */
  readonly login: readonly string[] | null;
}

/** A key as it was sent. */
interface Sent {
  readonly key: string;
  readonly payload: string;
  readonly expiryMs: number | null;
}

function sentOf(keyspace: Keyspace, key: string): Sent | null {
  const value = keyspace.read(key);
  if (value === undefined) return null;
  return { key, payload: dumpPayload(toRdbValue(value)).latin1Slice(), expiryMs: keyspace.expireAt(key) ?? null };
}

/** `MIGRATE host port key|"" database timeout …`: options in any order, KEYS last. */
function wishOf(words: readonly string[]): Wish {
  const [host, port, key, database, timeout] = words.slice(1) as [string, string, string, string, string];
  const more = words.slice(6);
  let [copies, replaces] = [false, false];
  let login: readonly string[] | null = null;
  let keys: readonly string[] = [key];
  for (let at = 0; at < more.length; at++) {
    const option = more[at]!.toUpperCase();
    const logsIn = option === 'AUTH' ? 1 : option === 'AUTH2' ? 2 : 0;
    if (option === 'COPY') copies = true;
    else if (option === REPLACING) replaces = true;
    else if (logsIn > 0 && at + logsIn < more.length) {
      login = more.slice(at + 1, at + 1 + logsIn);
      at += logsIn;
    } else if (option === 'KEYS') {
      if (key !== '') {
        throw refuse('ERR', 'When using MIGRATE KEYS option, the key argument must be set to the empty string');
      }
      keys = more.slice(at + 1);
      break;
    } else throw refuse('SYNTAX');
  }
  const limit = parseInteger(timeout);
  if (limit === null || parseInteger(database) === null) throw refuse('NOT_INTEGER');
  const to = { host, port: parseInteger(port) ?? 0 };
  return { to, database, timeoutMs: limit <= 0 ? TIMEOUT_MS_DEFAULT : limit, keys, copies, replaces, login };
}

/** One request under way: what has been sent, and what the other server said. */
class Migration {
  readonly #wish: Wish;
  readonly #shard: Shard;
  readonly #session: Session;
  readonly #words: readonly string[];
  #target: RequestConnection | null = null;
  #timer: Timer | null = null;
  #sent: readonly Sent[];
  /** Of this round, in the order of `#sent`; null: it has the key; undefined: it has not answered. */
  #refused: (string | null)[] = [];
  #loginRefused: string | null = null;
  /** The first there was. */
  #refusal: string | null = null;
  #trouble: string | null = null;
  #round = 0;
  /** Something was answered since the clock was last looked at. */
  #isMoving = false;

  constructor({ shard, session, words }: CommandContext, wish: Wish, found: readonly Sent[]) {
    this.#shard = shard;
    this.#session = session;
    this.#words = words;
    this.#wish = wish;
    this.#sent = found;
  }

  start(): void {
    const { to, timeoutMs, login, database, replaces } = this.#wish;
    void this.#shard.world.network.connect(to, { timeoutMs }).then((outcome) => {
      if (!outcome.ok) {
        // Redis learns of a refusal only when it writes
        const doing = outcome.why === 'refused' ? 'writing to target instance' : 'connecting to the client';
        return this.#end(`IOERR error or timeout ${doing}`);
      }
      if (!this.#isAwaited) return outcome.connection.destroy();
      this.#open(outcome.connection);
      const greeting = [...(login === null ? [] : [['AUTH', ...login]]), ['SELECT', database]];
      for (const words of greeting) {
        this.#ask(words, (refused) => {
          this.#loginRefused ??= refused;
        });
      }
      this.#send(replaces);
    });
  }

  /** In the shard's own turn: deletes what has arrived as it is now. BLOCKED: something must be sent again. */
  conclude(context: CommandContext): Reply {
    const { keyspace } = context;
    const deleted: string[] = [];
    const again: Sent[] = [];
    const takenBack: string[] = [];
    for (const [at, sent] of this.#sent.entries()) {
      if (this.#refused[at] !== null || this.#wish.copies || this.#loginRefused !== null) continue;
      const now = sentOf(keyspace, sent.key);
      if (now === null) takenBack.push(sent.key);
      else if (now.payload !== sent.payload || now.expiryMs !== sent.expiryMs) again.push(now);
      else {
        keyspace.remove(sent.key);
        deleted.push(sent.key);
      }
    }
    if (deleted.length > 0) context.replicateAs('DEL', ...deleted);
    else context.replicateNothing();
    this.#refusal ??= this.#loginRefused ?? this.#refused.find((refused) => refused !== null) ?? null;
    const isDone = again.length + takenBack.length === 0 || this.#trouble !== null;
    if (isDone) {
      this.#target?.close();
      if (this.#refusal !== null) return new Failure(`ERR Target instance replied with error: ${this.#refusal}`);
      return this.#trouble === null ? OK : new Failure(this.#trouble);
    }
    if (++this.#round >= ROUNDS_MAX) {
      this.#target?.close();
      return new Failure(`ERR keys changed ${ROUNDS_MAX} times while they were sent; they are here and there`);
    }
    this.#sent = again;
    for (const key of takenBack) this.#ask(['DEL', key], () => undefined);
    this.#send(true);
    return BLOCKED;
  }

  /** Nobody waits for the end of it any more. */
  get #isAwaited(): boolean {
    return this.#session.waiting?.words === this.#words;
  }

  #open(connection: Connection): void {
    this.#target = new RequestConnection(connection, {
      closed: () => this.#end('IOERR error or timeout reading to target instance'),
    });
    this.#watch(connection, connection.unsentBytes);
  }

  #send(replaces: boolean): void {
    const { now } = this.#shard;
    this.#refused = [];
    for (const sent of this.#sent) {
      const ttl = sent.expiryMs === null ? 0 : Math.max(1, sent.expiryMs - now);
      const words = ['RESTORE', sent.key, String(ttl), sent.payload, ...(replaces ? [REPLACING] : [])];
      this.#ask(words, (refused) => void this.#refused.push(refused));
    }
    // The last answer ends the round
    this.#ask(['PING'], () => this.#resume());
  }

  #ask(words: readonly string[], take: (refused: string | null) => void): void {
    this.#target!.send(encodeRequest(words), 1, (reply) => {
      this.#isMoving = true;
      take(reply instanceof Failure ? reply.text : null);
    });
  }

  /** The time is for each step, not for the whole: a large value may take many. */
  #watch(connection: Connection, unsentBytes: number): void {
    this.#timer?.cancel();
    this.#timer = this.#shard.world.clock.after(this.#wish.timeoutMs, () => {
      const isMoving = this.#isMoving || connection.unsentBytes < unsentBytes;
      this.#isMoving = false;
      if (isMoving) this.#watch(connection, connection.unsentBytes);
      else {
        const doing = connection.unsentBytes > 0 ? 'writing' : 'reading';
        this.#target?.close();
        this.#end(`IOERR error or timeout ${doing} to target instance`);
      }
    });
  }

  #end(trouble: string): void {
    this.#trouble ??= trouble;
    this.#resume();
  }

  /** The request runs again, as one that has waited for a key. */
  #resume(): void {
    const { waiting } = this.#session;
    if (waiting === null || waiting.words !== this.#words) {
      this.#close();
      return;
    }
    this.#shard.tick();
    const reply = this.#shard.runAgain(this.#session, waiting);
    if (reply === BLOCKED) return;
    this.#close();
    this.#shard.blocking.release(this.#session, reply);
    this.#shard.endUnit();
    this.#shard.flushLater(this.#session);
  }

  #close(): void {
    underWay.delete(this.#session);
    this.#timer?.cancel();
    this.#target?.close();
  }
}

const underWay = new WeakMap<Session, Migration>();

function migrate(context: CommandContext, words: readonly string[]): Reply {
  const { session, keyspace } = context;
  const before = context.isRetry ? underWay.get(session) : undefined;
  if (before !== undefined) return before.conclude(context);
  const wish = wishOf(words);
  const found = wish.keys.flatMap((key) => sentOf(keyspace, key) ?? []);
  if (found.length === 0) return new Status('NOKEY');
  if (!context.mayBlock) {
    throw refuse('ERR', 'MIGRATE waits for the network and cannot be part of a transaction or a script');
  }
  const migration = new Migration(context, wish, found);
  underWay.set(session, migration);
  context.replicateNothing();
  const reply = context.block({ keys: [], timeoutMs: 0, timeoutReply: BLOCKED });
  migration.start();
  return reply;
}

/** The words behind KEYS, or the one key; both are too much, and none is found. */
const keyPositions = (words: readonly string[]): number[] => {
  const { keysFrom } = migrateWords(words);
  if (keysFrom === null) return [3];
  return words[3] === '' ? Array.from({ length: words.length - keysFrom }, (_, at) => keysFrom + at) : [];
};

export const migrationCommands: readonly Command[] = [
  defineCommand({
    name: 'MIGRATE',
    group: 'generic',
    since: '2.6.0',
    summary: 'Moves keys to another server: they are restored there and deleted here.',
    complexity: 'O(N) for N bytes, here and there',
    flags: ['write', 'movablekeys'],
    categories: ['keyspace', 'dangerous'],
    tips: { other: ['nondeterministic_output'] },
    keySpecs: [
      {
        flags: ['RW', 'access', 'delete'],
        begin: { index: 3 },
        find: { kind: 'range', last: 0, step: 1, limit: 0 },
      },
      {
        flags: ['RW', 'access', 'delete', 'incomplete'],
        begin: { keyword: 'KEYS', from: -2 },
        find: { kind: 'range', last: -1, step: 1, limit: 0 },
      },
    ],
    keyPositions,
    keyFlags: () => ['RW', 'access', 'delete'],
    arguments: {
      host: text(),
      port: unread(integer()),
      keySelector: {
        ...text(),
        doc: {
          type: 'oneof',
          arguments: [
            { name: 'key', type: 'key' },
            { name: 'empty-string', type: 'pure-token', token: '' },
          ],
        },
      },
      destinationDb: unread(integer()),
      timeout: unread(integer()),
      options: byHand(
        0,
        { name: 'copy', type: 'pure-token', token: 'COPY', optional: true },
        { name: 'replace', type: 'pure-token', token: 'REPLACE', optional: true },
        {
          name: 'authentication',
          type: 'oneof',
          optional: true,
          arguments: [
            { name: 'auth', type: 'string', token: 'AUTH', optional: true },
            {
              name: 'auth2',
              type: 'block',
              token: 'AUTH2',
              optional: true,
              arguments: [
                { name: 'username', type: 'string' },
                { name: 'password', type: 'string' },
              ],
            },
          ],
        },
        { name: 'keys', type: 'key', token: 'KEYS', optional: true, multiple: true },
      ),
    },
    run: (context, _given, words) => migrate(context, words),
  }),
];
