/** A reply that comes when work outside the process (a disk) has ended: its client waits, the others go on. */

import { Failure, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { callTimed } from '../shard/call-timed.ts';
import { BLOCKED, type CommandContext } from '../shard/context.ts';

export type Finished = { readonly ok: true } | { readonly ok: false; readonly why?: string; readonly detail: string };

export function afterwards(context: CommandContext, work: () => Promise<Finished>, done: Reply): Reply {
  const { session, words, shard, command } = context;
  if (!context.mayBlock) {
    throw refuse('ERR', `'${command.name}' waits for the disk and cannot be part of a transaction or a script`);
  }
  const startedAtMs = shard.slowlog.moment();
  void work().then((outcome) => {
    const reply = outcome.ok ? done : new Failure(`ERR ${textOf(outcome)}`);
    const { commandStats, slowlog } = shard;
    commandStats.answered(commandStats.of(command), reply);
    callTimed(shard, session, command, words, slowlog.moment() - startedAtMs, false);
    if (session.waiting?.words !== words) return;
    shard.blocking.release(session, reply);
    shard.flushLater(session);
  });
  return context.block({ keys: [], timeoutMs: 0, timeoutReply: BLOCKED });
}

const textOf = ({ why, detail }: Extract<Finished, { ok: false }>): string =>
  why === undefined ? detail : `${why}: ${detail}`;
