/**
 * What a server says of each of its commands, fact by fact, as texts that two servers' can be compared by: COMMAND and COMMAND DOCS
 * in RESP3, with the type of every reply inside (`~` a set, `+` a status).
 *
 * Left out, because each server has words of its own: summaries, complexities, notes, names of arguments, what a deprecated command
 * is replaced by, and the history of a command and of its arguments.
 */

import { replyTree, type ReplyTree } from './reply-shape.ts';

export type Fact =
  | 'arity'
  | 'flags'
  | 'keys'
  | 'categories'
  | 'tips'
  | 'key specifications'
  | 'since'
  | 'group'
  | 'deprecation'
  | 'arguments';
export type CommandFacts = Readonly<Partial<Record<Fact, string>>>;

/** Sets and maps in any order. */
function shown(tree: ReplyTree): string {
  const { mark, text, items } = tree;
  if (mark === '~') return `~{${items.map(shown).toSorted().join(' ')}}`;
  if (mark === '%') return `%{${[...fieldsOf(tree)].map(([name, value]) => `${name}=${shown(value)}`).join(' ')}}`;
  return items.length > 0 || mark === '*' ? `${mark}[${items.map(shown).join(' ')}]` : `${mark}${text}`;
}

function fieldsOf({ items }: ReplyTree): Map<string, ReplyTree> {
  const pairs = items.flatMap((item, at) => (at % 2 === 0 ? [[item.text, items[at + 1]!] as const] : []));
  return new Map(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const fieldShown = (fields: ReadonlyMap<string, ReplyTree>, ...names: readonly string[]): string =>
  names.flatMap((name) => (fields.has(name) ? [`${name}=${shown(fields.get(name)!)}`] : [])).join(' ');

function argumentShown(argument: ReplyTree): string {
  const fields = fieldsOf(argument);
  const parts = fields.get('arguments')?.items.map(argumentShown) ?? [];
  const own = fieldShown(fields, 'type', 'token', 'flags', 'key_spec_index');
  return parts.length === 0 ? own : `${own} [${parts.join(' | ')}]`;
}

function infoFacts(info: ReplyTree, into: Map<string, CommandFacts>): void {
  const [name, arity, flags, first, last, step, categories, tips, specs, subcommands] = info.items;
  into.set(name!.text, {
    arity: shown(arity!),
    flags: shown(flags!),
    keys: [first!, last!, step!].map(shown).join(' '),
    categories: shown(categories!),
    tips: shown(tips!),
    'key specifications': specs!.items
      .map((spec) => fieldShown(fieldsOf(spec), 'flags', 'begin_search', 'find_keys'))
      .join(' | '),
  });
  for (const each of subcommands!.items) infoFacts(each, into);
}

function docsFacts(docs: ReplyTree, into: Map<string, CommandFacts>): void {
  for (const [name, doc] of fieldsOf(docs)) {
    const fields = fieldsOf(doc);
    into.set(name, {
      ...into.get(name),
      since: fieldShown(fields, 'since'),
      group: fieldShown(fields, 'group'),
      deprecation: fieldShown(fields, 'doc_flags', 'deprecated_since'),
      arguments: fields.get('arguments')?.items.map(argumentShown).join(' ; ') ?? '',
    });
    const subcommands = fields.get('subcommands');
    if (subcommands !== undefined) docsFacts(subcommands, into);
  }
}

/** By full name (`config|get`), out of the bytes of COMMAND and of COMMAND DOCS. */
export function commandFacts(info: string, docs: string): ReadonlyMap<string, CommandFacts> {
  const facts = new Map<string, CommandFacts>();
  for (const each of replyTree(info).items) infoFacts(each, facts);
  docsFacts(replyTree(docs), facts);
  return facts;
}
