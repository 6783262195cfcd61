import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { format17 } from '../../../src/node/commands/numbers.ts';

/** More digits than decide how a double is printed. */
const DIGITS = 100;
const exactly = (value: number): string => (Object.is(value, -0) ? '-0' : value.toExponential(DIGITS));

it('prints doubles as C does with %.17g, ties to the even digit too', () => {
  const edges = [0, -0, 0.1, 1.5, 1e16, 1e17, 1e21, 0.0001, 0.00001, 5e-324, 1.7976931348623157e308];
  const random = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), { numRuns: 500, seed: 17 });
  const whole = fc.sample(fc.integer({ min: 2 ** 50, max: 2 ** 51 - 1 }), { numRuns: 200, seed: 17 });
  const ties = whole.flatMap((value) => [value + 0.25, value + 0.75, -value - 0.25]);
  const values = [...edges, ...random, ...ties];
  const printed = execFileSync('printf', ['%.17g\\n', ...values.map(exactly)]).toString();
  expect(values.map(format17)).toEqual(printed.trim().split('\n'));
});
