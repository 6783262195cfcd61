/** Counts at the end of a request, as the commands that pop or pick members read them. [redis object.c getRangeLongFromObjectOrReply] */

import { refuse } from '../../resp/refusals.ts';
import { countedKeys, integer, type Argument, type Option } from './arguments.ts';
import { parseInt64, parseInteger } from './numbers.ts';

const INT64_MAX = 2n ** 63n - 1n;

/** The last argument, or none; words behind it are noticed before its value is read. */
export const last = <T>(argument: Argument<T>): Argument<T | undefined> => ({
  ...argument,
  doc: { ...argument.doc, optional: true },
  wordsMin: 0,
  parse(reader) {
    if (reader.left === 0) return undefined;
    if (reader.left > argument.wordsMax) throw refuse('SYNTAX');
    return argument.parse(reader);
  },
});

/** How many to pop: what is no whole number from 0 up gets one refusal. */
export const popCount = (): Argument<number> => ({
  ...integer(),
  parse(reader) {
    const count = parseInteger(reader.take());
    if (count === null || count < 0) throw refuse('OUT_OF_RANGE_POSITIVE');
    return count;
  },
});

/** How many to pick, of either sign: the most negative integer has no opposite and is refused. */
export const pickCount = (): Argument<bigint> => ({
  doc: { type: 'integer' },
  wordsMin: 1,
  wordsMax: 1,
  parse(reader) {
    const count = parseInt64(reader.take());
    if (count === null) throw refuse('NOT_INTEGER');
    if (count < -INT64_MAX)
      throw refuse('ERR', `value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`);
    return count;
  },
});

/** LIMIT of SINTERCARD and ZINTERCARD: 0 is no limit. */
export const cardinalityLimit = (): Argument<number> => ({
  ...integer(),
  parse(reader) {
    const limit = parseInteger(reader.take());
    if (limit === null || limit < 0) throw refuse('ERR', "LIMIT can't be negative");
    return limit;
  },
});

/** `numkeys key [key …]` of the commands that pop from the first of several keys. */
export const poppedKeys = (): Argument<string[]> => countedKeys(() => refuse('NUMKEYS'), 'RW', 'access', 'delete');

/** COUNT of LMPOP and ZMPOP: said twice it is a syntax error, anything but a number from 1 up gets one refusal. */
export const countOnce: Option<number> = {
  tokens: {
    COUNT: {
      doc: { type: 'integer' },
      wordsMin: 1,
      wordsMax: 1,
      parse(reader) {
        const value = parseInteger(reader.take());
        if (value === null || value < 1) throw refuse('COUNT_POSITIVE');
        return value;
      },
    },
  },
  fold(_token, value, before) {
    if (before !== undefined) throw refuse('SYNTAX');
    return value as number;
  },
};
