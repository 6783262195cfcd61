/** MODULE: there are none and none can be loaded, which is said in the words of a server that does not allow it. [redis module.c moduleCommand] */

import { refuse } from '../../resp/refusals.ts';
import { named, optional, many, text } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { helpCommand } from './help.ts';

const CHANGES: readonly Flag[] = ['admin', 'noscript', 'no_async_loading'];

const refused = () => refuse('PROTECTED_COMMAND', 'MODULE', 'enable-module-command');

const path = named('path', text());
const args = optional(many(named('arg', text())));

export const moduleCommands: readonly Command[] = [
  defineCommand({
    name: 'MODULE LIST',
    group: 'server',
    since: '4.0.0',
    summary: 'Lists modules: there are none.',
    complexity: 'O(N) where N is the number of loaded modules.',
    flags: ['admin', 'noscript'],
    tips: { other: ['nondeterministic_output_order'] },
    arguments: {},
    run: () => [],
  }),

  defineCommand({
    name: 'MODULE LOAD',
    group: 'server',
    since: '4.0.0',
    summary: 'Would load a module: refused.',
    complexity: 'O(1)',
    flags: CHANGES,
    arguments: { path, args },
    run() {
      throw refused();
    },
  }),

  defineCommand({
    name: 'MODULE LOADEX',
    group: 'server',
    since: '7.0.0',
    summary: 'Would load a module with parameters: refused.',
    complexity: 'O(1)',
    flags: CHANGES,
    arguments: {
      path,
      more: {
        ...args,
        doc: {
          type: 'block',
          optional: true,
          arguments: [
            {
              name: 'configs',
              type: 'block',
              token: 'CONFIG',
              optional: true,
              multiple: true,
              multipleToken: true,
              arguments: [
                { name: 'name', type: 'string' },
                { name: 'value', type: 'string' },
              ],
            },
            { name: 'args', type: 'string', token: 'ARGS', optional: true, multiple: true },
          ],
        },
      },
    },
    run() {
      throw refused();
    },
  }),

  defineCommand({
    name: 'MODULE UNLOAD',
    group: 'server',
    since: '4.0.0',
    summary: 'Would unload a module: refused.',
    complexity: 'O(1)',
    flags: CHANGES,
    arguments: { name: text() },
    run() {
      throw refused();
    },
  }),

  helpCommand({
    container: 'MODULE',
    group: 'server',
    since: '5.0.0',
    lines: [
      ['LIST', 'Modules that are loaded: none.'],
      ['LOAD <path> [<arg> ...]', 'Refused.'],
      ['LOADEX <path> [[CONFIG NAME VALUE] ...] [ARGS ...]', 'Refused.'],
      ['UNLOAD <name>', 'Refused.'],
    ],
  }),
];
