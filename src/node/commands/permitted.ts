/** What is permitted to everybody, to clients of this machine, or to nobody, as a parameter says. [redis server.c allowProtectedAction] */

import { isOfThisMachine } from '../../world/world.ts';
import type { CommandContext } from '../shard/context.ts';

export function isPermitted(
  { shard, session }: CommandContext,
  parameter: 'enable-debug-command' | 'enable-protected-configs',
): boolean {
  const allowed = shard.config.get(parameter);
  return allowed === 'yes' || (allowed === 'local' && isOfThisMachine(session.output.remote));
}
