/** A declaration as COMMAND DOCS shows it, for people and for clients that complete as one types [redis server.c]. */

import { MapReply, SetReply, Status, type Reply } from '../../resp/reply.ts';
import type { ArgumentDoc } from './arguments.ts';
import type { Command } from './command.ts';

/** Which key specification an argument is found by: keys are counted in the order in which they are declared. */
interface KeyCount {
  next: number;
}

function argumentReply(doc: ArgumentDoc, keys: KeyCount): Reply {
  const { name, type, token, optional, multiple, multipleToken } = doc;
  const facts: Reply[] = ['name', name, 'type', type];
  if (type !== 'oneof' && type !== 'block') facts.push('display_text', name);
  const keySpec = doc.keySpec ?? (type === 'key' ? keys.next++ : undefined);
  if (keySpec !== undefined) facts.push('key_spec_index', keySpec);
  if (token !== undefined) facts.push('token', token);
  const flags = [
    ...(optional ? ['optional'] : []),
    ...(multiple ? ['multiple'] : []),
    ...(multipleToken ? ['multiple_token'] : []),
  ];
  if (flags.length > 0) facts.push('flags', new SetReply(flags.map((flag) => new Status(flag))));
  if (doc.arguments !== undefined)
    facts.push(
      'arguments',
      doc.arguments.map((each) => argumentReply(each, keys)),
    );
  return new MapReply(facts);
}

function commandDocs(command: Command): Reply {
  const { summary, since, group, complexity, deprecated, isForServers, docs, subcommands } = command;
  const facts: Reply[] = ['summary', summary, 'since', since, 'group', group];
  if (complexity !== undefined) facts.push('complexity', complexity);
  const flags = [...(deprecated === undefined ? [] : ['deprecated']), ...(isForServers ? ['syscmd'] : [])];
  if (flags.length > 0) facts.push('doc_flags', new SetReply(flags.map((flag) => new Status(flag))));
  if (deprecated !== undefined) {
    facts.push('deprecated_since', deprecated.since, 'replaced_by', deprecated.replacedBy);
  }
  const keys = { next: 0 };
  if (docs.length > 0)
    facts.push(
      'arguments',
      docs.map((doc) => argumentReply(doc, keys)),
    );
  if (subcommands !== null) facts.push('subcommands', docsMap([...subcommands.values()]));
  return new MapReply(facts);
}

/** Name to documentation. */
export const docsMap = (commands: readonly Command[]): Reply =>
  new MapReply(commands.flatMap((command) => [command.fullName, commandDocs(command)]));
