/** Why no request of a client is taken just now; several reasons may hold at once, and all must go before it goes on. */

export const BRAKE = {
  /** A request takes another way than those before it, which are not answered yet. */
  untilAnswered: 1,
  /** A part of the session (transaction, subscriber, pin, a blocking request) waits for a shard. */
  held: 2,
  /** The client does not take its replies. */
  outputFull: 4,
  /** A shard does not take requests. */
  shardFull: 8,
  /** Too many replies are awaited. */
  pipelineFull: 16,
  /** What is pending is answered, then the connection ends. */
  ending: 32,
} as const;

export type BrakeReason = (typeof BRAKE)[keyof typeof BRAKE];

export class Brake {
  #reasons = 0;

  get isOn(): boolean {
    return this.#reasons !== 0;
  }

  has(reason: BrakeReason): boolean {
    return (this.#reasons & reason) !== 0;
  }

  pull(reason: BrakeReason): void {
    this.#reasons |= reason;
  }

  /** True: that was the last reason. */
  release(reason: BrakeReason): boolean {
    if ((this.#reasons & reason) === 0) return false;
    this.#reasons &= ~reason;
    return this.#reasons === 0;
  }
}
