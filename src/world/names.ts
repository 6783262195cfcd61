/**
 * The names that the product itself knows: a stack of sources asked newest first. Shared by both worlds; the system
 * world asks the operating system afterwards. Limits: `NAME_SOURCES_MAX` sources.
 */
import assert from 'node:assert/strict';
import type { NameAnswer, NameSource, Resolution } from './world.ts';

const NAME_SOURCES_MAX = 10_000;

export class NameSources {
  readonly #sources = new Set<{ readonly answer: NameSource }>();

  /** The returned function takes the source away again; calling it twice is harmless. */
  add(source: NameSource): () => void {
    assert(this.#sources.size < NAME_SOURCES_MAX, `at most ${NAME_SOURCES_MAX} sources of names`);
    const entry = { answer: source };
    this.#sources.add(entry);
    return () => void this.#sources.delete(entry);
  }

  /**
   * `undefined` when no source knows the name; an empty answer is an answer. Names do not depend on case. What makes a name
   * unresolvable for the asker may be known to another source than its addresses, so all are asked.
   */
  resolve(name: string, from: string): NameAnswer | undefined {
    const asked = name.toLowerCase();
    let found: NameAnswer | undefined;
    for (const source of [...this.#sources].toReversed()) {
      const answer = source.answer(asked, from);
      if (answer !== undefined && 'unresolved' in answer) return answer;
      found ??= answer;
    }
    return found;
  }
}

export const resolutionOf = (name: string, answer: NameAnswer): Resolution => {
  if ('unresolved' in answer) return { ok: false, detail: answer.unresolved };
  return answer.length > 0 ? { ok: true, addresses: answer } : { ok: false, detail: `${name} has no address` };
};
