/** FUNCTION and FCALL against the real server: the same requests, one after another, byte for byte. */

import { beforeAll, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';
import { rawExchange } from '../../support/raw-exchange.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';

const lib = (body: string, name = 'lib'): string[] => ['FUNCTION', 'LOAD', 'REPLACE', `#!lua name=${name}\n${body}`];
const one = (body: string): string[] => lib(`redis.register_function('f', function(keys, args)\n${body}\nend)`);
const CALL = ['FCALL', 'f', '2', '{k}1', '{k}2', 'a', '1', '\xff'];
const registered = (given: string): string[] => lib(`redis.register_function(${given})`);

/** Each is loaded, then called. */
const BODIES: readonly string[] = [
  'return 1',
  'return keys',
  'return args',
  'return {#keys, #args}',
  "return redis.call('set', keys[1], args[1])",
  "return redis.call('get', keys[1])",
  "return redis.call('nosuch')",
  "\nlocal x = redis.call('get')\nreturn 1",
  "return redis.pcall('get')",
  "return {pcall(redis.call, 'get')}",
  "error('bad')",
  "error({err='MY text'})",
  'return nosuch',
  'nosuch = 1',
  'return redis.register_function',
  "redis.register_function('g', function() return 1 end)",
  "return redis.error_reply('MY x')",
  "return redis.status_reply('FINE')",
  'return redis.sha1hex("x")',
  'return redis.setresp(3)',
  "redis.setresp(3) return redis.call('hgetall', '{k}none')",
  'return redis.set_repl(redis.REPL_ALL)',
  'return redis.replicate_commands',
  'return redis.breakpoint',
  "return redis.acl_check_cmd('get', 'x')",
  'return {double=1.5}',
  'return {map={a=1}}',
  'return cjson.encode({1,2})',
  'return redis.nosuch',
  'redis.x = 1',
  'return type(redis.REDIS_VERSION)',
  'return',
  'return function() end',
  'local t = {} t[1] = t return 1',
  "return redis.call('multi')",
  "return redis.call('fcall', 'f', 0)",
  "return redis.log(redis.LOG_NOTICE, 'x')",
];

const LOADS: readonly string[][] = [
  ['FUNCTION', 'LOAD', ''],
  ['FUNCTION', 'LOAD', 'return 1'],
  ['FUNCTION', 'LOAD', '#!lua name=a'],
  ['FUNCTION', 'LOAD', '#!lua\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua name=\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua name=a name=b\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua name=a-b\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua name=a flags=no-writes\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua "name=a\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!js name=a\nreturn 1'],
  ['FUNCTION', 'LOAD', '#! lua name=a\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!LUA NAME="b"\nredis.register_function("b", function() return 1 end)'],
  ['FUNCTION', 'LOAD', '#!lua name=a\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua name=a\nthis is no lua'],
  ['FUNCTION', 'LOAD', '#!lua name=a\n\n\nerror("third")'],
  ['FUNCTION', 'LOAD', 'x', '#!lua name=a\nreturn 1'],
  ['FUNCTION', 'LOAD', 'replace', 'replace', '#!lua name=a\nreturn 1'],
  ['FUNCTION', 'LOAD'],
  lib("redis.call('ping')"),
  lib("return redis.call('ping')"),
  lib('redis.setresp(3)'),
  lib('redis.nosuch()'),
  lib('nosuch()'),
  lib('x = 1'),
  lib('redis.x = 1'),
  lib("error('x')"),
  lib('local f = function() return error end'),
  lib('local t = {error = 1, [2] = {pairs = 2}} local error = 1 local x = t.error + error'),
  lib('local function pcall() end pcall()'),
  lib('if true then local x = cjson end'),
  lib('for k in pairs({}) do end'),
  lib('local x = 1 .. tostring(2)'),
  lib('local x = {string.rep}'),
  lib(
    'local f = function(...) for i = 1, 2 do if i then return type(i) end end repeat local x = math until true end\nlocal y = math',
  ),
  lib('local x = #KEYS'),
  lib("error({err='MY x'})"),
  lib('local a = redis.REDIS_VERSION error(type(a))'),
  lib('local f = function() end redis.log(redis.LOG_NOTICE, "x")'),
  lib("redis.log('x')"),
  lib('return math.random()'),
  registered(''),
  registered("'f'"),
  registered("'f', 1"),
  registered('1, function() end'),
  registered('{}, function() end'),
  registered("'f', function() end, 1"),
  registered("'', function() end"),
  registered("'a b', function() end"),
  registered('{}'),
  registered("{function_name='f'}"),
  registered('{callback=function() end}'),
  registered("{function_name='f', callback=1}"),
  registered('{function_name={}, callback=function() end}'),
  registered("{function_name='f', callback=function() end, description={}}"),
  registered("{function_name='f', callback=function() end, flags=1}"),
  registered("{function_name='f', callback=function() end, flags={'x'}}"),
  registered("{function_name='f', callback=function() end, flags={{}}}"),
  registered("{function_name='f', callback=function() end, x=1}"),
  registered('{[true]=1}'),
  registered("{'f', function() end}"),
  registered(
    "{FUNCTION_NAME='f', Callback=function() return 2 end, flags={'No-Writes', 'allow-oom'}, description='what'}",
  ),
  ['FUNCTION', 'DELETE', 'b'],
  ['FUNCTION', 'LIST'],
  lib("redis.register_function('f', function() end) redis.register_function('f', function() end)"),
  ['FUNCTION', 'LIST', 'LIBRARYNAME', 'li*', 'WITHCODE'],
  ['FUNCTION', 'LIST', 'libraryname', 'LI*'],
  ['FUNCTION', 'LIST', 'libraryname'],
  ['FUNCTION', 'LIST', 'x'],
  ['FUNCTION', 'LIST', 'withcode', 'withcode'],
  ['FUNCTION', 'STATS'],
  ['FUNCTION', 'KILL'],
  ['FUNCTION', 'LOAD', '#!lua name=lib\nredis.register_function("f", function() end)'],
  ['FUNCTION', 'LOAD', '#!lua name=lib2\nredis.register_function("f", function() end)'],
  ['FUNCTION', 'DELETE', 'none'],
  ['FUNCTION', 'DUMP'],
  ['FUNCTION', 'RESTORE', 'x'],
  ['FUNCTION', 'RESTORE', 'x', 'y'],
  ['FUNCTION', 'RESTORE', 'x', 'append', 'y'],
  ['FUNCTION', 'FLUSH', 'x'],
  ['FUNCTION', 'FLUSH', 'sync', 'x'],
  ['FUNCTION', 'NOSUCH'],
  ['FCALL', 'f', '0'],
  ['FCALL', 'nosuch', '0'],
  ['FCALL', 'f', 'x'],
  ['FCALL', 'f', '-1'],
  ['FCALL', 'f', '1'],
  ['FCALL', 'f'],
  ['FCALL', 'F', '0'],
  lib("redis.register_function('F', function() end)", 'upper'),
  ['FCALL_RO', 'f', '0'],
  registered("{function_name='f', callback=function() return redis.call('set', 'a', 'b') end, flags={'no-writes'}}"),
  ['FCALL', 'f', '0'],
  ['FCALL_RO', 'f', '0'],
  registered(
    "{function_name='f', callback=function() return redis.call('get', 'a') end, flags={'no-writes', 'allow-stale'}}",
  ),
  ['FCALL_RO', 'f', '0'],
  ['FLUSHALL'],
  ['FUNCTION', 'STATS'],
  lib('local n = 0\nredis.register_function("f", function() n = n + 1 return n end)'),
  ['FCALL', 'f', '0'],
  ['FCALL', 'f', '0'],
  ['DEBUG', 'RELOAD'],
  ['FCALL', 'f', '0'],
  ['FUNCTION', 'FLUSH'],
  ['FUNCTION', 'LIST'],
  ['FCALL', 'f', '0'],
];

const bulk = (reply: string): string => reply.slice(reply.indexOf('\r\n') + 2, -2);

describeReal('functions', () => {
  beforeAll(scriptEngineReady);

  it.each([2, 3] as const)('are as in a redis-server with RESP%i', async (protocol) => {
    await using real = await startRealRedis({ args: ['--enable-debug-command', 'yes'] });
    using test = testShard({ commands: dataCommands });
    const ours = test.client();
    ours.session.wireProtocol = protocol;
    const hello = encodeRequest(['HELLO', String(protocol)]);
    const differences: string[] = [];
    for (const request of [...LOADS, ...BODIES.flatMap((body) => [one(body), CALL])]) {
      const theirs = await rawExchange(real.port, hello + encodeRequest(['ECHO', 'mark']) + encodeRequest(request));
      const expected = theirs.slice(theirs.indexOf('$4\r\nmark\r\n') + 10);
      const answered = ours.bytes(...request);
      if (answered !== expected)
        differences.push(
          `${JSON.stringify(request)}\n ours:   ${JSON.stringify(answered)}\n theirs: ${JSON.stringify(expected)}`,
        );
    }
    expect(differences.join('\n')).toBe('');
  });

  it('travel as payloads both ways', async () => {
    await using real = await startRealRedis();
    using test = testShard({ commands: dataCommands });
    const ours = test.client();
    const libraries = ['a', 'b'].map(
      (name) => `#!lua name=${name}\nredis.register_function('f_${name}', function() return '${name.repeat(90)}' end)`,
    );
    for (const code of libraries) ours.call('FUNCTION', 'LOAD', code);
    const payload = bulk(ours.bytes('FUNCTION', 'DUMP'));
    expect(await rawExchange(real.port, encodeRequest(['FUNCTION', 'RESTORE', payload]))).toBe('+OK\r\n');
    expect(await real.command('FCALL', 'f_b', 0)).toBe('b'.repeat(90));
    const bytes = bulk(await rawExchange(real.port, encodeRequest(['FUNCTION', 'DUMP'])));
    ours.call('FUNCTION', 'FLUSH');
    expect(ours.call('FUNCTION', 'RESTORE', bytes)).toBe('OK');
    expect(ours.call('FCALL', 'f_a', '0')).toBe('a'.repeat(90));
    for (const policy of ['APPEND', 'REPLACE', 'FLUSH', 'nosuch']) {
      const request = encodeRequest(['FUNCTION', 'RESTORE', bytes, policy]);
      const theirs = await rawExchange(real.port, request);
      expect(ours.bytes('FUNCTION', 'RESTORE', bytes, policy).replace(/Library [ab]/, 'Library x')).toBe(
        theirs.replace(/Library [ab]/, 'Library x'),
      );
    }
  });
});
