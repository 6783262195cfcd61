/** The commands of a cluster's shards, as one table: what a Redis server knows, replication, and the marks of Replica Of. */

import { dataCommands } from '../../node/commands/index.ts';
import { CommandTable } from '../../node/commands/table.ts';
import { replicationCommands } from '../../replication/commands.ts';
import { markCommands } from '../../replication/replica-of/marks.ts';

export const shardCommands = new CommandTable([...dataCommands, ...replicationCommands, ...markCommands]);
