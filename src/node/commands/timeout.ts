/**
 * The timeout of blocking commands: seconds as a double, 0 for ever. Rounded up to milliseconds, so that a tiny timeout does not
 * become none. [redis timeout.c getTimeoutFromObjectOrReply]
 */

import { refuse } from '../../resp/refusals.ts';
import type { Argument } from './arguments.ts';
import { longDoubleToNumber, parseLongDouble } from './long-double.ts';

/** In Redis a point in time is an int64 of milliseconds. */
const TIME_END = 2 ** 63;

/** Yields milliseconds. */
export const timeoutSeconds = (): Argument<number> => ({
  doc: { type: 'double' },
  wordsMin: 1,
  wordsMax: 1,
  parse(reader) {
    const given = parseLongDouble(reader.take());
    if (given === null) throw refuse('TIMEOUT_NOT_FLOAT');
    const milliseconds = longDoubleToNumber(given) * 1000;
    if (milliseconds >= TIME_END) throw refuse('TIMEOUT_OUT_OF_RANGE');
    // -0.0001 seconds is rounded up to nothing, which waits for ever
    if (milliseconds <= -1) throw refuse('NEGATIVE_TIMEOUT');
    return Math.max(0, Math.ceil(milliseconds));
  },
});
