/**
 * Numbers as Redis reads and writes them. Strict: no spaces, no plus sign, no leading zeros for integers.
 * [redis util.c string2ll, ld2string; object.c getDoubleFromObject]
 */

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** A canonical signed 64-bit integer, else null. */
export function parseInt64(text: string): bigint | null {
  if (!isCanonicalInteger(text)) return null;
  const value = BigInt(text);
  return value < INT64_MIN || value > INT64_MAX ? null : value;
}

/** The same as a number, rounded beyond 2^53. */
export function parseInteger(text: string): number | null {
  const length = text.length;
  if (length === 0 || length > 20) return null;
  if (length < 16) {
    // Fast and exact: at most 15 chars.
    let at = 0;
    const negative = text.charCodeAt(0) === 45;
    if (negative) at = 1;
    const first = text.charCodeAt(at);
    if (first === 48) return length === 1 ? 0 : null;
    let value = 0;
    for (; at < length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) return null;
      value = value * 10 + digit;
    }
    if (negative) return length === 1 ? null : -value;
    return value;
  }
  const exact = parseInt64(text);
  return exact === null ? null : Number(exact);
}

export const fitsInt64 = (value: bigint): boolean => value >= INT64_MIN && value <= INT64_MAX;

/** True when the text is exactly what printing some int64 gives. */
export function isCanonicalInteger(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > 20) return false;
  let at = 0;
  if (text.charCodeAt(0) === 45) {
    at = 1;
    if (length === 1) return false;
  }
  const first = text.charCodeAt(at);
  if (first === 48) return length === 1;
  for (; at < length; at++) {
    const char = text.charCodeAt(at);
    if (char < 48 || char > 57) return false;
  }
  return true;
}

/** Does it fit in an int64 and print the same? Decides the `int` and `intset` encodings. */
export const isInt64Text = (text: string): boolean =>
  text.length < 19 ? isCanonicalInteger(text) : parseInt64(text) !== null;

/** Digits, a point, an exponent. Digits belong to one part of the pattern only: else a long word of them would take hours. */
export const isDecimal = (text: string): boolean => /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text);

/**
 * A double as strtod reads it whole: decimal, hexadecimal, inf, infinity; NaN is refused, so is leading space.
 * Overflow to infinity by digits is refused as out of range.
 */
export function parseDouble(text: string): number | null {
  if (text.length === 0 || text.length > 512) return null;
  if (isDecimal(text)) {
    const value = Number(text);
    // Overflow and underflow to nothing are out of range [redis object.c getDoubleFromObject]
    return !Number.isFinite(value) || (value === 0 && /^[^eE]*[1-9]/.test(text)) ? null : value;
  }
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  const hex = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i.exec(text);
  if (hex === null || (hex[2] === '' && (hex[3] ?? '') === '')) return null;
  const fraction = hex[3] ?? '';
  const mantissa = parseInt(hex[2]! + fraction || '0', 16) * 2 ** (-4 * fraction.length);
  const value = mantissa * 2 ** Number(hex[4] ?? 0);
  return hex[1] === '-' ? -value : value;
}

/** Digits that `%.17g` prints before it takes to an exponent. */
const SIGNIFICANT_DIGITS = 17;
/** As many as JavaScript prints: beyond them a double that far was a tie has nothing but zeros. */
const DIGITS_MAX = 100;
/** From here on JavaScript takes to an exponent; nothing is left behind the point. */
const FIXED_BELOW = 1e21;

/** As C's `%.17g`: how Redis printed doubles to 7.0, and still does in places. */
export function format17(value: number): string {
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (Object.is(value, -0)) return '-0';
  if (Number.isSafeInteger(value)) return String(value);
  const sign = value < 0 ? '-' : '';
  const magnitude = Math.abs(value);
  const exponent = Number(magnitude.toExponential(SIGNIFICANT_DIGITS - 1).split('e')[1]);
  const digits = digits17(magnitude);
  if (exponent < -4 || exponent >= SIGNIFICANT_DIGITS) {
    const power = `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
    return sign + withoutZeros(`${digits[0]}.${digits.slice(1)}`) + power;
  }
  if (exponent < 0) return sign + withoutZeros(`0.${'0'.repeat(-exponent - 1)}${digits}`);
  return sign + withoutZeros(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
}

/** JavaScript rounds a tie up, C to the even digit. */
function digits17(magnitude: number): string {
  const digitsOf = (count: number): string =>
    magnitude
      .toExponential(count - 1)
      .split('e')[0]!
      .replace('.', '');
  const rounded = digitsOf(SIGNIFICANT_DIGITS);
  if (!digitsOf(SIGNIFICANT_DIGITS + 1).endsWith('5')) return rounded;
  const exact = digitsOf(DIGITS_MAX);
  const isTie = /^50*$/.test(exact.slice(SIGNIFICANT_DIGITS));
  const isEven = Number(exact[SIGNIFICANT_DIGITS - 1]) % 2 === 0;
  return isTie && isEven ? exact.slice(0, SIGNIFICANT_DIGITS) : rounded;
}

/** Of a text with a point, which goes as well when nothing is left behind it. */
const withoutZeros = (text: string): string => text.replace(/0+$/, '').replace(/\.$/, '');

/** As C's `%.4f` with so many digits behind the point: a tie goes to the even digit, other than in JavaScript. */
export function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Math.abs(value) >= FIXED_BELOW) {
    const whole = BigInt(value).toString();
    return digits === 0 ? whole : `${whole}.${'0'.repeat(digits)}`;
  }
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const magnitude = Math.abs(value);
  const rounded = magnitude.toFixed(digits);
  const exact = magnitude.toFixed(DIGITS_MAX);
  const end = exact.length - DIGITS_MAX + digits;
  const isTie = /^50*$/.test(exact.slice(end));
  const isEven = Number(exact[end - 1]) % 2 === 0;
  return sign + (isTie && isEven ? exact.slice(0, end) : rounded);
}
