import { describe, expect, it } from 'vitest';
import { isStateless } from '../../../src/node/scripting/stateless.ts';

describe('a library', () => {
  it.each([
    "redis.register_function('f', function() return 1 end)",
    "local function f(a) local n = 0 n = n + a return n end redis.register_function('f', f)",
    "local NAME = 'x'; local LIMIT = 10 local on = true\nlocal f = function(keys) if #keys > LIMIT then return NAME end end redis.register_function{function_name='f', callback=f, flags={'no-writes'}}",
  ])('keeps nothing: %s', (source) => {
    expect(isStateless(source)).toBe(true);
  });

  it.each([
    "local n = 0 redis.register_function('f', function() n = n + 1 return n end)",
    "local a, b = 1, 2 redis.register_function('f', function() return a end)",
    "local a = 1 local b = 2 redis.register_function('f', function() a, b = b, a return a end)",
    "local t = {} redis.register_function('f', function() t[1] = 1 end)",
    "local function make() local n = 0 return function() n = n + 1 return n end end redis.register_function('f', make())",
    "local function make() end local g = make() redis.register_function('f', g)",
    "local function make(o) return o end redis.register_function{function_name='f', callback=make{1}}",
    "local function make(o) return o end redis.register_function('f', make'x')",
    "local function f() end f = 1 redis.register_function('f', f)",
    "for i = 1, 2 do redis.register_function('f' .. i, function() return i end) end",
    "local n = 'a' .. 'b' redis.register_function('f', function() return n end)",
    "redis.register_function('f', function() return 1",
    "local K = 'k' redis.register_function('f', function(keys) return redis.call('set', K, keys[1]) == K, K end)",
  ])('may keep something: %s', (source) => {
    expect(isStateless(source)).toBe(false);
  });
});
