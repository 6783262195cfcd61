/**
 * Two connections joined: what one receives the other sends, untouched. For `admin`, whose replication link is bytes that
 * are none of the proxy's business.
 *
 * Back pressure works both ways: a side that cannot send stops the other being read. When one side ends, what it sent still
 * reaches the other, which is then ended too; a reset is passed on. Limits: `LINGER_MS` for a side that does not take the rest.
 */

import type { Clock, CloseReason, Connection } from '../world/world.ts';

/** How long the rest may take to leave after the other side is gone. */
const LINGER_MS = 10_000;

export interface RelayOptions {
  readonly clock: Clock;
  readonly client: Connection;
  readonly shard: Connection;
  /** Called once, when both are closed. */
  readonly closed: () => void;
}

export function relay(options: RelayOptions): void {
  let open = 2;
  const closedOne = (): void => {
    open--;
    if (open === 0) options.closed();
  };
  join(options.clock, options.client, options.shard, closedOne);
  join(options.clock, options.shard, options.client, closedOne);
}

/** Handles `from`: its bytes and its end go to `to`. Going on after a pause is the other join's `drained`. */
function join(clock: Clock, from: Connection, to: Connection, closed: () => void): void {
  from.handle({
    data(chunk) {
      if (!to.write(chunk.latin1Slice())) from.pause();
    },
    drained: () => to.resume(),
    closed(reason: CloseReason) {
      if (reason === 'ended') {
        to.resume(); // so that its own end is noticed
        to.end();
        clock.after(LINGER_MS, () => to.destroy());
      } else to.destroy();
      closed();
    },
  });
}
