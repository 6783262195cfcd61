/**
 * The names that the product itself knows: a stack of sources asked newest first. Shared by both worlds; the system
 * world asks the operating system afterwards. Limits: `NAME_SOURCES_MAX` sources.
 */
import assert from 'node:assert/strict';
import type { NameSource } from './world.ts';

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

  /** `undefined` when no source knows the name; an empty answer is an answer. Names do not depend on case. */
  resolve(name: string): readonly string[] | undefined {
    const asked = name.toLowerCase();
    for (const source of [...this.#sources].toReversed()) {
      const addresses = source.answer(asked);
      if (addresses !== undefined) return addresses;
    }
    return undefined;
  }
}
