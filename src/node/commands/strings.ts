/** Commands of strings. [redis t_string.c] */

import { OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { choice, flag, integer, key, options, text } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';

const SECOND = 1000;
/** Largest point in time that Redis accepts, in milliseconds. */
const EXPIRE_AT_MAX = 2 ** 63;

/** Turns EX, PX, EXAT, PXAT into Unix milliseconds; refuses what is not in the future of 1970. */
export function expiryToUnixMs(token: string, value: number, now: number, command: string): number {
  const relative = !token.endsWith('AT');
  const scaled = token.startsWith('EX') ? value * SECOND : value;
  const at = relative ? scaled + now : scaled;
  if (value <= 0 || scaled >= EXPIRE_AT_MAX || at >= EXPIRE_AT_MAX) throw refuse('INVALID_EXPIRE', command);
  return at;
}

const expiry = { EX: integer(), PX: integer(), EXAT: integer(), PXAT: integer() } as const;

export const stringCommands: readonly Command[] = [
  defineCommand({
    name: 'GET',
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the string value of a key.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access') },
    quick(context, words) {
      const value = context.keyspace.read(words[1]!);
      return typeof value === 'string' ? value : undefined;
    },
    run: ({ keyspace }, given): Reply => {
      const value = keyspace.readString(given.key);
      return value === undefined ? null : value.toString();
    },
  }),

  defineCommand({
    name: 'SET',
    group: 'string',
    since: '1.0.0',
    summary: 'Sets the string value of a key, ignoring its type. The key is created if it doesn\'t exist.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom'],
    arguments: {
      key: key('RW', 'access', 'update', 'variable_flags'),
      value: text(),
      options: options({
        condition: choice({ NX: null, XX: null }),
        get: flag('GET'),
        expiration: choice({ ...expiry, KEEPTTL: null }),
      }),
    },
    quick(context, words) {
      if (words.length !== 3) return undefined;
      context.keyspace.put(words[1]!, words[2]!);
      return OK;
    },
    run(context, { key, value, options: { condition, get, expiration } }) {
      const { keyspace, now } = context;
      const at =
        expiration === undefined || expiration.token === 'KEEPTTL'
          ? undefined
          : expiryToUnixMs(expiration.token, expiration.value, now, 'set');
      const before = get ? keyspace.readString(key) : undefined;
      const exists = condition !== undefined && keyspace.has(key);
      const old = before === undefined ? null : before.toString();
      if ((condition?.token === 'NX' && exists) || (condition?.token === 'XX' && !exists)) return get ? old : null;
      if (at !== undefined && at <= now && keyspace.expiryPolicyDeletes) {
        // Already over: what reaches replicas is the deletion [redis t_string.c setGenericCommand]
        if (keyspace.remove(key)) context.replicateAs('DEL', key);
        return get ? old : OK;
      }
      keyspace.put(key, value, expiration?.token === 'KEEPTTL');
      if (at !== undefined) {
        keyspace.setExpiry(key, at);
        context.replicateAs('SET', key, value, 'PXAT', String(at));
      } else if (expiration?.token === 'KEEPTTL') context.replicateAs('SET', key, value, 'KEEPTTL');
      else context.replicateAs('SET', key, value);
      return get ? old : OK;
    },
  }),
];

