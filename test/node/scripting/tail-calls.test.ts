/** Which returned calls are set in parentheses, and that nothing else of a script changes. */

import { expect, it } from 'vitest';
import { withoutTailCalls } from '../../../src/node/scripting/tail-calls.ts';

it.each([
  ["return redis.call('get', KEYS[1])", "return (redis.call('get', KEYS[1]))"],
  ['if x then return redis.pcall(f(1), (2)) end', 'if x then return (redis.pcall(f(1), (2))) end'],
  ['return redis . call ( "a" ) ;', 'return (redis . call ( "a" )) ;'],
  ['return redis.call([==[)]]]==], ")\\"", \')\')', 'return (redis.call([==[)]]]==], ")\\"", \')\'))'],
  ['return redis.call(--[[)]] "a" -- )\n)', 'return (redis.call(--[[)]] "a" -- )\n))'],
  ['return math.random(5)', 'return (math.random(5))'],
])('%s', (source, expected) => {
  expect(withoutTailCalls(source)).toBe(expected);
});

it.each([
  "return redis.call('get').x",
  "return redis.call('a'), 2",
  "return redis.call('a') or 'b'",
  "-- return redis.call('a')",
  "--[[ return redis.call('a') ]]",
  `return "return redis.call('a')"`,
  "[[return redis.call('a')]]",
  "return redis.call('a'",
  "return redis.call'a'",
  "return other.call('a')",
  "return f(redis.call('a'))",
  'return math.modf(5.5)',
  '"unfinished\nreturn 1',
])('%s stays as it is', (source) => {
  expect(withoutTailCalls(source)).toBe(source);
});
