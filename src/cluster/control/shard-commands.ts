/** The commands of a cluster's shards, as one table: a Redis server's, replication, marks of Replica Of, scripts of an endpoint's users. */

import { dataCommands } from '../../node/commands/index.ts';
import { scriptUserCommand } from '../../node/commands/script-user.ts';
import { CommandTable } from '../../node/commands/table.ts';
import { replicationCommands } from '../../replication/commands.ts';
import { markCommands } from '../../replication/replica-of/marks.ts';

export const shardCommands = new CommandTable([
  ...dataCommands,
  ...replicationCommands,
  ...markCommands,
  scriptUserCommand,
]);
