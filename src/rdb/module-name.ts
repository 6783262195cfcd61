/**
 * A module's name from the 64-bit id that its data carries: nine chars of six bits, then ten bits of version
 * [redis module.c moduleTypeNameFromID]. Only to say which module a refused dump needs.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NAME_CHARS = 9;
const ID_FORM = 0x81;

/** `at` is where the length that holds the id begins; nine bytes must be there. */
export function moduleName(bytes: Buffer, at: number): string {
  if (bytes[at] !== ID_FORM) return '?';
  let rest = bytes.readBigUInt64BE(at + 1) >> 10n;
  let name = '';
  for (let index = 0; index < NAME_CHARS; index += 1) {
    name = ALPHABET[Number(rest & 63n)]! + name;
    rest >>= 6n;
  }
  return name;
}
