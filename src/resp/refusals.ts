/**
 * Every error reply a correct server gives, worded once. [redis server.c createSharedObjects, addReplyError*]
 *
 * A refusal is not a defect: it is thrown with `throw refuse('WRONGTYPE')`, caught in one place (`node/shard/execute.ts`,
 * `proxy/client-session.ts`) and becomes a reply. Wordings that depend on the request are functions.
 */

const fixed = {
  WRONGTYPE: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  SYNTAX: 'ERR syntax error',
  NOSCRIPT: 'NOSCRIPT No matching script. Please use EVAL.',
  NOTBUSY: 'NOTBUSY No scripts in execution right now.',
  BUSY_SCRIPT: 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  BUSY_FUNCTION: 'BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.',
  UNKILLABLE:
    'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.',
  NOREPLICAS: 'NOREPLICAS Not enough good replicas to write.',
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
  NUMKEYS: 'ERR numkeys should be greater than 0',
  COUNT_POSITIVE: 'ERR count should be greater than 0',
  STREAM_ID: 'ERR Invalid stream ID specified as stream command argument',
  STREAM_ID_ZERO: 'ERR The ID specified in XADD must be greater than 0-0',
  STREAM_ID_SMALL: 'ERR The ID specified in XADD is equal or smaller than the target stream top item',
  STREAM_EXHAUSTED: 'ERR The stream has exhausted the last possible ID, unable to add more items',
  STREAM_START: 'ERR invalid start ID for the interval',
  STREAM_END: 'ERR invalid end ID for the interval',
  STREAM_TIMEOUT: 'ERR timeout is not an integer or out of range',
  STREAM_MAXLEN_NEGATIVE: 'ERR The MAXLEN argument must be >= 0.',
  STREAM_LIMIT_NEGATIVE: 'ERR The LIMIT argument must be >= 0.',
  STREAM_LIMIT_ALONE: 'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy',
  STREAM_LIMIT_EXACT: 'ERR syntax error, LIMIT cannot be used without the special ~ option',
  XTRIM_STRATEGY: 'ERR syntax error, XTRIM must be called with a trimming strategy',
  STREAM_TRIM_TWICE: 'ERR syntax error, MAXLEN and MINID options at the same time are not compatible',
  STREAM_UNBALANCED:
    "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.",
  STREAM_UNBALANCED_GROUP:
    "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
  STREAM_GROUP_OPTION: 'ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.',
  STREAM_NOACK_OPTION: 'ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.',
  STREAM_GROUP_MISSING: 'ERR Missing GROUP option for XREADGROUP',
  STREAM_NEW_ID:
    'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.',
  BUSYGROUP: 'BUSYGROUP Consumer Group name already exists',
  XGROUP_NO_KEY:
    'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.',
  ENTRIESREAD: 'ERR value for ENTRIESREAD must be positive or -1',
  XSETID_ADDED: 'ERR entries_added must be positive',
  XSETID_GIVEN_DELETED: 'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
  XSETID_DELETED: 'ERR The ID specified in XSETID is smaller than current max_deleted_entry_id',
  XSETID_TOP: 'ERR The ID specified in XSETID is smaller than the target stream top item',
  XSETID_LENGTH: 'ERR The entries_added specified in XSETID is smaller than the target stream length',
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
  /** Without the dot: as seen from the product. [RS compatibility: authentication] */
  NOAUTH_ENDPOINT: 'NOAUTH Authentication required',
  NOAUTH_HELLO:
    'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
  WRONGPASS: 'WRONGPASS invalid username-password pair or user is disabled.',
  AUTH_WITHOUT_PASSWORD:
    'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
  PROTOCOL_VERSION: 'ERR Protocol version is not an integer or out of range',
  NOPROTO: 'NOPROTO unsupported protocol version',
  READONLY: "READONLY You can't write against a read only replica.",
  NOMASTERLINK: "NOMASTERLINK Can't SYNC while not connected with my master",
  FAILING_OVER: "NOMASTERLINK Can't SYNC while failing over",
  MASTERDOWN: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  /** [redis server.c writeCommandsDeniedByDiskError] */
  MISCONF:
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
  LOADING: 'LOADING Redis is loading the dataset in memory',
  OOM: "OOM command not allowed when used memory > 'maxmemory'.",
  CLIENT_ID: 'ERR Invalid client ID',
  CLIENT_ID_POSITIVE: 'ERR client-id should be greater than 0',
  CLIENT_AGE: 'ERR maxage is not an integer or out of range',
  CLIENT_AGE_POSITIVE: 'ERR maxage should be greater than 0',
  NO_SUCH_CLIENT: 'ERR No such client',
  UNBLOCK_REASON: 'ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR',
  RESET_NORMAL_ONLY: 'ERR can only reset normal client connections',
  FIRST_DB_INDEX: 'ERR invalid first DB index',
  SECOND_DB_INDEX: 'ERR invalid second DB index',
  COMMAND_UNKNOWN: 'ERR Invalid command specified',
  COMMAND_ARITY: 'ERR Invalid number of arguments specified for command',
  COMMAND_WITHOUT_KEYS: 'ERR The command has no key arguments',
  COMMAND_ARGUMENTS: 'ERR Invalid arguments specified for command',
  UNBLOCKED_BY_ROLE: 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
  WAIT_ON_REPLICA:
    'ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.',
  WAITAOF_WITHOUT_LOG: 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.',
  WAITAOF_ON_REPLICA:
    'ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.',
  UNBLOCKED: 'UNBLOCKED client unblocked via CLIENT UNBLOCK',
  BIT_OFFSET: 'ERR bit offset is not an integer or out of range',
  BIT_VALUE: 'ERR bit is not an integer or out of range',
  BIT_ARGUMENT: 'ERR The bit argument must be 1 or 0.',
  EXPIRE_NX_OTHERS: 'ERR NX and XX, GT or LT options at the same time are not compatible',
  EXPIRE_GT_LT: 'ERR GT and LT options at the same time are not compatible',
  INVALID_IDLETIME: 'ERR Invalid IDLETIME value, must be >= 0',
  INVALID_FREQ: 'ERR Invalid FREQ value, must be >= 0 and <= 255',
  NO_LFU:
    'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
  NO_LRU:
    'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
  BITFIELD_TYPE: 'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
  BITFIELD_OVERFLOW: 'ERR Invalid OVERFLOW type specified',
  BITFIELD_READ_ONLY: 'ERR BITFIELD_RO only supports the GET subcommand',
  BITOP_NOT: 'ERR BITOP NOT must be called with a single source key.',
  HLL_INVALID: 'WRONGTYPE Key is not a valid HyperLogLog string value.',
  HLL_CORRUPT: 'INVALIDOBJ Corrupted HLL object detected',
  LCS_NOT_STRING: 'ERR The specified keys must contain string values',
  LCS_LEN_AND_IDX: 'ERR If you want both the length and indexes, please just use IDX.',
  LCS_TOO_LARGE: 'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len',
  SORT_NOT_DOUBLE: "ERR One or more scores can't be converted into double",
  NOVALUES_NOT_HASH: 'ERR NOVALUES option can only be used in HSCAN',
  SCORE_NAN: 'ERR resulting score is not a number (NaN)',
  GT_LT_NX: 'ERR GT, LT, and/or NX options at the same time are not compatible',
  XX_NX: 'ERR XX and NX options at the same time are not compatible',
} as const;

/** As C prints a string: up to its first NUL, at most so long. */
const echoed = (text: string, charsMax = 128): string => text.split('\0', 1)[0]!.slice(0, charsMax);

const worded = {
  UNKNOWN_COMMAND: (name: string, words: readonly string[]) => {
    // [redis server.c rejectUnknownCommand]: at most 128 bytes of the arguments are echoed
    let shown = '';
    for (let i = 1; i < words.length && shown.length < 128; i++) shown += `'${echoed(words[i]!, 128 - shown.length)}' `;
    return `ERR unknown command '${echoed(name)}', with args beginning with: ${shown}`;
  },
  UNKNOWN_SUBCOMMAND: (container: string, name: string) =>
    `ERR unknown subcommand '${echoed(name)}'. Try ${container.toUpperCase()} HELP.`,
  /** The subcommand is known, its arguments are not [redis networking.c addReplySubcommandSyntaxError]. */
  SUBCOMMAND_SYNTAX: (container: string, name: string) =>
    `ERR unknown subcommand or wrong number of arguments for '${echoed(name)}'. Try ${container.toUpperCase()} HELP.`,
  NOGROUP: (key: string, group: string) =>
    `NOGROUP No such key '${echoed(key, Infinity)}' or consumer group '${echoed(group, Infinity)}'`,
  NOGROUP_READ: (key: string, group: string) =>
    `NOGROUP No such key '${echoed(key, Infinity)}' or consumer group '${echoed(group, Infinity)}' in XREADGROUP with GROUP option`,
  NOGROUP_OF_KEY: (key: string, group: string) =>
    `NOGROUP No such consumer group '${echoed(group, Infinity)}' for key name '${echoed(key, Infinity)}'`,
  XCLAIM_OPTION: (word: string) => `ERR Unrecognized XCLAIM option '${echoed(word, Infinity)}'`,
  /** `$` or `+`, which XREAD knows. */
  STREAM_GROUP_ID: (id: string) =>
    `ERR The ${id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The ${id} ID would just return an empty result set.`,
  DENY_BLOCKING: (name: string) => `ERR ${name.toUpperCase()} isn't allowed for a DENY BLOCKING client`,
  HELLO_OPTION: (option: string) => `ERR Syntax error in HELLO option '${option}'`,
  CLIENT_TYPE: (name: string) => `ERR Unknown client type '${name}'`,
  CLIENT_ATTRIBUTE: (attribute: string) => `ERR ${attribute} cannot contain spaces, newlines or special characters.`,
  NO_SUCH_USER: (name: string) => `ERR No such user '${name}'`,
  CONFIG_UNKNOWN: (name: string) => `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`,
  CONFIG_INVALID: (name: string, detail: string) =>
    `ERR CONFIG SET failed (possibly related to argument '${name}') - ${detail}`,
  MISCONF_LOG: (detail: string) => `MISCONF Errors writing to the AOF file: ${detail}`,
  NOPERM: (text: string) => `NOPERM ${text}`,
  ARITY: (name: string) => `ERR wrong number of arguments for '${name.toLowerCase()}' command`,
  INVALID_EXPIRE: (name: string) => `ERR invalid expire time in '${name.toLowerCase()}' command`,
  EXPIRE_OPTION: (option: string) => `ERR Unsupported option ${echoed(option, Infinity)}`,
  INT32_RANGE: () => `ERR value is out of range, value must between ${-(2 ** 31)} and ${2 ** 31 - 1}`,
  PROTECTED_COMMAND: (name: string, option: string) =>
    `ERR ${name} command not allowed. If the ${option} option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.`,
  DEBUG_SUBCOMMAND: (name: string) =>
    `ERR unknown subcommand or wrong number of arguments for '${echoed(name)}'. Try DEBUG HELP.`,
  SUBSCRIBED_ONLY: (name: string) =>
    `ERR Can't execute '${name.toLowerCase()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
  /** Redis Enterprise's own detail [RS clustering: cross-slot]. */
  CROSSSLOT: (where: {
    context: string;
    command: string;
    slot: number;
    wrongSlot: number;
    firstKey: string;
    wrongKey: string;
  }) =>
    `CROSSSLOT Keys in request don't hash to the same slot (context='${where.context}', command='${where.command}', ` +
    `original-slot='${where.slot}', wrong-slot='${where.wrongSlot}', first-key='${where.firstKey.slice(0, 128)}', ` +
    `violating-key='${where.wrongKey.slice(0, 128)}')`,
  PROTOCOL: (detail: string) => `ERR Protocol error: ${detail}`,
  ERR: (text: string) => `ERR ${text}`,
  /** A whole error line with its own code word. */
  RAW: (text: string) => text,
} as const;

export type FixedRefusal = keyof typeof fixed;
export type WordedRefusal = keyof typeof worded;

/** Without a stack trace: it would cost more than the command, and a shared one would hold on to the client that was refused first. */
export class Refusal extends Error {
  constructor(text: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(text);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Refusal';
  }
}

const made = new Map<string, Refusal>();

export function refuse(code: FixedRefusal): Refusal;
export function refuse<C extends WordedRefusal>(code: C, ...parameters: Parameters<(typeof worded)[C]>): Refusal;
export function refuse(code: FixedRefusal | WordedRefusal, ...parameters: unknown[]): Refusal {
  if (code in fixed) {
    let refusal = made.get(code);
    if (refusal === undefined) made.set(code, (refusal = new Refusal(fixed[code as FixedRefusal])));
    return refusal;
  }
  const word = worded[code as WordedRefusal] as (...parameters: unknown[]) => string;
  return new Refusal(word(...parameters));
}

export const refusalText = (code: FixedRefusal): string => fixed[code];
