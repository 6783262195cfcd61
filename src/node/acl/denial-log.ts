/**
 * What was denied lately, for ACL LOG: newest first, equal ones of one minute counted together. [redis acl.c addACLLogEntry]
 * Limit: `acllog-max-len`, given at each entry.
 */

/** Entries among which an equal one is looked for, and for how long. */
const LOOKED_AT = 10;
const SAME_MS_MAX = 60_000;

export interface DenialFacts {
  readonly reason: 'command' | 'key' | 'channel' | 'auth';
  readonly context: 'toplevel' | 'multi' | 'lua';
  /** The command, key or channel. */
  readonly object: string;
  readonly username: string;
  /** As CLIENT INFO says it. */
  readonly client: string;
}

export interface DenialEntry extends DenialFacts {
  readonly id: number;
  readonly count: number;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export class DenialLog {
  #entries: DenialEntry[] = [];
  #nextId = 0;
  /** Denials ever, by reason: for INFO. */
  readonly counts: Record<DenialFacts['reason'], number> = { command: 0, key: 0, channel: 0, auth: 0 };

  get entries(): readonly DenialEntry[] {
    return this.#entries;
  }

  add(facts: DenialFacts, nowMs: number, lengthMax: number): void {
    this.counts[facts.reason]++;
    const at = this.#entries
      .slice(0, LOOKED_AT)
      .findIndex((entry) => isSame(entry, facts) && nowMs - entry.updatedMs <= SAME_MS_MAX);
    const [same] = at < 0 ? [] : this.#entries.splice(at, 1);
    this.#entries.unshift(
      same === undefined
        ? { ...facts, id: this.#nextId++, count: 1, createdMs: nowMs, updatedMs: nowMs }
        : { ...same, client: facts.client, count: same.count + 1, updatedMs: nowMs },
    );
    if (this.#entries.length > lengthMax) this.#entries.length = lengthMax;
  }

  reset(): void {
    this.#entries = [];
  }
}

const isSame = (entry: DenialEntry, facts: DenialFacts): boolean =>
  entry.reason === facts.reason &&
  entry.context === facts.context &&
  entry.username === facts.username &&
  entry.object === facts.object;
