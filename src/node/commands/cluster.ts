/**
 * CLUSTER and its kin, as a server without cluster support answers them: known, and refused. A database of Redis Enterprise is
 * sharded by its proxies; its shards are servers like that. [redis cluster.c clusterCommand]
 */

import { refuse } from '../../resp/refusals.ts';
import { rest } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';

interface Kin {
  readonly name: string;
  readonly arity: number;
  readonly since: string;
  readonly flags: readonly Flag[];
}

const ASKS: readonly Flag[] = ['stale'];
const RULES: readonly Flag[] = ['admin', 'stale'];
const CHANGES: readonly Flag[] = ['admin', 'stale', 'no_async_loading'];

/** Whose replies would not be the same each time. */
const CHANGEABLE = / (?:GETKEYSINSLOT|INFO|NODES|SLOTS|LINKS|SHARDS|COUNT-FAILURE-REPORTS|SLAVES|REPLICAS|BUMPEPOCH)$/;

const kin = (flags: readonly Flag[], since: string, names: Readonly<Record<string, number>>): Kin[] =>
  Object.entries(names).map(([name, arity]) => ({ name, arity, since, flags }));

const ALL: readonly Kin[] = [
  ...kin(['loading', 'stale'], '5.0.0', { 'CLUSTER HELP': 2 }),
  ...kin(ASKS, '3.0.0', {
    'CLUSTER COUNTKEYSINSLOT': 3,
    'CLUSTER GETKEYSINSLOT': 4,
    'CLUSTER INFO': 2,
    'CLUSTER KEYSLOT': 3,
    'CLUSTER MYID': 2,
    'CLUSTER NODES': 2,
    'CLUSTER SLOTS': 2,
  }),
  ...kin(ASKS, '7.0.0', { 'CLUSTER LINKS': 2, 'CLUSTER SHARDS': 2 }),
  ...kin(ASKS, '7.2.0', { 'CLUSTER MYSHARDID': 2 }),
  ...kin(RULES, '3.0.0', { 'CLUSTER COUNT-FAILURE-REPORTS': 3, 'CLUSTER SLAVES': 3 }),
  ...kin(RULES, '5.0.0', { 'CLUSTER REPLICAS': 3 }),
  ...kin(['admin', 'noscript', 'stale'], '3.0.0', { 'CLUSTER RESET': -2 }),
  ...kin(CHANGES, '3.0.0', {
    'CLUSTER ADDSLOTS': -3,
    'CLUSTER BUMPEPOCH': 2,
    'CLUSTER DELSLOTS': -3,
    'CLUSTER FAILOVER': -2,
    'CLUSTER FLUSHSLOTS': 2,
    'CLUSTER FORGET': 3,
    'CLUSTER MEET': -4,
    'CLUSTER REPLICATE': 3,
    'CLUSTER SAVECONFIG': 2,
    'CLUSTER SET-CONFIG-EPOCH': 3,
    'CLUSTER SETSLOT': -4,
  }),
  ...kin(CHANGES, '7.0.0', { 'CLUSTER ADDSLOTSRANGE': -4, 'CLUSTER DELSLOTSRANGE': -4 }),
  ...kin(['fast'], '3.0.0', { ASKING: 1 }),
  ...kin(['loading', 'stale', 'fast'], '3.0.0', { READONLY: 1, READWRITE: 1 }),
];

export const clusterCommands: readonly Command[] = ALL.map(({ name, arity, since, flags }) =>
  defineCommand({
    name,
    group: 'cluster',
    since,
    summary: 'Refused: this server has no cluster support.',
    complexity: 'O(1)',
    flags,
    ...(!name.includes(' ') && { categories: ['connection'] }),
    arity,
    ...(CHANGEABLE.test(name) && { tips: { other: ['nondeterministic_output'] } }),
    arguments: { words: rest({ type: 'string' }) },
    run() {
      throw refuse('ERR', 'This instance has cluster support disabled');
    },
  }),
);
