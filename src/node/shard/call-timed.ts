/** What is told of how long a command took: INFO's commandstats and latencystats, the slow log, LATENCY. [redis server.c call] */

import type { Command } from '../commands/command.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

/** One in so many was timed where it `isSampled`: see `command-stats.ts`. */
export function callTimed(
  shard: Shard,
  session: Session,
  command: Command,
  words: readonly string[],
  milliseconds: number,
  isSampled: boolean,
): void {
  const { commandStats, slowlog, latency } = shard;
  commandStats.ended(commandStats.of(command), milliseconds, isSampled);
  slowlog.ended(session, command, words, milliseconds);
  if (latency.isOn) latency.ended(command.flags.has('fast') ? 'fast-command' : 'command', milliseconds, shard.now);
}
