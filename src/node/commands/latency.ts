/** LATENCY: what `shard/latency.ts` keeps of events that took long, and how long commands took, which is always counted. [redis latency.c] */

import { MapReply, Verbatim, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { Histogram } from '../shard/histogram.ts';
import type { LatencySeries } from '../shard/latency.ts';
import type { Shard } from '../shard/shard.ts';
import { many, named, optional, text } from './arguments.ts';
import { defineCommand, type Command, type Flag, type Tips } from './command.ts';
import { helpCommand } from './help.ts';
import { latencyGraph } from './latency-graph.ts';

const FLAGS: readonly Flag[] = ['admin', 'noscript', 'loading', 'stale'];
const OF_EACH: Tips = { request: 'all_nodes', response: 'special', other: ['nondeterministic_output'] };

/** Upper bounds of the buckets, nanoseconds: those of a histogram with two significant digits from a microsecond on. */
const FIRST_BUCKET_END = 1032;

/** How many calls took so many microseconds at most, where that grows. */
function cumulative(histogram: Histogram): Reply {
  const pairs: number[] = [];
  let before = 0;
  for (let end = FIRST_BUCKET_END; before < histogram.count; end *= 2) {
    const count = Math.min(histogram.count, histogram.upTo(end - 1));
    if (count > before) pairs.push(Math.floor((end - 1) / 1000), count);
    before = count;
  }
  return new MapReply(pairs);
}

/** Those named and called, each of a container's; all without names. */
function histograms(shard: Shard, names: readonly string[]): Reply {
  const wanted = names.map((name) => name.toLowerCase());
  const entries: Reply[] = [];
  for (const [{ fullName }, { calls, latency }] of shard.commandStats.commands) {
    if (latency === null || calls === 0) continue;
    const isWanted = wanted.some((name) => fullName === name || fullName.startsWith(`${name}|`));
    if (names.length > 0 && !isWanted) continue;
    entries.push(fullName, new MapReply(['calls', calls, 'histogram_usec', cumulative(latency)]));
  }
  return new MapReply(entries);
}

function report(shard: Shard): string {
  const { latency } = shard;
  if (!latency.isOn) {
    return 'Latency is not watched: tell it from how many milliseconds on an event is worth a note, as in "CONFIG SET latency-monitor-threshold 100".\n';
  }
  if (latency.series.size === 0) {
    return `Nothing has taken ${latency.thresholdMs} milliseconds or longer since it is watched, or since LATENCY RESET.\n`;
  }
  const lines = [...latency.series].map(([event, series], at) => `${at + 1}. ${event}: ${sentence(series)}\n`);
  const advice = [
    ...(latency.series.has('command') || latency.series.has('fast-command')
      ? [
          'SLOWLOG GET shows which requests were slow; what asks for many elements at once can be asked in parts (SCAN, ranges).',
        ]
      : []),
    ...(latency.series.has('expire-cycle') ? ['Many keys expire in the same moment: spread their times.'] : []),
    ...(latency.series.has('eviction-cycle') ? ['Eviction works hard: raise maxmemory, or evict smaller values.'] : []),
  ];
  return `Events that took ${latency.thresholdMs} milliseconds or longer:\n\n${lines.join('')}\n${advice.map((line) => `- ${line}\n`).join('')}`;
}

function sentence({ samples, longestMs }: LatencySeries): string {
  const sum = samples.reduce((total, { milliseconds }) => total + milliseconds, 0);
  const average = Math.round(sum / samples.length);
  const spread = Math.round(
    samples.reduce((total, { milliseconds }) => total + Math.abs(milliseconds - average), 0) / samples.length,
  );
  const seconds = samples.at(-1)!.atSeconds - samples[0]!.atSeconds;
  const period = samples.length < 2 ? '' : `, one every ${Math.round(seconds / (samples.length - 1))} seconds`;
  return `${samples.length} samples (on average ${average} ms, mean deviation ${spread} ms${period}). The worst ever: ${longestMs} ms.`;
}

export const latencyCommands: readonly Command[] = [
  defineCommand({
    name: 'LATENCY DOCTOR',
    group: 'server',
    since: '2.8.13',
    summary: 'Tells people what took long, and what to do about it.',
    complexity: 'O(1)',
    flags: FLAGS,
    tips: OF_EACH,
    arguments: {},
    run: ({ shard }) => new Verbatim(report(shard)),
  }),

  defineCommand({
    name: 'LATENCY GRAPH',
    group: 'server',
    since: '2.8.13',
    summary: 'Draws the samples of an event.',
    complexity: 'O(1)',
    flags: FLAGS,
    tips: OF_EACH,
    arguments: { event: text() },
    run({ shard, now }, { event }) {
      const series = shard.latency.series.get(event);
      if (series === undefined) throw refuse('ERR', `No samples available for event '${event}'`);
      return new Verbatim(latencyGraph(event, series, Math.floor(now / 1000)));
    },
  }),

  defineCommand({
    name: 'LATENCY HISTOGRAM',
    group: 'server',
    since: '7.0.0',
    summary: 'Answers how long calls of commands took, as a cumulative distribution.',
    complexity: 'O(N) where N is the number of commands with latency information being retrieved.',
    flags: FLAGS,
    tips: OF_EACH,
    arguments: { commands: optional(many(named('command', text()))) },
    run: ({ shard }, { commands = [] }) => histograms(shard, commands),
  }),

  defineCommand({
    name: 'LATENCY HISTORY',
    group: 'server',
    since: '2.8.13',
    summary: 'Answers the samples of an event: when, and how many milliseconds.',
    complexity: 'O(1)',
    flags: FLAGS,
    tips: OF_EACH,
    arguments: { event: text() },
    run: ({ shard }, { event }) =>
      (shard.latency.series.get(event)?.samples ?? []).map(({ atSeconds, milliseconds }) => [atSeconds, milliseconds]),
  }),

  defineCommand({
    name: 'LATENCY LATEST',
    group: 'server',
    since: '2.8.13',
    summary: 'Answers the latest sample of each event, and the longest.',
    complexity: 'O(1)',
    flags: FLAGS,
    tips: OF_EACH,
    arguments: {},
    run: ({ shard }) =>
      [...shard.latency.series].map(([event, { samples, longestMs }]) => {
        const { atSeconds, milliseconds } = samples.at(-1)!;
        return [event, atSeconds, milliseconds, longestMs];
      }),
  }),

  defineCommand({
    name: 'LATENCY RESET',
    group: 'server',
    since: '2.8.13',
    summary: 'Forgets the samples of some events, or of all.',
    complexity: 'O(1)',
    flags: FLAGS,
    tips: { request: 'all_nodes', response: 'agg_sum' },
    arguments: { events: optional(many(named('event', text()))) },
    run({ shard: { latency } }, { events = [...latency.series.keys()] }) {
      return events.filter((event) => latency.reset(event)).length;
    },
  }),

  helpCommand({
    container: 'LATENCY',
    group: 'server',
    since: '2.8.13',
    lines: [
      ['DOCTOR', 'Tells what took long, and what to do about it.'],
      ['GRAPH <event>', 'Draws the samples of an event.'],
      ['HISTORY <event>', 'Samples of an event.'],
      ['LATEST', 'The latest sample of each event.'],
      ['RESET [<event> ...]', 'Forgets the samples of some events, or of all.'],
      ['HISTOGRAM [<command> ...]', 'How long calls of commands took.'],
    ],
  }),
];
