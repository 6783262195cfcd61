/**
 * Every error reply a correct server gives, worded once. [redis server.c createSharedObjects, addReplyError*]
 *
 * A refusal is not a defect: it is thrown with `throw refuse('WRONGTYPE')`, caught in one place (`node/shard/execute.ts`,
 * `proxy/client-session.ts`) and becomes a reply. Wordings that depend on the request are functions.
 */

const fixed = {
  WRONGTYPE: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  SYNTAX: 'ERR syntax error',
  NOT_INTEGER: 'ERR value is not an integer or out of range',
  NOT_FLOAT: 'ERR value is not a valid float',
  NO_SUCH_KEY: 'ERR no such key',
  OUT_OF_RANGE: 'ERR value is out of range',
  OUT_OF_RANGE_POSITIVE: 'ERR value is out of range, must be positive',
  INDEX_OUT_OF_RANGE: 'ERR index out of range',
  OFFSET_OUT_OF_RANGE: 'ERR offset is out of range',
  SAME_OBJECT: 'ERR source and destination objects are the same',
  OVERFLOW: 'ERR increment or decrement would overflow',
  DECREMENT_OVERFLOW: 'ERR decrement would overflow',
  NAN_OR_INFINITY: 'ERR increment would produce NaN or Infinity',
  HASH_NOT_INTEGER: 'ERR hash value is not an integer',
  HASH_NOT_FLOAT: 'ERR hash value is not a float',
  STRING_TOO_LONG: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
  DB_INDEX: 'ERR DB index is out of range',
  INVALID_DB_INDEX: 'ERR invalid DB index',
  NEGATIVE_TIMEOUT: 'ERR timeout is negative',
  TIMEOUT_NOT_FLOAT: 'ERR timeout is not a float or out of range',
  TIMEOUT_OUT_OF_RANGE: 'ERR timeout is out of range',
  MIN_MAX_NOT_FLOAT: 'ERR min or max is not a float',
  MIN_MAX_NOT_STRING: 'ERR min or max not valid string range item',
  NUMKEYS: "ERR numkeys should be greater than 0",
  COUNT_POSITIVE: 'ERR count should be greater than 0',
  INVALID_CURSOR: 'ERR invalid cursor',
  BUSYKEY: 'BUSYKEY Target key name already exists.',
  BAD_PAYLOAD: 'ERR DUMP payload version or checksum are wrong',
  BAD_DATA: 'ERR Bad data format',
  INVALID_TTL: 'ERR Invalid TTL value, must be >= 0',
  NESTED_MULTI: 'ERR MULTI calls can not be nested',
  EXEC_WITHOUT_MULTI: 'ERR EXEC without MULTI',
  DISCARD_WITHOUT_MULTI: 'ERR DISCARD without MULTI',
  WATCH_INSIDE_MULTI: 'ERR WATCH inside MULTI is not allowed',
  EXECABORT: 'EXECABORT Transaction discarded because of previous errors.',
  NOAUTH: 'NOAUTH Authentication required.',
  WRONGPASS: 'WRONGPASS invalid username-password pair or user is disabled.',
  AUTH_WITHOUT_PASSWORD:
    'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
  NOPROTO: 'NOPROTO unsupported protocol version',
  READONLY: "READONLY You can't write against a read only replica.",
  MASTERDOWN: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  LOADING: 'LOADING Redis is loading the dataset in memory',
  OOM: "OOM command not allowed when used memory > 'maxmemory'.",
  UNBLOCKED: 'UNBLOCKED client unblocked via CLIENT UNBLOCK',
  BIT_OFFSET: 'ERR bit offset is not an integer or out of range',
  BIT_VALUE: 'ERR bit is not an integer or out of range',
  BIT_ARGUMENT: 'ERR The bit argument must be 1 or 0.',
  GT_LT_NX: 'ERR GT, LT, and/or NX options at the same time are not compatible',
  XX_NX: 'ERR XX and NX options at the same time are not compatible',
} as const;

const worded = {
  UNKNOWN_COMMAND: (name: string, words: readonly string[]) => {
    // [redis server.c rejectUnknownCommand]: at most 128 bytes of the arguments are echoed
    let shown = '';
    for (let i = 1; i < words.length && shown.length < 128; i++) shown += `'${words[i]!.slice(0, 128 - shown.length)}' `;
    return `ERR unknown command '${name.slice(0, 128)}', with args beginning with: ${shown}`;
  },
  UNKNOWN_SUBCOMMAND: (container: string, name: string) =>
    `ERR unknown subcommand '${name.slice(0, 128)}'. Try ${container.toUpperCase()} HELP.`,
  ARITY: (name: string) => `ERR wrong number of arguments for '${name.toLowerCase()}' command`,
  INVALID_EXPIRE: (name: string) => `ERR invalid expire time in '${name.toLowerCase()}' command`,
  SUBSCRIBED_ONLY: (name: string) =>
    `ERR Can't execute '${name.toLowerCase()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
  PROTOCOL: (detail: string) => `ERR Protocol error: ${detail}`,
  ERR: (text: string) => `ERR ${text}`,
  /** A whole error line with its own code word. */
  RAW: (text: string) => text,
} as const;

export type FixedRefusal = keyof typeof fixed;
export type WordedRefusal = keyof typeof worded;

export class Refusal extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'Refusal';
  }
}

const made = new Map<string, Refusal>();

export function refuse(code: FixedRefusal): Refusal;
export function refuse<C extends WordedRefusal>(code: C, ...parameters: Parameters<(typeof worded)[C]>): Refusal;
export function refuse(code: FixedRefusal | WordedRefusal, ...parameters: unknown[]): Refusal {
  if (code in fixed) {
    // Fixed refusals are shared: a stack trace would cost more than the command.
    let refusal = made.get(code);
    if (refusal === undefined) made.set(code, (refusal = new Refusal(fixed[code as FixedRefusal])));
    return refusal;
  }
  const word = worded[code as WordedRefusal] as (...parameters: unknown[]) => string;
  return new Refusal(word(...parameters));
}

export const refusalText = (code: FixedRefusal): string => fixed[code];
