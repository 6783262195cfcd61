/** What every value can be asked, whatever its type: the name of its encoding, and a copy of its own. */

import { isInt64Text } from '../commands/numbers.ts';
import { RawString } from './raw-string.ts';
import type { Value } from './value.ts';

/** Longest string that Redis stores in one piece with its header [redis object.c OBJ_ENCODING_EMBSTR_SIZE_LIMIT]. */
const EMBEDDED_BYTES_MAX = 44;

/** As OBJECT ENCODING says it. A string that counts as integer is `int`, even where Redis keeps what INCRBYFLOAT made as text. */
export function encodingOf(value: Value): string {
  if (typeof value !== 'string') return value.kind === 'raw' ? 'raw' : value.encoding;
  if (isInt64Text(value)) return 'int';
  return value.length <= EMBEDDED_BYTES_MAX ? 'embstr' : 'raw';
}

/** Shares nothing that can change. */
export function cloneValue(value: Value): Value {
  if (typeof value === 'string') return value;
  return value.kind === 'raw' ? RawString.of(Buffer.from(value.view)) : value.clone();
}
