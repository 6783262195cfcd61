/**
 * What redis-server's directives ask of a lone shard: where it listens, whom it follows, its parameters, its files. Those that cannot
 * change anything here are named in `inert`, those that would promise what is not there are refused, others are unknown. Pure.
 */

import type { Address } from '../world/world.ts';
import { isInert, parameterOf, PARAMETERS, type Parameter } from '../node/shard/config-parameters.ts';
import type { Directive } from './server-directives.ts';
import { CliFailure } from './verb.ts';

const PORT_MAX = 65_535;

export interface UserDeclaration {
  readonly name: string;
  /** Rules as ACL SETUSER takes them; binary. */
  readonly words: readonly string[];
  readonly where: string;
}

export interface Rename {
  readonly from: string;
  readonly to: string;
  readonly where: string;
}

export interface ShardSetup {
  readonly follows: Address | null;
  /** Parameters of the shard; binary. */
  readonly config: Readonly<Record<string, string>>;
  /** Where data is kept. */
  readonly dir: string | null;
  readonly logFile: string | null;
  readonly pidFile: string | null;
  /** Those that `user` lines say, in order. */
  readonly users: readonly UserDeclaration[];
  /** Other names of commands, in order; '': it is to have none. */
  readonly renames: readonly Rename[];
  /** Directives that were given and change nothing. */
  readonly inert: readonly string[];
}

/** Refused unless the value says that it is not wanted. */
const ABSENT: Readonly<Record<string, { readonly unless: readonly string[]; readonly advice: string }>> = {
  daemonize: { unless: ['no'], advice: 'it stays in the foreground: start it with & or a supervisor' },
  'cluster-enabled': { unless: ['no'], advice: 'the OSS Cluster API is not offered' },
  loadmodule: { unless: [], advice: 'modules cannot be loaded' },
};

/** Their lines add up. */
const ADDING: ReadonlySet<string> = new Set(['save', 'client-output-buffer-limit']);

export function shardSetup(directives: readonly Directive[]): ShardSetup {
  const config: Record<string, string> = {};
  const inert = new Set<string>();
  let follows: Address | null = null;
  const users = new Map<string, UserDeclaration>();
  const renames: Rename[] = [];
  const files: Record<'dir' | 'logfile' | 'pidfile', string | null> = { dir: null, logfile: null, pidfile: null };
  for (const directive of directives) {
    const { name, values, where } = directive;
    const absent = ABSENT[name];
    if (absent !== undefined) {
      if (absent.unless.includes((values[0] ?? 'yes').toLowerCase())) continue;
      throw new CliFailure(`${where}: ${name} ${values.join(' ')}: ${absent.advice}`);
    }
    if (name === 'port') config['port'] = String(portOf(where, only(directive), 0));
    else if (name === 'bind' && values.length === 0) {
      throw new CliFailure(`${where}: bind needs an address, as in 127.0.0.1, or "" for none`);
    } else if (name === 'user') {
      const user = declared(directive);
      if (users.has(user.name))
        throw new CliFailure(
          `${where}: user ${user.name}: Duplicate user found. A user can only be defined once in config files`,
        );
      users.set(user.name, user);
    } else if (name === 'rename-command') renames.push(renamed(directive));
    else if (name === 'replicaof' || name === 'slaveof') follows = followed(directive);
    else if (name === 'dir' || name === 'logfile' || name === 'pidfile') {
      files[name] = Buffer.from(only(directive), 'latin1').toString('utf8') || null;
    } else if (ADDING.has(name)) {
      // Without a word `save` takes back the lines before it, as with an empty one [redis config.c setConfigSaveOption]
      if (values.length === 0 && name !== 'save') only(directive);
      const before = values.join('') === '' ? '' : (config[name] ?? '');
      config[name] = `${before} ${values.join(' ')}`.trim();
    } else {
      const parameter = parameterOf(name);
      if (parameter !== undefined) {
        const { isList }: Parameter = PARAMETERS[parameter];
        config[name] = isList ? values.join(' ') : only(directive);
        if (isInert(parameter)) inert.add(name);
        continue;
      }
      throw new CliFailure(
        `${where}: Bad directive or wrong number of arguments: '${name}' is no option or directive: antipode shard --help says what there is`,
      );
    }
  }
  if (users.size > 0 && (config['aclfile'] ?? '') !== '') {
    const { where } = [...users.values()][0]!;
    throw new CliFailure(
      `${where}: users are declared either here or in the aclfile ${config['aclfile']}, not in both`,
    );
  }
  for (const name of ['logfile', 'pidfile'] as const) {
    if (files[name] !== null) config[name] = Buffer.from(files[name], 'utf8').toString('latin1');
  }
  return {
    follows,
    config,
    dir: files.dir,
    logFile: files.logfile,
    pidFile: files.pidfile,
    users: [...users.values()],
    renames,
    inert: [...inert],
  };
}

function renamed({ values, where }: Directive): Rename {
  const [from, to] = values;
  if (from !== undefined && to !== undefined && values.length === 2) return { from, to, where };
  throw new CliFailure(`${where}: rename-command needs the name of a command and another one, or "" for none`);
}

function declared({ values: [name, ...words], where }: Directive): UserDeclaration {
  if (name !== undefined) return { name, words, where };
  throw new CliFailure(`${where}: user needs a name and rules, as in: user alice on >password ~* +@all`);
}

function only({ name, values, where }: Directive): string {
  if (values.length === 1) return values[0]!;
  throw new CliFailure(`${where}: ${name} takes one value, given were ${values.length}: ${values.join(' ')}`);
}

export const portOf = (where: string, given: string, min: number): number => {
  const port = /^\d{1,5}$/.test(given) ? Number(given) : NaN;
  if (port >= min && port <= PORT_MAX) return port;
  throw new CliFailure(`${where}: "${given}" is no port: give a number from ${min} to ${PORT_MAX}`);
};

/** `HOST PORT` as Redis's own configuration writes it, or `HOST:PORT`; `no one` for nobody. */
function followed({ values, where }: Directive): Address | null {
  const given = values.join(' ');
  if (/^no one$/i.test(given)) return null;
  const parts = /^\[?([^\]\s]+?)\]?[:\s]+(\d+)$/.exec(given.trim());
  if (parts === null) throw new CliFailure(`${where}: "${given}" is not host:port, as in 127.0.0.1:6379`);
  return { host: parts[1]!, port: portOf(where, parts[2]!, 0) };
}
