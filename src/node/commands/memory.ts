/**
 * MEMORY: what keys, clients and the shard take. Everything is counted as it changes, so nothing is sampled; what only an
 * allocator knows (fragmentation, pages) is left out. [redis object.c memoryCommand]
 */

import { Double, MapReply, OK, Verbatim, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { DICT_BYTES, EXPIRY_BYTES, KEY_BYTES } from '../keyspace/memory.ts';
import { humanBytes } from '../shard/memory-size.ts';
import { STARTUP_BYTES } from '../shard/memory.ts';
import type { Shard } from '../shard/shard.ts';
import { integer, key, option, options } from './arguments.ts';
import { defineCommand, type Command, type CommandDeclaration, type Tips } from './command.ts';
import { helpCommand } from './help.ts';

const PER_SHARD: Tips = { request: 'all_shards', response: 'special', other: ['nondeterministic_output'] };

/** Memory of the keys' tables of a database. */
const tableBytes = (keys: number): number => (keys === 0 ? 0 : DICT_BYTES + keys * KEY_BYTES);
const expiryBytes = (keys: number): number => (keys === 0 ? 0 : DICT_BYTES + keys * EXPIRY_BYTES);

export interface MemoryFacts {
  readonly usedBytes: number;
  readonly peakBytes: number;
  /** All but the data: the shard's own, clients, backlog, tables of keys. */
  readonly overheadBytes: number;
  readonly datasetBytes: number;
  readonly keys: number;
}

export function memoryFacts({ memory, keyspaces }: Shard): MemoryFacts {
  memory.sample();
  let tables = 0;
  let keys = 0;
  for (const { size, expiring } of keyspaces) {
    tables += tableBytes(size) + expiryBytes(expiring);
    keys += size;
  }
  const { usedBytes, peakBytes } = memory;
  const overheadBytes = Math.min(usedBytes, memory.overheadBytes + tables);
  return { usedBytes, peakBytes, overheadBytes, datasetBytes: usedBytes - overheadBytes, keys };
}

/** A share of a whole, in percent. */
const percent = (part: number, whole: number): number => (whole === 0 ? 0 : (part * 100) / whole);

export const datasetPercent = ({ datasetBytes, usedBytes }: MemoryFacts): number =>
  percent(datasetBytes, Math.max(1, usedBytes - STARTUP_BYTES));

const mapOf = (fields: Readonly<Record<string, Reply>>): Reply => new MapReply(Object.entries(fields).flat());

function stats(shard: Shard): Reply {
  const { memory, keyspaces } = shard;
  const facts = memoryFacts(shard);
  const databases: Record<string, Reply> = {};
  for (const { index, size, expiring } of keyspaces) {
    if (size === 0) continue;
    databases[`db.${index}`] = mapOf({
      'overhead.hashtable.main': tableBytes(size),
      'overhead.hashtable.expires': expiryBytes(expiring),
    });
  }
  return mapOf({
    'peak.allocated': facts.peakBytes,
    'total.allocated': facts.usedBytes,
    'startup.allocated': STARTUP_BYTES,
    'replication.backlog': memory.partBytes('replication_backlog'),
    'clients.slaves': memory.partBytes('clients_slaves'),
    'clients.normal': memory.clientBytes,
    'cluster.links': 0,
    'aof.buffer': 0,
    'lua.caches': memory.partBytes('lua_caches'),
    'functions.caches': memory.partBytes('functions_caches'),
    ...databases,
    // A dictionary grows by a bucket at a time: none is ever held twice
    'overhead.db.hashtable.lut': shard.keyspaces.reduce(
      (sum, { size, expiring }) => sum + tableBytes(size) + expiryBytes(expiring),
      0,
    ),
    'overhead.db.hashtable.rehashing': 0,
    'overhead.total': facts.overheadBytes,
    'db.dict.rehashing.count': 0,
    'keys.count': facts.keys,
    'keys.bytes-per-key': facts.keys === 0 ? 0 : Math.floor((facts.usedBytes - STARTUP_BYTES) / facts.keys),
    'dataset.bytes': facts.datasetBytes,
    'dataset.percentage': new Double(datasetPercent(facts)),
    'peak.percentage': new Double(percent(facts.usedBytes, facts.peakBytes)),
  });
}

/** Below this nothing can be said. */
const DOCTOR_BYTES_MIN = 5 * 1024 * 1024;
const PEAK_FACTOR_MAX = 1.5;
const CLIENT_BYTES_MAX = 200 * 1024;
const REPLICA_BYTES_MAX = 10 * 1024 * 1024;

/** What an administrator should look at; the thresholds are Redis's [redis object.c getMemoryDoctorReport]. */
function report(shard: Shard): string {
  const { memory, sessions } = shard;
  const { usedBytes, peakBytes } = memoryFacts(shard);
  if (usedBytes < DOCTOR_BYTES_MIN) {
    return `Too little data to judge: ${humanBytes(usedBytes)} in use. Ask again when there is more than ${humanBytes(DOCTOR_BYTES_MIN)}.`;
  }
  const replicas = [...sessions.values()].filter(({ kind }) => kind === 'replica').length;
  const clients = sessions.size - replicas;
  const found: string[] = [];
  if (peakBytes / usedBytes > PEAK_FACTOR_MAX) {
    found.push(
      `Peak: ${humanBytes(peakBytes)} were in use at some time and ${humanBytes(usedBytes)} are now; the process may hold on to the difference.`,
    );
  }
  const perClient = clients === 0 ? 0 : memory.clientBytes / clients;
  if (perClient > CLIENT_BYTES_MAX) {
    found.push(
      `Clients: they take ${humanBytes(perClient)} each on average; some do not read their replies or send very long requests. See CLIENT LIST, omem and qbuf.`,
    );
  }
  const perReplica = replicas === 0 ? 0 : memory.partBytes('clients_slaves') / replicas;
  if (perReplica > REPLICA_BYTES_MAX) {
    found.push(
      `Replicas: ${humanBytes(perReplica)} wait for each on average; they are slower than the writes or the network is.`,
    );
  }
  if (memory.overLimit) {
    found.push(`Limit: more is in use than maxmemory allows (${humanBytes(memory.limitBytes)}); writes are refused.`);
  }
  if (found.length === 0) return 'No memory problem found: peak, clients and replicas are as they should be.';
  return `${found.length === 1 ? 'A memory problem was' : 'Memory problems were'} found:\n\n${found.map((each) => ` * ${each}\n`).join('')}`;
}

const about = (
  name: string,
  tips: Tips,
  summary: string,
  run: CommandDeclaration<Record<string, never>>['run'],
): Command =>
  defineCommand({
    name: `MEMORY ${name}`,
    group: 'server',
    since: '4.0.0',
    summary,
    flags: [],
    tips,
    arguments: {},
    run,
  });

export const memoryCommands: readonly Command[] = [
  defineCommand({
    name: 'MEMORY USAGE',
    group: 'server',
    since: '4.0.0',
    summary: 'Estimates the memory a key and its value take.',
    complexity: 'O(N) where N is the number of samples.',
    flags: ['readonly'],
    arguments: { key: key('RO'), options: options({ count: option('SAMPLES', integer()) }) },
    run({ keyspace }, { key, options: { count = 0 } }) {
      if (count < 0) throw refuse('SYNTAX');
      const value = keyspace.peek(key);
      return value === undefined ? null : keyspace.keyBytes(key, value);
    },
  }),
  about('STATS', PER_SHARD, 'Tells what takes memory, part by part.', ({ shard }) => stats(shard)),
  about('DOCTOR', PER_SHARD, 'Looks for memory problems.', ({ shard }) => new Verbatim(report(shard))),
  about(
    'MALLOC-STATS',
    PER_SHARD,
    'Says that there is no allocator with statistics.',
    () => 'Stats not supported for the current allocator',
  ),
  about(
    'PURGE',
    { request: 'all_shards', response: 'all_succeeded' },
    'Accepted: memory is given back by the collector, which needs no telling.',
    () => OK,
  ),
  helpCommand({
    container: 'MEMORY',
    group: 'server',
    since: '4.0.0',
    lines: [
      ['DOCTOR', 'Looks for memory problems.'],
      ['MALLOC-STATS', 'Statistics of the allocator: there are none.'],
      ['PURGE', 'Accepted; memory is given back without it.'],
      ['STATS', 'What takes memory, part by part.'],
      [
        'USAGE <key> [SAMPLES <count>]',
        'Estimate of the bytes a key and its value take. It is counted at each change:',
        'nothing is sampled, whatever <count> says.',
      ],
    ],
  }),
];
