/**
 * A service that is on or off as somebody wishes: opened and closed one step at a time, and in the end as wished last.
 *
 * What cannot be opened is told by `trouble` and tried again at the next wish.
 */

export interface OpenService {
  close(): Promise<void>;
}

export type StartOutcome<Service> =
  | { readonly ok: true; readonly service: Service }
  | { readonly ok: false; readonly detail: string };

export class SwitchedService<Service extends OpenService> {
  /** Why it is not open although it should be; empty: it is, or it should not be. */
  trouble = '';
  service: Service | null = null;
  readonly #start: () => Promise<StartOutcome<Service>>;
  #wanted = false;
  #work: Promise<void> = Promise.resolve();

  constructor(start: () => Promise<StartOutcome<Service>>) {
    this.#start = start;
  }

  /** Resolves when that is so, or has failed. */
  turn(on: boolean): Promise<void> {
    this.#wanted = on;
    this.#work = this.#work.then(() => this.#follow());
    return this.#work;
  }

  async #follow(): Promise<void> {
    const { service } = this;
    if (!this.#wanted) {
      this.trouble = '';
      this.service = null;
      await service?.close();
    } else if (service === null) {
      const outcome = await this.#start();
      this.trouble = outcome.ok ? '' : outcome.detail;
      if (outcome.ok) this.service = outcome.service;
    }
  }
}
