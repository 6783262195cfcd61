/**
 * What runs in a Lua machine before any script, while its globals can still be changed: the `redis` table and those few functions of
 * Lua that Redis replaces, and the keeper of what has been compiled, which the engine itself forgets after each evaluation.
 * [redis script_lua.c, eval.c, function_lua.c]
 *
 * Border: what a call does is the machine's business (`lua-machine.ts`). Of the engine's own `redis.pcall` scripts see nothing: it
 * carries their commands; `redis.call` carries everything else to the machine. While nothing runs, the visible `redis.call` is
 * the machine's way in. Its own frames are named `redis`, so that an error can name the first line that is the script's.
 */

/** What the machine asks for, the first argument of the way in. */
export const ASK = { run: 1, define: 2, drop: 3, load: 4, callFunction: 5, probe: 6 } as const;

/** What Lua tells the machine, the first word. */
export const TELL = {
  failed: 'failed',
  log: 'log',
  setProtocol: 'setresp',
  setReplication: 'set_repl',
  mayRun: 'acl_check_cmd',
  random: 'random',
  clock: 'clock',
  seed: 'seed',
  doubles: 'doubles',
  register: 'register',
} as const;

/** A null inside a RESP3 reply, until Lua has it: the engine knows only false for it. */
export const NIL_MARK = '\0nil';

/** The answer to a command that is not run: the script goes on elsewhere, and here it ends as if its instructions were used up. */
export const STOP_MARK = '\0stop';

/** How deep a table that is returned may be [as far as the engine's stack carries it]. */
const DEPTH_MAX = 150;

export const PRELUDE = `
local kind, version, versionNumber = ...
local isFunctions = kind == 'functions'
local tell, command, sha1, setresp = redis.call, redis.pcall, redis.sha1hex, redis.setresp
local error, type, select, tostring, tonumber = error, type, select, tostring, tonumber
local next, unpack, rawget, loadstring = next, unpack, rawget, loadstring
local setmetatable, getmetatable = setmetatable, getmetatable
local luaPcall, luaXpcall, luaResume = pcall, xpcall, coroutine.resume
local format, find, match, sub, gsub, lower, concat, floor =
  string.format, string.find, string.match, string.sub, string.gsub, string.lower, table.concat, math.floor

-- What a processor makes of a number that is none
local NO_INTEGER = -2 ^ 63

local compiled, last = {}, 0
local running, loading, isThree, stopped = false, false, false, false

local MISSING = '__RLUA_E__:global-read:'
local function plain(e, inside)
  if type(e) ~= 'string' then return e end
  if find(e, 'Script killed by fuel limit', 1, true) then stopped = true end
  local at = find(e, MISSING, 1, true)
  if not at then return inside and e or (gsub(e, '^redis:%d+: ', '')) end
  return sub(e, 1, at - 1) .. "Script attempted to access nonexistent global variable '" .. sub(e, at + #MISSING) .. "'"
end

local function raise(text) error({err = 'ERR ' .. text}, 0) end

local function afterPcall(ok, e, ...)
  if ok then return true, e, ... end
  e = plain(e)
  if stopped then error(e, 0) end
  if type(e) == 'table' then
    local text = rawget(e, 'err')
    if type(text) == 'string' or type(text) == 'number' then return false, text end
  end
  return false, e
end
pcall = function(...) return afterPcall(luaPcall(...)) end

local function afterXpcall(ok, ...)
  if not ok and stopped then error('Script killed by fuel limit', 0) end
  return ok, ...
end
xpcall = function(f, handler)
  return afterXpcall(luaXpcall(f, function(e)
    e = plain(e)
    if stopped then return e end -- nothing of the script runs any more
    local ok, answer = luaPcall(handler, e)
    if ok then return answer end
    plain(answer) -- the handler may be what does not end
    return 'error in error handling'
  end))
end

local function afterResume(ok, e, ...)
  if ok then return true, e, ... end
  e = plain(e)
  if stopped then error(e, 0) end
  return false, e, ...
end
coroutine.resume = function(...) return afterResume(luaResume(...)) end

-- The engine writes integers of up to 14 digits as Redis does. Others are written here, doubles by the machine
local function words(carry, ...)
  local n = select('#', ...)
  if n == 0 then return {err = 'ERR Please specify at least one argument for this redis lib call'} end
  local all, doubles, isChanged = {...}, nil, false
  for i = 1, n do
    local v = all[i]
    local t = type(v)
    if t == 'number' then
      if v % 1 ~= 0 or v >= 4611686018427387904 or v <= -4611686018427387904 then
        all[i] = format('%.17g', v)
        doubles = doubles and doubles .. ' ' .. i or tostring(i)
        isChanged = true
      elseif v >= 1e14 or v <= -1e14 or v == 0 then
        all[i] = format('%.0f', v + 0)
        isChanged = true
      end
    elseif t ~= 'string' then
      return {err = 'ERR Lua redis lib command arguments must be strings or integers'}
    end
  end
  if doubles then tell('${TELL.doubles}', doubles) end
  if isChanged then return carry(unpack(all, 1, n)) end
  return carry(...)
end

local function withNils(t)
  for k, v in next, t do
    if type(v) == 'table' then
      if rawget(v, 'ok') == '\\0nil' then t[k] = nil else withNils(v) end
    end
  end
  return t
end

local function send(...)
  local n = select('#', ...)
  local reply
  local areTexts = false
  if n > 0 and n < 5 then
    local a, b, c, d = ...
    areTexts = type(a) == 'string' and (n < 2 or type(b) == 'string') and (n < 3 or type(c) == 'string')
      and (n < 4 or type(d) == 'string')
  end
  if areTexts then
    reply = command(...)
  else
    reply = words(command, ...)
  end
  if type(reply) ~= 'table' then return reply end
  if rawget(reply, 'err') == '\\0stop' then
    stopped = true
    error('Script killed by fuel limit', 0)
  end
  if isThree then
    if rawget(reply, 'ok') == '\\0nil' then return nil end
    return withNils(reply)
  end
  return reply
end

local function errorReply(...)
  local text = ...
  if select('#', ...) ~= 1 or type(text) ~= 'string' then return {err = 'ERR wrong number or type of arguments'} end
  if sub(text, 1, 1) == '-' then text = sub(text, 2) end
  local code, message = match(text, '^([^ ]*) (.*)$')
  if not code then code, message = 'ERR', text end
  return {err = code .. ' ' .. match(match(message, '^[\\r\\n]*(.*)$'), '^(.-)[\\r\\n]*$')}
end

local function statusReply(...)
  local text = ...
  if select('#', ...) ~= 1 or type(text) ~= 'string' then return {err = 'ERR wrong number or type of arguments'} end
  return {ok = text}
end

local function log(...)
  local n = select('#', ...)
  if n < 2 then raise('redis.log() requires two arguments or more.') end
  local all = {...}
  local level = tonumber(all[1])
  if not level then raise('First argument must be a number (log level).') end
  if level < 0 or level >= 4 then raise('Invalid log level.') end
  local texts = {}
  for i = 2, n do
    local t = type(all[i])
    if t == 'string' or t == 'number' then texts[#texts + 1] = tostring(all[i]) end
  end
  tell('${TELL.log}', floor(level), concat(texts, ' '))
end

local api = {
  REDIS_VERSION = version, REDIS_VERSION_NUM = tonumber(versionNumber),
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  REPL_NONE = 0, REPL_AOF = 1, REPL_SLAVE = 2, REPL_REPLICA = 2, REPL_ALL = 3,
  log = log, error_reply = errorReply, status_reply = statusReply,
}
local libraryApi = {
  REDIS_VERSION = version, REDIS_VERSION_NUM = tonumber(versionNumber),
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3, log = log,
}

api.pcall = send
api.sha1hex = function(...)
  if select('#', ...) ~= 1 then raise('wrong number of arguments') end
  local t = type((...))
  return sha1((t == 'string' or t == 'number') and (...) or '')
end
api.setresp = function(...)
  if select('#', ...) ~= 1 then raise('redis.setresp() requires one argument.') end
  local asked = tonumber((...))
  asked = asked and floor(asked)
  if asked ~= 2 and asked ~= 3 then raise('RESP version must be 2 or 3.') end
  isThree = asked == 3
  tell('${TELL.setProtocol}', asked)
end
api.set_repl = function(...)
  if select('#', ...) ~= 1 then raise('redis.set_repl() requires one argument.') end
  local flags = tonumber((...)) or 0
  if flags % 1 ~= 0 or flags < 0 or flags > 3 then
    raise('Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.')
  end
  tell('${TELL.setReplication}', flags)
end
local function mayRun(...) return tell('${TELL.mayRun}', ...) end
api.acl_check_cmd = function(...)
  local may = words(mayRun, ...)
  if type(may) == 'table' then error(may, 0) end
  if may == false then raise('Invalid command passed to redis.acl_check_cmd()') end
  return may == 1
end
if not isFunctions then
  api.breakpoint = function() return false end
  api.debug = function() end
  api.replicate_commands = function() return true end
end

local function integerArgument(name, place, v)
  local number = (type(v) == 'number' or type(v) == 'string') and tonumber(v)
  if not number then
    error("bad argument #" .. place .. " to '" .. name .. "' (number expected, got " .. (v == nil and 'no value' or type(v)) .. ')', 3)
  end
  return number < 0 and -floor(-number) or floor(number)
end
math.random = function(...)
  local n = select('#', ...)
  if loading then error("Script attempted to access nonexistent global variable 'math'", 2) end
  local r = tell('${TELL.random}') % 2147483647 / 2147483647
  if n == 0 then return r end
  local low, high = ...
  if n == 1 then
    high = integerArgument('random', 1, low)
    if high < 1 then error("bad argument #1 to 'random' (interval is empty)", 2) end
    return floor(r * high) + 1
  end
  if n > 2 then error('wrong number of arguments', 2) end
  low, high = integerArgument('random', 1, low), integerArgument('random', 2, high)
  if low > high then error("bad argument #2 to 'random' (interval is empty)", 2) end
  return floor(r * (high - low + 1)) + low
end
math.randomseed = function(seed)
  if loading then error("Script attempted to access nonexistent global variable 'math'", 2) end
  tell('${TELL.seed}', format('%.0f', integerArgument('randomseed', 1, seed)))
end

-- Of the machine, so that a script that is begun again sees the same moments
if os then os.clock = function() return tell('${TELL.clock}') / 1e6 end end

-- A long has 64 bits where Redis runs, here 32
local LONGS = {l = 'i8', L = 'I8', T = 'I8'}
local function wide(layout)
  if type(layout) == 'string' and find(layout, '[lLT]') then return (gsub(layout, '[lLT]', LONGS)) end
  return layout
end
local narrow = {pack = struct.pack, unpack = struct.unpack, size = struct.size}
struct.pack = function(layout, ...) return narrow.pack(wide(layout), ...) end
struct.unpack = function(layout, ...) return narrow.unpack(wide(layout), ...) end
struct.size = function(layout, ...) return narrow.size(wide(layout), ...) end

local FLAGS = {
  ['no-writes'] = true, ['allow-oom'] = true, ['allow-stale'] = true, ['no-cluster'] = true, ['allow-cross-slot-keys'] = true,
}
local function isText(v) return type(v) == 'string' or type(v) == 'number' end

local function readNamed(given)
  if type(given) ~= 'table' then
    raise('calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).')
  end
  local name, description, callback
  local flags = {}
  for k, v in next, given do
    if not isText(k) then raise('named argument key given to redis.register_function is not a string') end
    local field = lower(k)
    if field == 'function_name' then
      if not isText(v) then raise('function_name argument given to redis.register_function must be a string') end
      name = tostring(v)
    elseif field == 'description' then
      if not isText(v) then raise('description argument given to redis.register_function must be a string') end
      description = tostring(v)
    elseif field == 'callback' then
      if type(v) ~= 'function' then raise('callback argument given to redis.register_function must be a function') end
      callback = v
    elseif field == 'flags' then
      if type(v) ~= 'table' then
        raise('flags argument to redis.register_function must be a table representing function flags')
      end
      flags = {}
      local i = 1
      while v[i] ~= nil do
        local flag = isText(v[i]) and lower(v[i])
        if not flag or not FLAGS[flag] then raise('unknown flag given') end
        flags[i] = flag
        i = i + 1
      end
    else
      raise('unknown argument given to redis.register_function')
    end
  end
  if not name then raise('redis.register_function must get a function name argument') end
  if not callback then raise('redis.register_function must get a callback argument') end
  return name, callback, description, flags
end

libraryApi.register_function = function(...)
  if not loading then raise('redis.register_function can only be called on FUNCTION LOAD command') end
  local n = select('#', ...)
  if n < 1 or n > 2 then raise('wrong number of arguments to redis.register_function') end
  local name, callback = ...
  local description, flags = nil, {}
  if n == 1 then
    name, callback, description, flags = readNamed(name)
  else
    if not isText(name) then raise('first argument to redis.register_function must be a string') end
    if type(callback) ~= 'function' then raise('second argument to redis.register_function must be a function') end
    name = tostring(name)
  end
  last = last + 1
  compiled[last] = callback
  local problem =
    tell('${TELL.register}', last, name, description and 'described' or '', description or '', unpack(flags))
  if problem ~= '' then raise(problem) end
end

local function where(handlerLevel)
  for level = handlerLevel + 1, handlerLevel + 4 do
    local _, place = luaPcall(error, '', level)
    local source, line = match(type(place) == 'string' and place or '', '^(.-):(%d+): $')
    if source and source ~= 'redis' then return source, line end
  end
end

local function handler(e)
  e = plain(e, true)
  local source, line = where(3)
  if type(e) == 'string' then e = gsub(e, '^redis:%d+: ', source and source .. ':' .. line .. ': ' or '') end
  local text
  if type(e) == 'table' then text = rawget(e, 'err') else text = 'ERR ' .. tostring(e) end
  if not isText(text) then text = 'ERR unknown error' end
  return {tostring(text), source or '', line or ''}
end

local SPECIAL = {
  err = 'string', ok = 'string', double = 'number', big_number = 'string', verbatim_string = 'table', map = 'table', set = 'table',
}
local function isSpecial(k, v)
  local expected = SPECIAL[k]
  if not expected then return true end
  if expected ~= type(v) then return false end
  return k ~= 'verbatim_string' or (type(rawget(v, 'format')) == 'string' and type(rawget(v, 'string')) == 'string')
end
local function isSound(t, depth)
  if depth > ${DEPTH_MAX} or getmetatable(t) ~= nil then return false end
  for k, v in next, t do
    local kind = type(v)
    if v ~= v or (SPECIAL[k] and not isSpecial(k, v)) then return false end
    if kind == 'table' then
      if not isSound(v, depth + 1) then return false end
    elseif kind == 'function' or kind == 'userdata' or kind == 'thread' then
      return false
    end
    local keyKind = type(k)
    if keyKind ~= 'string' and keyKind ~= 'number' and keyKind ~= 'boolean' then return false end
  end
  return true
end

local function sound(v, depth)
  local kind = type(v)
  if kind == 'table' then
    if depth > ${DEPTH_MAX} then return {err = 'ERR reached lua stack limit'} end
    local copy = {}
    for k, each in next, v do
      if isSpecial(k, each) then copy[sound(k, depth + 1)] = sound(each, depth + 1) end
    end
    return copy
  end
  if v ~= v then return NO_INTEGER end
  if kind == 'function' or kind == 'userdata' or kind == 'thread' then return {ok = '\\0nil'} end
  return v
end

local function finish(ok, value)
  running = false
  if not ok then
    tell('${TELL.failed}', type(value) == 'table' and value[1] or 'ERR ' .. tostring(value), type(value) == 'table' and value[2] or '',
      type(value) == 'table' and value[3] or '',
      stopped and 'stopped' or '')
    return nil
  end
  local kind = type(value)
  if value ~= value then return NO_INTEGER end
  if kind == 'string' or kind == 'number' or kind == 'nil' then return value end
  if kind == 'table' then
    if not isSound(value, 1) then value = sound(value, 1) end
  elseif kind ~= 'boolean' then
    return nil
  end
  setresp(3)
  return value
end

local function begin() running, isThree, stopped = true, false, false end

local asked = {
  [${ASK.run}] = function(id)
    begin()
    return finish(luaXpcall(compiled[id], handler))
  end,
  [${ASK.define}] = function()
    local f, problem = loadstring(ARGV[1], '@user_script')
    if not f then return problem end
    last = last + 1
    compiled[last] = f
    return last
  end,
  [${ASK.drop}] = function()
    for i = 1, #ARGV do compiled[tonumber(ARGV[i])] = nil end
  end,
  [${ASK.load}] = function()
    local f, problem = loadstring(ARGV[1], '@user_function')
    if not f then return 'Error compiling function: ' .. problem end
    begin()
    loading = true
    local ok, e = luaPcall(f)
    running, loading = false, false
    if ok then return nil end
    e = plain(e)
    local text
    if type(e) == 'table' then text = rawget(e, 'err') else text = 'ERR ' .. tostring(e) end
    if stopped then text = 'ERR FUNCTION LOAD timeout' end
    return 'Error registering functions: ' .. (isText(text) and text or 'ERR unknown error')
  end,
  [${ASK.probe}] = function() return 1 end,
  [${ASK.callFunction}] = function(id)
    local keys, values = KEYS, ARGV
    local f = compiled[id]
    begin()
    return finish(luaXpcall(function() return (f(keys, values)) end, handler))
  end,
}

api.call = function(...)
  if not running then return asked[(...)](select(2, ...)) end
  local reply = send(...)
  if type(reply) == 'table' and rawget(reply, 'err') then error(reply, 0) end
  return reply
end

if isFunctions then
  redis = setmetatable({}, {__index = function(_, field)
    if loading then
      local value = libraryApi[field]
      if value == nil then
        error("Script attempted to access nonexistent global variable '" .. tostring(field) .. "'", 2)
      end
      return value
    end
    return api[field]
  end})
else
  redis = api
end
return 'ready'
`;
