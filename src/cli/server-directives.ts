/**
 * The configuration of redis-server as it is given to it: lines of a redis.conf (or of standard input), then `--directive value …`
 * of the command line. [redis config.c loadServerConfig, server.c main]
 *
 * Border: what a directive means to a shard is `shard-setup.ts`. Limits: `INCLUDES_MAX` files deep.
 */

import { dirname, resolve } from 'node:path';
import { splitWords } from '../node/acl/words.ts';
import { parameterOf } from '../node/shard/config-parameters.ts';
import { readText } from './server-options.ts';
import { CliFailure } from './verb.ts';

const INCLUDES_MAX = 16;

export interface Directive {
  /** Lower case. */
  readonly name: string;
  readonly values: readonly string[];
  /** For messages: the file and line, or the option. */
  readonly where: string;
}

/** The file that can be rewritten; null: there is none. */
export const configFileOf = ([file]: readonly string[]): string | null =>
  file === undefined || file.startsWith('-') ? null : resolve(file);

/** A first word that is no option names the file (`-`: standard input); what follows overrides it. */
export async function readDirectives(words: readonly string[]): Promise<Directive[]> {
  const [file] = words;
  if (file === undefined || file.startsWith('--')) return ofCommandLine(words);
  const given = ofCommandLine(words.slice(1));
  return [...(await ofFile(file, 0)), ...given];
}

async function ofFile(file: string, depth: number): Promise<Directive[]> {
  if (depth > INCLUDES_MAX) throw new CliFailure(`${file}: more than ${INCLUDES_MAX} files include each other`);
  const text = file === '-' ? await standardInput() : await readText('configuration', file);
  const found: Directive[] = [];
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const where = `${file === '-' ? 'standard input' : file}:${at + 1}`;
    const [name, ...values] = splitWords(line) ?? unbalanced(where, line);
    if (name!.toLowerCase() !== 'include') found.push({ name: name!.toLowerCase(), values, where });
    else for (const each of values) found.push(...(await ofFile(resolve(dirname(file), each), depth + 1)));
  }
  return found;
}

const unbalanced = (where: string, line: string): never => {
  throw new CliFailure(`${where}: a quote is not closed: ${line.trim()}`);
};

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}

/**
 * An option may bring its value along (`"--maxmemory 1mb"`), and one without a value takes what comes next for it, even if that looks
 * like an option; only `--save` may be the last word on it. [redis server.c main]
 */
function ofCommandLine(words: readonly string[]): Directive[] {
  const found: { name: string; values: string[]; where: string }[] = [];
  let awaitsValue = false;
  for (const [at, word] of words.entries()) {
    const bytes = Buffer.from(word, 'utf8').toString('latin1');
    if (word.startsWith('--') && !awaitsValue) {
      const [name = '', ...values] = splitWords(bytes.slice(2)) ?? unbalanced('the command line', word);
      found.push({ name: name.toLowerCase(), values, where: `--${name}` });
      awaitsValue = values.length === 0 && !(name.toLowerCase() === 'save' && words[at + 1]?.startsWith('--') === true);
    } else if (found.length > 0) {
      found.at(-1)!.values.push(bytes);
      awaitsValue = false;
    } else if (at === 0 && parameterOf(bytes) !== undefined) {
      found.push({ name: bytes.toLowerCase(), values: [], where: word });
      awaitsValue = true;
    } else throw new CliFailure(`'${word}': one configuration file at most, then --directive value …`);
  }
  return found;
}
