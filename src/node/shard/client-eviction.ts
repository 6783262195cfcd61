/**
 * `maxmemory-clients`: when what clients take together is more, those that take most are disconnected, but for those that asked
 * to be kept (CLIENT NO-EVICT). [redis networking.c evictClients, getClientEvictionLimit]
 */

import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

/** A lower limit would disconnect whoever connects. */
const LIMIT_BYTES_MIN = 128 * 1024;

/** Infinity: none. A negative number is a percentage of `maxmemory`. */
export function clientBytesMax(shard: Shard): number {
  const given = shard.config.get('maxmemory-clients');
  const bytes = given < 0 ? (shard.config.get('maxmemory') * -given) / 100 : given;
  return bytes === 0 ? Infinity : Math.max(LIMIT_BYTES_MIN, bytes);
}

/** `grown`: those whose memory has changed and is not counted yet. */
export function evictClients(shard: Shard, grown: Iterable<Session> = []): void {
  const { memory } = shard;
  if (memory.clientBytesMax === Infinity) return;
  for (const session of grown) session.memory.count();
  if (memory.clientBytes <= memory.clientBytesMax) return;
  const candidates = [...shard.sessions.values()].filter(mayGo).sort((a, b) => b.memory.bytes - a.memory.bytes);
  for (const session of candidates) {
    if (memory.clientBytes <= memory.clientBytesMax) return;
    shard.world.log.event('client-evicted', { client: session.id, bytes: session.memory.bytes });
    shard.stats.evictedClients++;
    session.memory.uncount();
    session.kill();
  }
}

const mayGo = (session: Session): boolean =>
  !session.noEvict && !session.closing && (session.kind === 'client' || session.kind === 'monitor');
