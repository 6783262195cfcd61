/**
 * The x87 long double that Redis adds in (INCRBYFLOAT, HINCRBYFLOAT): 64 bits of mantissa, so that 0.1 + 0.2 is 0.3, which a
 * JavaScript number cannot. Reads as strtold, rounds to nearest even, prints 17 decimals without trailing zeros.
 * [redis util.c string2ld, ld2string LD_STR_HUMAN]
 *
 * Limits: TEXT_CHARS_MAX chars of text; magnitudes from 2^-16445 to below 2^16384, as the format has. Numbers below its normal
 * range keep all their bits here; no printed digit tells.
 */

const TEXT_CHARS_MAX = 5 * 1024 - 1;
const MANTISSA_BITS = 64;
const EXPONENT_END = 16_384;
const EXPONENT_TINIEST = -16_445;
/** Decimal exponents beyond these need no arithmetic: too large, or zero. */
const DECIMAL_MAX = 5_000;
const DECIMALS = 17;

/** `mantissa` × 2^`exponent`; the mantissa has the sign and at most 64 bits. */
export interface FiniteLongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
}

export type LongDouble = FiniteLongDouble | 'infinity' | '-infinity';

/** Null when the text is no number, is NaN, or lies outside the range. */
export function parseLongDouble(text: string): LongDouble | null {
  if (text.length > TEXT_CHARS_MAX) return null;
  const negative = text.startsWith('-');
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text;
  const magnitude = parseMagnitude(unsigned);
  if (magnitude === null || !negative) return magnitude;
  if (typeof magnitude === 'string') return '-infinity';
  return { mantissa: -magnitude.mantissa, exponent: magnitude.exponent };
}

/** Null when the sum is no longer finite. */
export function addLongDoubles(a: FiniteLongDouble, b: FiniteLongDouble): FiniteLongDouble | null {
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  return round(sum, exponent, false);
}

export function formatLongDouble({ mantissa, exponent }: FiniteLongDouble): string {
  const magnitude = mantissa < 0n ? -mantissa : mantissa;
  const scaled = magnitude * 10n ** BigInt(DECIMALS);
  const digits = (exponent >= 0 ? scaled << BigInt(exponent) : roundedShift(scaled, -exponent, false))
    .toString()
    .padStart(DECIMALS + 1, '0');
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
  const text = digits.slice(0, -DECIMALS) + (fraction === '' ? '' : `.${fraction}`);
  return mantissa < 0n && text !== '0' ? `-${text}` : text;
}

/** The nearest number; infinite beyond its range. */
export function longDoubleToNumber(value: LongDouble): number {
  if (typeof value === 'string') return value === 'infinity' ? Infinity : -Infinity;
  if (value.mantissa === 0n) return 0;
  return Number(value.mantissa) * 2 ** value.exponent;
}

function parseMagnitude(text: string): FiniteLongDouble | 'infinity' | null {
  const decimal = /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (decimal !== null) {
    const digits = decimal[1]! + (decimal[2] ?? '');
    return digits === '' ? null : fromDecimal(digits, Number(decimal[3] ?? 0) - (decimal[2] ?? '').length);
  }
  const hex = /^0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?(?:[pP]([+-]?\d+))?$/.exec(text);
  if (hex !== null) {
    const digits = hex[1]! + (hex[2] ?? '');
    if (digits === '') return null;
    return round(BigInt(`0x${digits}`), Number(hex[3] ?? 0) - 4 * (hex[2] ?? '').length, false);
  }
  return /^inf(inity)?$/i.test(text) ? 'infinity' : null;
}

function fromDecimal(digits: string, power: number): FiniteLongDouble | null {
  const value = BigInt(digits);
  if (value === 0n) return { mantissa: 0n, exponent: 0 };
  const length = value.toString().length;
  if (length + power > DECIMAL_MAX || length + power < -DECIMAL_MAX) return null;
  if (power >= 0) return round(value * 10n ** BigInt(power), 0, false);
  const divisor = 10n ** BigInt(-power);
  // Enough bits in the quotient to round; what is lost is said by `inexact`.
  const shift = Math.max(0, bitsOf(divisor) - bitsOf(value) + MANTISSA_BITS + 2);
  const dividend = value << BigInt(shift);
  return round(dividend / divisor, -shift, dividend % divisor !== 0n);
}

/** To 64 bits, ties to even; `inexact`: the true value lies a little above. Null out of range. */
function round(value: bigint, exponent: number, inexact: boolean): FiniteLongDouble | null {
  if (value === 0n) return { mantissa: 0n, exponent: 0 };
  const negative = value < 0n;
  let mantissa = negative ? -value : value;
  const excess = bitsOf(mantissa) - MANTISSA_BITS;
  if (excess > 0) {
    mantissa = roundedShift(mantissa, excess, inexact);
    exponent += excess;
  }
  const top = bitsOf(mantissa) + exponent;
  if (top > EXPONENT_END || top <= EXPONENT_TINIEST) return null;
  return { mantissa: negative ? -mantissa : mantissa, exponent };
}

function roundedShift(value: bigint, bits: number, inexact: boolean): bigint {
  const shift = BigInt(bits);
  const quotient = value >> shift;
  const rest = value - (quotient << shift);
  const half = 1n << (shift - 1n);
  const up = rest > half || (rest === half && (inexact || (quotient & 1n) === 1n));
  return up ? quotient + 1n : quotient;
}

const bitsOf = (value: bigint): number => {
  const hex = value.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(parseInt(hex[0]!, 16)));
};
