import { describe, expect, it } from 'vitest';
import {
  addLongDoubles,
  formatLongDouble,
  longDoubleToNumber,
  parseLongDouble,
} from '../../../src/node/commands/long-double.ts';

function sum(left: string, right: string): string {
  const a = parseLongDouble(left);
  const b = parseLongDouble(right);
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return 'not finite';
  const added = addLongDoubles(a, b);
  return added === null ? 'out of range' : formatLongDouble(added);
}

describe('long doubles', () => {
  // Expected sums were taken from redis-server 7.0 on x86-64.
  it.each([
    ['0.1', '0.2', '0.3'],
    ['10.5', '0.1', '10.6'],
    ['5.0e3', '2.0e2', '5200'],
    ['3', '-3', '0'],
    ['-0', '-0', '0'],
    ['1e17', '0.1', '100000000000000000.1015625'],
    ['9223372036854775807', '1', '9223372036854775808'],
    ['18446744073709551615', '1', '18446744073709551616'],
    ['18446744073709551617', '0', '18446744073709551616'],
    ['1.00000000000000000005', '0', '1'],
    ['1e-17', '0', '0.00000000000000001'],
    ['4e-18', '0', '0'],
    ['-1e-18', '0', '0'],
    ['0x10', '0x1.8p1', '19'],
    ['+5', '.5', '5.5'],
    ['5.', '-00.25e1', '2.5'],
  ])('%s + %s = %s', (left, right, expected) => {
    expect(sum(left, right)).toBe(expected);
    expect(sum(right, left)).toBe(expected);
  });

  it('reads infinity in any case, and refuses what strtold would not read whole', () => {
    expect(['inf', '+INF', 'Infinity', '-inf', '-infinity'].map(parseLongDouble)).toEqual([
      'infinity',
      'infinity',
      'infinity',
      '-infinity',
      '-infinity',
    ]);
    for (const text of [
      '',
      ' 1',
      '1 ',
      '1e',
      '1e+',
      '.',
      '-',
      '+-1',
      'nan',
      '-nan',
      'nan(1)',
      '0x',
      '0x.',
      '1_0',
      '١',
      '1e5000',
      '1e-5000',
      '9'.repeat(5120),
    ]) {
      expect([text, parseLongDouble(text)]).toEqual([text, null]);
    }
  });

  it('reaches further than a number, and says where it ends', () => {
    expect(sum('1e4932', '0').length).toBe(4933);
    expect(sum('1e4932', '1e4932')).toBe('out of range');
    expect(parseLongDouble('1e4933')).toBeNull();
    expect(parseLongDouble('0e999999999999999999999')).toEqual({ mantissa: 0n, exponent: 0 });
    expect(parseLongDouble('1e999999999999999999999')).toBeNull();
    expect(parseLongDouble('0x1p99999999999')).toBeNull();
    expect(parseLongDouble('1e-4940')).not.toBeNull();
  });

  it('becomes the nearest number', () => {
    for (const [text, value] of [
      ['0.1', 0.1],
      ['-2.5', -2.5],
      ['0', 0],
      ['inf', Infinity],
      ['-inf', -Infinity],
      ['1e4000', Infinity],
      ['1e-4000', 0],
    ] as const) {
      expect(longDoubleToNumber(parseLongDouble(text)!)).toBe(value);
    }
  });
});
