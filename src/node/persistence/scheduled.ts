/**
 * What was asked for while its counterpart was under way, a snapshot during a rewrite or a rewrite during a snapshot: it begins when that
 * has ended, so that clients meet one at a time, as with Redis's one child process. [redis server.c serverCron, rdb_bgsave_scheduled]
 *
 * Border: what begins by itself is `persistence.ts`, which holds neither back.
 */

import type { FileOutcome } from '../../world/files.ts';

/** Where both are done. */
interface Work {
  readonly isSaving: boolean;
  readonly isRewriting: boolean;
  save(): Promise<FileOutcome>;
  rewrite(): Promise<FileOutcome>;
}

export class Scheduled {
  snapshot = false;
  rewrite = false;
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  /** One of them has ended. */
  next(): void {
    const { isSaving, isRewriting } = this.#work;
    if (isSaving || isRewriting) return;
    if (this.rewrite) {
      this.rewrite = false;
      void this.#work.rewrite();
    } else if (this.snapshot) {
      this.snapshot = false;
      void this.#work.save();
    }
  }

  forget(): void {
    this.snapshot = false;
    this.rewrite = false;
  }
}
