/**
 * HyperLogLog: how many different elements were added, estimated within 12 kilobytes. [redis hyperloglog.c]
 *
 * The value is a string in Redis's own format (`../keyspace/hyperloglog.ts`). Other than in Redis, a request that meets a corrupt one
 * changes nothing at all, and a client of a replica never changes what is stored: there PFCOUNT keeps no count.
 */

import { OK, Status, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { placeOf } from '../keyspace/hyperloglog-hash.ts';
import { estimate, HyperLogLog, isHyperLogLog, REGISTERS } from '../keyspace/hyperloglog.ts';
import { RawString } from '../keyspace/raw-string.ts';
import type { CommandContext } from '../shard/context.ts';
import { key, many, text } from './arguments.ts';
import { bytesOf } from './bits.ts';
import { defineCommand, type Command } from './command.ts';
import { asRaw } from './raw-edit.ts';

const INDEX_MASK = REGISTERS - 1;
const SELFTEST_ELEMENTS = 5_000;
/** Four standard errors, of 1.04 / sqrt(16384) each. */
const SELFTEST_ERROR_MAX = 0.0325;

const whole = <T>(result: T | null): T => {
  if (result === null) throw refuse('HLL_CORRUPT');
  return result;
};

function checked(value: string | RawString | undefined): string | RawString | undefined {
  if (value !== undefined && !isHyperLogLog(value)) throw refuse('HLL_INVALID');
  return value;
}

/** A key's registers to change: dense ones are the stored bytes themselves, sparse ones a copy. Undefined: there is no key. */
function edited(context: CommandContext, name: string): { raw: RawString; own: HyperLogLog } | undefined {
  const { keyspace } = context;
  const value = checked(keyspace.editString(name));
  if (value === undefined) return undefined;
  const raw = asRaw(keyspace, name, value);
  const own = new HyperLogLog(raw.view);
  return { raw, own: own.isDense ? own : new HyperLogLog(Buffer.from(raw.view)) };
}

/** Stores what was changed: in place where the bytes are the same. */
function store(context: CommandContext, name: string, own: HyperLogLog, raw?: RawString): void {
  const { keyspace } = context;
  if (raw !== undefined && raw.view.buffer === own.bytes.buffer && raw.view.byteOffset === own.bytes.byteOffset)
    keyspace.changed(name);
  else keyspace.put(name, RawString.of(Buffer.from(own.bytes)), true);
}

/** The highest value of every register among the keys; `anyDense` says whether one of them is dense. */
function united(context: CommandContext, names: readonly string[]): { registers: Uint8Array; anyDense: boolean } {
  const registers = new Uint8Array(REGISTERS);
  let anyDense = false;
  for (const name of names) {
    const value = checked(context.keyspace.readString(name));
    if (value === undefined) continue;
    const one = new HyperLogLog(bytesOf(value));
    anyDense ||= one.isDense;
    const values = whole(one.registers());
    for (let i = 0; i < REGISTERS; i++) if (values[i]! > registers[i]!) registers[i] = values[i]!;
  }
  return { registers, anyDense };
}

/** Of one key the count is kept with it until something is added; keeping it is a write that replicas make too. */
function countOne(context: CommandContext, name: string): bigint | number {
  const { keyspace, shard, session } = context;
  const value = checked(keyspace.readString(name));
  if (value === undefined) return 0;
  const mayKeep = shard.role === 'primary' || session.kind === 'primary';
  // Bytes to change also where the count is known or the registers are broken [redis hyperloglog.c pfcountCommand]
  const own = new HyperLogLog(mayKeep ? asRaw(keyspace, name, keyspace.editString(name)!).view : bytesOf(value));
  const kept = own.cardinality;
  const count = kept ?? estimate(whole(own.registers()));
  if (mayKeep && kept === null) {
    own.keepCardinality(Number(count));
    keyspace.changed(name);
    context.replicateAs(...context.words);
  }
  return count;
}

interface Look {
  /** Does it turn the value into a dense one? */
  readonly densifies: boolean;
  run(own: HyperLogLog, wasDense: boolean): Reply;
}

/** PFDEBUG's subcommands. */
const LOOKS: Readonly<Record<string, Look>> = {
  GETREG: { densifies: true, run: (own) => Array.from(whole(own.registers())) },
  DECODE: {
    densifies: false,
    run(own, wasDense) {
      if (wasDense) throw refuse('ERR', 'HLL encoding is not sparse');
      const runs = Array.from(own.runs(), ({ value, length, bytes }) =>
        value > 0 ? `v:${value},${length}` : `${bytes === 2 ? 'Z' : 'z'}:${length}`,
      );
      return runs.join(' ');
    },
  },
  ENCODING: { densifies: false, run: (_own, wasDense) => new Status(wasDense ? 'dense' : 'sparse') },
  TODENSE: { densifies: true, run: (_own, wasDense) => (wasDense ? 0 : 1) },
};

function selfTest(): void {
  const dense = HyperLogLog.empty();
  const sparse = HyperLogLog.empty();
  dense.toDense();
  for (let i = 1; i <= SELFTEST_ELEMENTS; i++) {
    const place = placeOf(`element ${i}`);
    dense.raise(place & INDEX_MASK, Math.floor(place / REGISTERS), 0);
    sparse.raise(place & INDEX_MASK, Math.floor(place / REGISTERS), REGISTERS * 2);
    if (i % (SELFTEST_ELEMENTS / 10) !== 0) continue;
    const [count, same] = [estimate(dense.registers()!), estimate(sparse.registers()!)];
    if (count !== same) throw refuse('RAW', `TESTFAILED dense/sparse disagree: ${count} and ${same} of ${i}`);
    if (Math.abs(count - i) > i * SELFTEST_ERROR_MAX) throw refuse('RAW', `TESTFAILED Too big error: ${count} of ${i}`);
  }
  // Every register by itself: raising one must leave its neighbours alone
  const expected = dense.registers()!;
  for (let i = 0; i < REGISTERS; i++) {
    expected[i] = Math.max(expected[i]!, (i * 7) % 64);
    dense.raise(i, (i * 7) % 64, 0);
  }
  const found = dense.registers()!;
  const wrong = expected.findIndex((value, i) => value !== found[i]);
  if (wrong >= 0)
    throw refuse('RAW', `TESTFAILED Register ${wrong} should be ${expected[wrong]} but is ${found[wrong]}`);
}

export const hyperLogLogCommands: readonly Command[] = [
  defineCommand({
    name: 'PFADD',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Adds elements to a HyperLogLog; without elements it makes one that is empty.',
    complexity: 'O(1) for each element.',
    flags: ['write', 'denyoom', 'fast'],
    arguments: { key: key('RW', 'insert'), element: many(text(), { min: 0 }) },
    run(context, given) {
      const found = edited(context, given.key);
      const own = found?.own ?? HyperLogLog.empty();
      const sparseBytesMax = context.shard.config.get('hll-sparse-max-bytes');
      let changes = found === undefined ? 1 : 0;
      for (const element of given.element) {
        const place = placeOf(element);
        if (whole(own.raise(place & INDEX_MASK, Math.floor(place / REGISTERS), sparseBytesMax))) changes++;
      }
      if (changes === 0) return 0;
      own.forgetCardinality();
      store(context, given.key, own, found?.raw);
      context.keyspace.recount(changes - 1);
      return 1;
    },
  }),

  defineCommand({
    name: 'PFCOUNT',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Estimates how many different elements one HyperLogLog holds, or several together.',
    complexity: 'O(1) with a small constant for one key, O(N) for several.',
    flags: ['readonly', 'may_replicate'],
    arguments: { key: many(key('RW', 'access')) },
    run(context, { key: names }) {
      return names.length === 1 ? countOne(context, names[0]!) : estimate(united(context, names).registers);
    },
  }),

  defineCommand({
    name: 'PFMERGE',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Merges HyperLogLogs into one, together with what that holds.',
    complexity: 'O(N) with a large constant for each key.',
    flags: ['write', 'denyoom'],
    arguments: { destkey: key('RW', 'access', 'insert'), sourcekey: many(key('RO', 'access'), { min: 0 }) },
    run(context, { destkey, sourcekey }) {
      const { registers, anyDense } = united(context, [destkey, ...sourcekey]);
      const found = edited(context, destkey);
      const own = found?.own ?? HyperLogLog.empty();
      if (anyDense) whole(own.toDense());
      const sparseBytesMax = context.shard.config.get('hll-sparse-max-bytes');
      for (let i = 0; i < REGISTERS; i++) if (registers[i] !== 0) whole(own.raise(i, registers[i]!, sparseBytesMax));
      own.forgetCardinality();
      store(context, destkey, own, found?.raw);
      return OK;
    },
  }),

  defineCommand({
    name: 'PFDEBUG',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Looks into a HyperLogLog: GETREG, DECODE, ENCODING, TODENSE.',
    complexity: 'N/A',
    flags: ['write', 'denyoom', 'admin'],
    isForServers: true,
    arguments: { subcommand: text(), key: key('RW', 'access') },
    run(context, given) {
      const found = edited(context, given.key);
      if (found === undefined) throw refuse('ERR', 'The specified key does not exist');
      const look = LOOKS[given.subcommand.toUpperCase()];
      if (look === undefined) throw refuse('ERR', `Unknown PFDEBUG subcommand '${given.subcommand}'`);
      const { own, raw } = found;
      const wasDense = own.isDense;
      if (look.densifies && !wasDense) {
        whole(own.toDense());
        store(context, given.key, own, raw);
      }
      return look.run(own, wasDense);
    },
  }),

  defineCommand({
    name: 'PFSELFTEST',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Checks the HyperLogLog of this server: both encodings, and how far estimates are off.',
    complexity: 'N/A',
    flags: ['admin'],
    isForServers: true,
    arguments: {},
    run() {
      selfTest();
      return OK;
    },
  }),
];
