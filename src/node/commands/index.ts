/** Every command of a shard's data plane, by group. Replication adds its own (`replication/commands.ts`). */

import { aclCommands } from './acl.ts';
import { bitmapCommands } from './bitmaps.ts';
import { clusterCommands } from './cluster.ts';
import type { Command } from './command.ts';
import { connectionCommands } from './connection.ts';
import { debugCommands } from './debug.ts';
import { functionCommands } from './functions.ts';
import { geoCommands } from './geo.ts';
import { hashExpiryCommands } from './hash-expiry.ts';
import { hashCommands } from './hashes.ts';
import { hyperLogLogCommands } from './hyperloglogs.ts';
import { keyCommands } from './keys.ts';
import { listCommands } from './lists.ts';
import { persistenceCommands } from './persistence.ts';
import { pubsubCommands } from './pubsub.ts';
import { scanCommands } from './scan.ts';
import { scriptingCommands } from './scripting.ts';
import { serverCommands } from './server.ts';
import { setCommands } from './sets.ts';
import { slowlogCommands } from './slowlog.ts';
import { sortCommands } from './sort.ts';
import { sortedSetCommands } from './sorted-sets.ts';
import { streamGroupCommands } from './stream-groups.ts';
import { streamCommands } from './streams.ts';
import { stringCommands } from './strings.ts';
import { transactionCommands } from './transactions.ts';

export const dataCommands: readonly Command[] = [
  ...stringCommands,
  ...bitmapCommands,
  ...hyperLogLogCommands,
  ...keyCommands,
  ...scanCommands,
  ...sortCommands,
  ...listCommands,
  ...hashCommands,
  ...hashExpiryCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...geoCommands,
  ...streamCommands,
  ...streamGroupCommands,
  ...pubsubCommands,
  ...transactionCommands,
  ...scriptingCommands,
  ...functionCommands,
  ...connectionCommands,
  ...serverCommands,
  ...clusterCommands,
  ...slowlogCommands,
  ...persistenceCommands,
  ...aclCommands,
  ...debugCommands,
];
