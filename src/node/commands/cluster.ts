/**
 * CLUSTER and its kin, as a server without cluster support answers them: known, and refused. A database of Redis Enterprise is
 * sharded by its proxies; its shards are servers like that. [redis cluster.c clusterCommand]
 */

import { refuse } from '../../resp/refusals.ts';
import { byHand, pureToken, type ArgumentDoc } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';

interface Kin {
  readonly name: string;
  readonly arity: number;
  readonly since: string;
  readonly flags: readonly Flag[];
  /** Shown, and never read: the refusal comes first. */
  readonly docs: readonly ArgumentDoc[];
}

const ASKS: readonly Flag[] = ['stale'];
const ASKS_WHILE_LOADING: readonly Flag[] = ['loading', 'stale'];
const RULES: readonly Flag[] = ['admin', 'stale'];
const CHANGES: readonly Flag[] = ['admin', 'stale', 'no_async_loading'];

/** Whose replies would not be the same each time. */
const CHANGEABLE =
  / (?:GETKEYSINSLOT|INFO|MYSHARDID|NODES|SLOTS|LINKS|SHARDS|COUNT-FAILURE-REPORTS|SLAVES|REPLICAS|BUMPEPOCH)$/;

const DEPRECATED: Readonly<Record<string, { readonly since: string; readonly replacedBy: string }>> = {
  'CLUSTER SLAVES': { since: '5.0.0', replacedBy: '`CLUSTER REPLICAS`' },
  'CLUSTER SLOTS': { since: '7.0.0', replacedBy: '`CLUSTER SHARDS`' },
};

const nodeId: ArgumentDoc = { name: 'node-id', type: 'string' };
const slot: ArgumentDoc = { name: 'slot', type: 'integer' };
const slots: ArgumentDoc = { ...slot, multiple: true };
const integer = (name: string): ArgumentDoc => ({ name, type: 'integer' });
const slotRanges: ArgumentDoc = {
  name: 'range',
  type: 'block',
  multiple: true,
  arguments: [integer('start-slot'), integer('end-slot')],
};
const oneOf = (name: string, ...tokens: readonly string[]): ArgumentDoc => ({
  name,
  type: 'oneof',
  optional: true,
  arguments: tokens.map((token) => pureToken(token)),
});
const meetingPlace: readonly ArgumentDoc[] = [
  { name: 'ip', type: 'string' },
  integer('port'),
  { ...integer('cluster-bus-port'), optional: true },
];
const slotState: ArgumentDoc = {
  name: 'subcommand',
  type: 'oneof',
  arguments: [...['IMPORTING', 'MIGRATING', 'NODE'].map((token) => ({ ...nodeId, token })), pureToken('STABLE')],
};

/** Name, arity, and what COMMAND DOCS shows of arguments. */
type Row = readonly [name: string, arity: number, ...docs: ArgumentDoc[]];

const kin = (flags: readonly Flag[], since: string, ...rows: readonly Row[]): Kin[] =>
  rows.map(([name, arity, ...docs]) => ({ name, arity, since, flags, docs }));

const ALL: readonly Kin[] = [
  ...kin(['loading', 'stale'], '5.0.0', ['CLUSTER HELP', 2]),
  ...kin(
    ASKS,
    '3.0.0',
    ['CLUSTER COUNTKEYSINSLOT', 3, slot],
    ['CLUSTER GETKEYSINSLOT', 4, slot, integer('count')],
    ['CLUSTER INFO', 2],
    ['CLUSTER KEYSLOT', 3, { name: 'key', type: 'string' }],
    ['CLUSTER MYID', 2],
    ['CLUSTER NODES', 2],
  ),
  ...kin(ASKS_WHILE_LOADING, '3.0.0', ['CLUSTER SLOTS', 2]),
  ...kin(ASKS, '7.0.0', ['CLUSTER LINKS', 2]),
  ...kin(ASKS_WHILE_LOADING, '7.0.0', ['CLUSTER SHARDS', 2]),
  ...kin(ASKS, '7.2.0', ['CLUSTER MYSHARDID', 2]),
  ...kin(RULES, '3.0.0', ['CLUSTER COUNT-FAILURE-REPORTS', 3, nodeId], ['CLUSTER SLAVES', 3, nodeId]),
  ...kin(RULES, '5.0.0', ['CLUSTER REPLICAS', 3, nodeId]),
  ...kin(['admin', 'noscript', 'stale'], '3.0.0', ['CLUSTER RESET', -2, oneOf('how', 'HARD', 'SOFT')]),
  ...kin(
    CHANGES,
    '3.0.0',
    ['CLUSTER ADDSLOTS', -3, slots],
    ['CLUSTER BUMPEPOCH', 2],
    ['CLUSTER DELSLOTS', -3, slots],
    ['CLUSTER FAILOVER', -2, oneOf('options', 'FORCE', 'TAKEOVER')],
    ['CLUSTER FLUSHSLOTS', 2],
    ['CLUSTER FORGET', 3, nodeId],
    ['CLUSTER MEET', -4, ...meetingPlace],
    ['CLUSTER REPLICATE', 3, nodeId],
    ['CLUSTER SAVECONFIG', 2],
    ['CLUSTER SET-CONFIG-EPOCH', 3, integer('config-epoch')],
    ['CLUSTER SETSLOT', -4, slot, slotState],
  ),
  ...kin(CHANGES, '7.0.0', ['CLUSTER ADDSLOTSRANGE', -4, slotRanges], ['CLUSTER DELSLOTSRANGE', -4, slotRanges]),
  ...kin(['fast'], '3.0.0', ['ASKING', 1]),
  ...kin(['loading', 'stale', 'fast'], '3.0.0', ['READONLY', 1], ['READWRITE', 1]),
];

export const clusterCommands: readonly Command[] = ALL.map(({ name, arity, since, flags, docs }) =>
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
    ...(name in DEPRECATED && { deprecated: DEPRECATED[name]! }),
    arguments: { words: byHand(0, ...docs) },
    run() {
      throw refuse('ERR', 'This instance has cluster support disabled');
    },
  }),
);
