/** CONFIG: parameters looked at and changed while the server runs. The parameters themselves are in `shard/config.ts`. */

import { MapReply, OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import { isOfListening, type Config } from '../shard/config.ts';
import { parameterOf, type ParameterName } from '../shard/config-parameters.ts';
import type { CommandContext } from '../shard/context.ts';
import { rewriteConfigFile } from '../shard/config-rewrite.ts';
import { resetStats } from '../shard/reset-stats.ts';
import { afterwards } from './afterwards.ts';
import { isPermitted } from './permitted.ts';
import { many, rest, text } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { helpCommand } from './help.ts';

const ADMIN: readonly Flag[] = ['admin', 'noscript', 'loading', 'stale'];

function setConfig(context: CommandContext, data: readonly string[]): Reply {
  const { config } = context.shard;
  if (data.length % 2 !== 0) throw refuse('SYNTAX');
  const pairs = Array.from({ length: data.length / 2 }, (_, i) => [data[2 * i]!, data[2 * i + 1]!] as const);
  const names = pairs.flatMap(([name]) => parameterOf(name) ?? []);
  if (!context.mayBlock && config.follow !== null && names.some(isOfListening)) {
    throw refuse('ERR', 'CONFIG SET of where to listen waits for the network and cannot be part of a transaction');
  }
  const outcome = config.set(pairs, isPermitted(context, 'enable-protected-configs'));
  if (outcome.ok) {
    const { listening, restore } = outcome;
    return listening.length === 0 ? OK : afterwards(context, () => follow(config, listening, restore), OK);
  }
  if (outcome.detail === null) throw refuse('CONFIG_UNKNOWN', outcome.name);
  throw refuse('CONFIG_INVALID', outcome.name, outcome.detail);
}

async function follow(
  config: Config,
  names: readonly ParameterName[],
  restore: () => void,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly detail: string }> {
  const outcome = await config.follow!(names);
  if (outcome.ok) return outcome;
  restore();
  return { ok: false, detail: refuse('CONFIG_INVALID', outcome.name, outcome.detail).message.replace(/^ERR /, '') };
}

/** `everything`: parameters too that are at their defaults. */
export function rewriteConfig(context: CommandContext, everything: boolean): Reply {
  const { shard } = context;
  const { configFile } = shard;
  if (configFile === null) throw refuse('ERR', 'The server is running without a config file');
  const work = async () => {
    const outcome = await rewriteConfigFile(shard, configFile, everything);
    return outcome.ok ? outcome : { ok: false as const, detail: `Rewriting config file: ${outcome.detail}` };
  };
  return afterwards(context, work, OK);
}

export const configCommands: readonly Command[] = [
  defineCommand({
    name: 'CONFIG GET',
    group: 'server',
    since: '2.0.0',
    summary: 'Answers parameters by name or pattern.',
    complexity: 'O(N) where N is the number of parameters asked for',
    flags: ADMIN,
    arguments: { parameter: many(text()) },
    run({ shard }, { parameter }) {
      const found = new Map<string, string>();
      for (const given of parameter) {
        if (/[*?[]/.test(given)) {
          const pattern = given.toLowerCase();
          for (const [name, value] of shard.config.entries()) {
            if (matchesGlob(pattern, name)) found.set(name, value);
          }
        } else {
          const value = shard.config.text(given);
          if (value !== undefined) found.set(given.toLowerCase(), value);
        }
      }
      return new MapReply([...found].flat());
    },
  }),

  defineCommand({
    name: 'CONFIG SET',
    group: 'server',
    since: '2.0.0',
    summary: 'Changes parameters, all of them or none.',
    complexity: 'O(N) where N is the number of parameters',
    flags: ADMIN,
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: {
      data: {
        ...rest({ type: 'block' }, 2),
        doc: {
          type: 'block',
          multiple: true,
          arguments: [
            { name: 'parameter', type: 'string' },
            { name: 'value', type: 'string' },
          ],
        },
      },
    },
    run: (context, { data }) => setConfig(context, data),
  }),

  defineCommand({
    name: 'CONFIG REWRITE',
    group: 'server',
    since: '2.8.0',
    summary: 'Writes the parameters as they are now into the configuration file.',
    complexity: 'O(1)',
    flags: ADMIN,
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: {},
    run: (context) => rewriteConfig(context, false),
  }),

  defineCommand({
    name: 'CONFIG RESETSTAT',
    group: 'server',
    since: '2.0.0',
    summary: 'Begins the statistics of INFO anew.',
    complexity: 'O(1)',
    flags: ADMIN,
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: {},
    run({ shard }) {
      resetStats(shard);
      return OK;
    },
  }),

  helpCommand({
    container: 'CONFIG',
    group: 'server',
    since: '5.0.0',
    lines: [
      ['GET <pattern> [<pattern> ...]', 'Parameters whose names match, with their values.'],
      ['SET <parameter> <value> [<parameter> <value> ...]', 'Changes parameters, all of them or none.'],
      ['REWRITE', 'Writes the parameters as they are now into the configuration file.'],
      ['RESETSTAT', 'Begins the statistics of INFO anew.'],
    ],
  }),
];
