/**
 * The scripts a shard knows by their SHA1. Those that only EVAL brought are forgotten, the oldest first, beyond EVALUATED_MAX;
 * those of SCRIPT LOAD stay until SCRIPT FLUSH. [redis eval.c scriptsLRUAdd, since 7.4]
 */

import { createHash } from 'node:crypto';
import type { ScriptFlag } from './flags.ts';
import type { LuaMachine } from './lua-machine.ts';

const EVALUATED_MAX = 500;

export interface Script {
  /** 40 hex digits. */
  readonly sha: string;
  /** Binary, as the client sent it. */
  readonly source: string;
  /** The machine in which it is compiled, and its number there. */
  place: { readonly machine: LuaMachine; readonly id: number } | null;
  /** Of its first line `#!lua flags=…`; null: it has none, and may do what it may do when it does it. */
  readonly flags: ReadonlySet<ScriptFlag> | null;
}

export const shaOf = (source: string): string => createHash('sha1').update(source, 'latin1').digest('hex');

/** What a script takes besides its source. */
const SCRIPT_BYTES = 192;

export class ScriptCache {
  readonly #loaded = new Map<string, Script>();
  readonly #evaluated = new Map<string, Script>();
  readonly #bySource = new Map<string, Script>();
  #sourceBytes = 0;
  /** Of those that only EVAL brought: the last that was used. */
  #newest: Script | null = null;

  get count(): number {
    return this.#loaded.size + this.#evaluated.size;
  }

  /** Estimated. */
  get bytes(): number {
    return this.count * SCRIPT_BYTES + this.#sourceBytes;
  }

  /** Spares the digest of what has just been asked for. */
  findSource(source: string): Script | undefined {
    const known = this.#bySource.get(source);
    return known === undefined ? undefined : this.find(known.sha);
  }

  find(sha: string): Script | undefined {
    const loaded = this.#loaded.get(sha);
    if (loaded !== undefined) return loaded;
    const script = this.#evaluated.get(sha);
    if (script === undefined || script === this.#newest) return script;
    this.#evaluated.delete(sha); // used last: forgotten last
    this.#evaluated.set(sha, script);
    this.#newest = script;
    return script;
  }

  add(script: Script, how: 'loaded' | 'evaluated'): void {
    if (!this.#loaded.has(script.sha) && !this.#evaluated.has(script.sha)) this.#sourceBytes += script.source.length;
    this.#bySource.set(script.source, script);
    if (how === 'loaded') {
      this.#evaluated.delete(script.sha);
      this.#loaded.set(script.sha, script);
      return;
    }
    this.#evaluated.set(script.sha, script);
    this.#newest = script;
    if (this.#evaluated.size <= EVALUATED_MAX) return;
    for (const [sha, oldest] of this.#evaluated) {
      this.#evaluated.delete(sha);
      this.#sourceBytes -= oldest.source.length;
      this.#bySource.delete(oldest.source);
      drop([oldest]);
      break;
    }
  }

  clear(): void {
    drop([...this.#loaded.values(), ...this.#evaluated.values()]);
    this.#loaded.clear();
    this.#evaluated.clear();
    this.#bySource.clear();
    this.#newest = null;
    this.#sourceBytes = 0;
  }
}

function drop(scripts: readonly Script[]): void {
  const machine = scripts.findLast(({ place }) => place !== null)?.place?.machine;
  // Those in a machine before that one went with it
  machine?.drop(scripts.flatMap(({ place }) => (place?.machine === machine ? [place.id] : [])));
}
