/** A binary string in quotes as Redis writes it for people, and reads it back from inline requests. [redis sds.c sdscatrepr] Pure. */

const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

const escaped = (char: string): string => NAMED[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;

export const quoted = (text: string): string => `"${text.replace(/[^ -~]|["\\]/g, escaped)}"`;
