/**
 * Which binary strings are integers in Redis's own spelling, so that an encoding may hold the number instead.
 *
 * Canonical means that printing the number gives the string back: no plus, no leading zeros, no "-0". Anything else
 * stays a string, or a client would read other bytes than it wrote [redis util.c string2ll].
 */
const SAFE_DIGITS_MAX = 15;
const INT64_CHARS_MAX = 20;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** The number, or null when the text is not canonical or has more than fifteen digits. */
export function smallInteger(text: string): number | null {
  const length = text.length;
  if (length === 0 || length > SAFE_DIGITS_MAX + 1) return null;
  const first = text.charCodeAt(0);
  const negative = first === 45;
  const start = negative ? 1 : 0;
  const lead = negative ? text.charCodeAt(1) : first;
  if (lead === 48) return length === 1 ? 0 : null;
  if (length - start > SAFE_DIGITS_MAX || length === start) return null;
  let number = 0;
  for (let index = start; index < length; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return null;
    number = number * 10 + digit;
  }
  return negative ? -number : number;
}

/** The number when the text is a canonical integer of 64 bits with more digits than `smallInteger` takes. */
export function largeInteger(text: string): bigint | null {
  if (text.length <= SAFE_DIGITS_MAX || text.length > INT64_CHARS_MAX || !/^-?[1-9][0-9]*$/.test(text)) return null;
  const number = BigInt(text);
  return number >= INT64_MIN && number <= INT64_MAX ? number : null;
}
