/** What a client may make long (a word, a list of options) is read in time that grows with its length, not with its square. */
import { expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';

/** Where a pattern began anew at every place, each took longer than a test may; now milliseconds. */
const LENGTH = 300_000;

const digits = `${'1'.repeat(LENGTH)}x`;
const lines = `${'\n'.repeat(LENGTH)}x`;
const spaces = `${' '.repeat(LENGTH)}x`;

it.each<[string, string[], RegExp]>([
  ['a bound of digits', ['ZCOUNT', 'z', digits, '2'], /not a float/],
  ['a bound of spaces', ['ZRANGEBYSCORE', 'z', spaces, '2'], /not a float/],
  ['an increment', ['INCRBYFLOAT', 'n', digits], /not a valid float/],
  ['a timeout', ['BLPOP', 'z', digits], /timeout/],
  ['line ends in an option', ['EXPIRE', 'n', '1', lines], /Unsupported option/],
  ['line ends in a parameter', ['CONFIG', 'SET', lines, '1'], /Unknown option/],
  ['options of SORT', ['SORT', 'none', ...Array.from({ length: LENGTH }, () => ['GET', '#']).flat()], /^$/],
])('%s', (_name, words, expected) => {
  using test = testShard({ commands: dataCommands });
  const client = test.client();
  client.call('ZADD', 'z', '1', 'a');
  client.call('SET', 'n', '1');
  client.session.receive(Buffer.from(encodeRequest(words), 'latin1'));
  const reply = client.replies.at(-1);
  expect(reply instanceof Error ? reply.message : String(reply)).toMatch(expected);
});
