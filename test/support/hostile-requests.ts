/**
 * What a client may send that means no good, or was damaged on its way: requests of every declaration, random ones, mutated as words
 * and as bytes, and truncated. Bytes are binary strings.
 */

import fc from 'fast-check';
import { dataCommands } from '../../src/node/commands/index.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { mutated, requestsFrom } from './request-generator.ts';

/** DEBUG may do what no ordinary client may (sleep, crash); CONFIG RESETSTAT would hide how much was run. */
const commands = dataCommands.filter(({ name }) => !name.startsWith('DEBUG') && name !== 'CONFIG RESETSTAT');

const junkWord = fc.oneof(
  fc.constantFrom(
    '',
    '\0',
    '\xff',
    '\r\n',
    '-1',
    '0',
    '9223372036854775807',
    '-9223372036854775808',
    '1e400',
    'inf',
    'nan',
    '*',
    '[',
    '\\',
  ),
  fc.constantFrom(
    'GET',
    'EXEC',
    'MULTI',
    'NX',
    'LIMIT',
    'STORE',
    'COUNT',
    'WITHSCORES',
    '(1',
    '+',
    '-',
    '#',
    'BY',
    'a',
    'b',
    'c',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => Buffer.from(text).toString('latin1')),
  fc.constantFrom(1_000, 70_000).map((length) => 'x'.repeat(length)),
);
const name = fc.constantFrom(...commands.map((command) => command.name.split(' ')));
const randomRequest = fc.tuple(name, fc.array(junkWord, { maxLength: 6 })).map(([words, more]) => [...words, ...more]);
const request = fc.oneof(
  { weight: 3, arbitrary: mutated(requestsFrom(commands)) },
  { weight: 1, arbitrary: randomRequest },
);

/** Bytes of a request: whole, with one byte changed, cut off before its end, or in one line. */
export const hostileBytes: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: request.map((words) => encodeRequest(words)) },
  fc.tuple(request, fc.nat(), fc.nat(255)).map(([words, place, byte]) => {
    const text = encodeRequest(words);
    const at = place % text.length;
    return text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1);
  }),
  fc.tuple(request, fc.nat()).map(([words, place]) => {
    const text = encodeRequest(words);
    return text.slice(0, place % text.length);
  }),
  request.map((words) => `${words.join(' ')}\r\n`),
);
