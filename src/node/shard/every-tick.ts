/** What happens to a shard by itself, `hz` times a second. [redis server.c serverCron] */

import type { Timer } from '../../world/world.ts';
import { evictClients } from './client-eviction.ts';
import { expireCycle } from './expire-cycle.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

/** Until the function returned is called; nothing happens while the shard is held, or runs a long script. */
export function startTicking(shard: Shard): () => void {
  let timer: Timer;
  const tickLater = (): void => {
    timer = shard.world.clock.after(1000 / shard.config.get('hz'), () => {
      if (!shard.isCronPaused) shard.ending?.tick();
      if (!shard.held && shard.longScript === null && !shard.isCronPaused) everyTick(shard);
      tickLater();
    });
  };
  tickLater();
  return () => timer.cancel();
}

function everyTick(shard: Shard): void {
  const { clock } = shard.world;
  const startedAt = clock.elapsed();
  shard.now = clock.now();
  const { rates, stats } = shard;
  rates.commands.sample(stats.commands, shard.now);
  rates.input.sample(stats.netInputBytes, shard.now);
  rates.output.sample(stats.netOutputBytes, shard.now);
  if (shard.activeExpiry && !shard.loading && shard.expiryNow === 'delete') {
    const startedAtMs = shard.slowlog.moment();
    expireCycle(shard);
    shard.latency.ended('expire-cycle', shard.slowlog.moment() - startedAtMs, shard.now);
  }
  shard.memory.sample();
  evictClients(shard);
  const idleMsMax = shard.config.get('timeout') * 1000;
  for (const session of shard.sessions.values()) {
    session.checkOutput();
    session.memory.count();
    if (idleMsMax > 0 && shard.now - session.lastActiveMs > idleMsMax && mayTimeOut(session)) session.close();
  }
  shard.turns.tickEnded(clock.elapsed() - startedAt, shard.now);
}

/** Whoever waits for something is not idle [redis timeout.c clientsCronHandleTimeout]. */
const mayTimeOut = (session: Session): boolean =>
  session.kind === 'client' &&
  session.waiting === null &&
  !session.isPaused &&
  session.subscriptionCount === 0 &&
  session.takenOver === null;
