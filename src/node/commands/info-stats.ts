/** Sections of INFO about commands and errors: commandstats, errorstats, latencystats. [redis server.c genRedisInfoStringCommandStats] */

import type { CommandStat } from '../shard/command-stats.ts';
import type { Shard } from '../shard/shard.ts';
import type { Command } from './command.ts';

type Fields = readonly (readonly [name: string, value: string])[];

/** A container and its subcommand are one name. */
const nameOf = (command: Command): string => command.fullName.toLowerCase().replace(' ', '|');

const named = (shard: Shard, has: (stat: CommandStat) => boolean): (readonly [string, CommandStat])[] =>
  Array.from(shard.commandStats.commands)
    .filter(([, stat]) => has(stat))
    .map(([command, stat]) => [nameOf(command), stat] as const);

export const commandstats = (shard: Shard): Fields =>
  named(shard, ({ calls, rejected, failed }) => calls + rejected + failed > 0).map(([name, stat]) => {
    const microseconds = Math.round(stat.microseconds);
    const each = stat.calls === 0 ? 0 : microseconds / stat.calls;
    const counts = `rejected_calls=${stat.rejected},failed_calls=${stat.failed}`;
    return [`cmdstat_${name}`, `calls=${stat.calls},usec=${microseconds},usec_per_call=${each.toFixed(2)},${counts}`];
  });

export const errorstats = ({ commandStats }: Shard): Fields =>
  Array.from(commandStats.errorCounts, ([code, count]) => [`errorstat_${code}`, `count=${count}`] as const);

export function latencystats(shard: Shard): Fields {
  if (!shard.commandStats.tracksLatency) return [];
  const percents = shard.config.get('latency-tracking-info-percentiles').split(' ').filter(Boolean);
  return named(shard, ({ latency }) => latency !== null).map(([name, { latency }]) => [
    `latency_percentiles_usec_${name}`,
    percents.map((percent) => `p${percent}=${(latency!.percentile(Number(percent)) / 1000).toFixed(3)}`).join(','),
  ]);
}
