/**
 * Everything that can be wrong with a dump, as one error with a reason from a small list.
 *
 * A decoder deep inside throws what it saw; whoever knows the place (the reader, with magic, version and byte offset,
 * or an entry, with its key) rethrows it by `located`. Keys are shown escaped and cut at KEY_SHOWN_MAX.
 */
export type RdbErrorWhy =
  | 'bad-magic'
  | 'unsupported-version'
  | 'unknown-opcode'
  | 'unknown-type'
  | 'unsupported-type'
  | 'checksum-mismatch'
  | 'corrupt'
  | 'too-large';

interface RdbPlace {
  /** Magic and version as written, for example `REDIS0011`; absent in a DUMP payload. */
  readonly header?: string;
  /** Where the item that could not be read begins, in bytes from the start of the dump. */
  readonly offset?: number;
  readonly key?: string;
}

const KEY_SHOWN_MAX = 120;

export class RdbError extends Error {
  override readonly name = 'RdbError';
  readonly why: RdbErrorWhy;
  /** What was seen, without the place. */
  readonly detail: string;
  readonly place: RdbPlace;

  constructor(why: RdbErrorWhy, detail: string, place: RdbPlace = {}) {
    super(sentence(detail, place));
    this.why = why;
    this.detail = detail;
    this.place = place;
  }

  /** The same error with more of its place known; what was known before wins. */
  located(place: RdbPlace): RdbError {
    return new RdbError(this.why, this.detail, { ...place, ...this.place });
  }
}

function sentence(detail: string, place: RdbPlace): string {
  const parts = [detail];
  if (place.key !== undefined) parts.push(`key ${shown(place.key)}`);
  if (place.header !== undefined) parts.push(`in ${place.header}`);
  if (place.offset !== undefined) parts.push(`at byte ${place.offset}`);
  return parts.join(', ');
}

function shown(key: string): string {
  const head = key.slice(0, KEY_SHOWN_MAX).replace(/[^ -~]|["\\]/g, escaped);
  return `"${head}"${key.length > KEY_SHOWN_MAX ? '…' : ''}`;
}

function escaped(char: string): string {
  if (char === '"' || char === '\\') return `\\${char}`;
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
