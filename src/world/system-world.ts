/**
 * The real world: the machine's clock, its sockets, its resolver. With its siblings `system-*.ts` the only place in `src`
 * that touches node:net, node:tls, node:dgram, node:dns or timers.
 *
 * Without a seed, chance is seeded from the system's own; with one, only chance repeats, not the network.
 * Limits: see the siblings.
 */
import { randomBytes } from 'node:crypto';
import { NameSources } from './names.ts';
import { SeededRandom } from './random.ts';
import { SystemFaults } from './system-faults.ts';
import { SystemFiles } from './system-files.ts';
import { SystemNetwork } from './system-network.ts';
import { SystemThreads } from './system-threads.ts';
import type { Files } from './files.ts';
import type { Threads } from './threads.ts';
import type { Clock, Log, Milliseconds, Network, Random, Timer, World } from './world.ts';

const SEED_BYTES = 32;
/** Node.js keeps a delay in 31 bits and fires at once beyond that. */
const TIMER_DELAY_MAX = 2 ** 31 - 1;

export interface SystemWorldOptions {
  readonly seed?: number | string;
  readonly log?: Log;
}

export class SystemWorld implements World {
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly files: Files = new SystemFiles();
  readonly log: Log;
  readonly threads: Threads = new SystemThreads();

  constructor(options: SystemWorldOptions = {}) {
    this.clock = new SystemClock();
    this.log = options.log ?? { event: () => undefined };
    this.random = new SeededRandom(options.seed ?? randomBytes(SEED_BYTES));
    this.network = new SystemNetwork({
      clock: this.clock,
      log: this.log,
      names: new NameSources(),
      faults: new SystemFaults(),
    });
  }
}

class SystemClock implements Clock {
  now(): Milliseconds {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }

  after(delay: Milliseconds, then: () => void): Timer {
    return new SystemTimer(delay, then);
  }

  soon(then: () => void): Timer {
    const immediate = setImmediate(then);
    return { cancel: () => clearImmediate(immediate) };
  }
}

class SystemTimer implements Timer {
  #timeout: NodeJS.Timeout;

  constructor(delay: Milliseconds, then: () => void) {
    this.#timeout = this.#wait(delay, then);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  #wait(delay: Milliseconds, then: () => void): NodeJS.Timeout {
    if (delay <= TIMER_DELAY_MAX) return setTimeout(then, Math.ceil(delay)).unref(); // Node.js would cut a fraction off
    const further = (): void => {
      this.#timeout = this.#wait(delay - TIMER_DELAY_MAX, then);
    };
    return setTimeout(further, TIMER_DELAY_MAX).unref();
  }
}
