/** A request that is refused before it runs: what is counted, what becomes of a transaction, what is answered. [redis server.c rejectCommand] */

import { Failure } from '../../resp/reply.ts';
import type { Refusal } from '../../resp/refusals.ts';
import type { Command } from '../commands/command.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

export function reject(
  shard: Shard,
  session: Session,
  command: Command | undefined,
  words: readonly string[],
  refusal: Refusal,
): void {
  const { transaction } = session;
  session.refusals++;
  if (command === undefined) shard.commandStats.error(refusal.message);
  else shard.commandStats.rejected(command, refusal.message);
  if (command?.name === 'EXEC') {
    // EXEC itself is refused: so is the transaction
    shard.monitors.show(session, command, words);
    shard.endTransaction(session);
    const cause = refusal.message.replace(/^ERR /, '');
    session.reply(new Failure(`EXECABORT Transaction discarded because of: ${cause}`));
    return;
  }
  if (transaction.queue !== null) transaction.aborted = true;
  session.reply(new Failure(refusal.message));
}
