/**
 * What each number in a dump means, by the magic at its start: Redis and Valkey 9 gave the same numbers to different
 * things, and Redis Enterprise has opcodes of its own.
 *
 * A rule says whether Antipode reads a type and how it treats an opcode. What is listed but not read is refused by
 * name; what is not listed is refused by number, because its length cannot be known.
 */
export type RdbMagic = 'REDIS' | 'VALKEY';

interface TypeRule {
  /** For people: the kind of value and, in brackets, how it is laid out. */
  readonly name: string;
  readonly read: boolean;
}

type OpcodeUse = 'apply' | 'skip' | 'refuse';

interface OpcodeRule {
  readonly name: string;
  readonly use: OpcodeUse;
}

export interface Vendor {
  readonly magic: RdbMagic;
  readonly versionMin: number;
  readonly versionMax: number;
  /** By number, 0 to 255. */
  readonly types: readonly (TypeRule | undefined)[];
  readonly opcodes: readonly (OpcodeRule | undefined)[];
}

export const OPCODE = {
  ramLru: 107,
  slotInfo: 244,
  function: 245,
  moduleAux: 247,
  idle: 248,
  frequency: 249,
  aux: 250,
  resizeDatabase: 251,
  expireMs: 252,
  expireSeconds: 253,
  selectDatabase: 254,
  end: 255,
} as const;

export const TYPE = {
  string: 0,
  list: 1,
  set: 2,
  zset: 3,
  hash: 4,
  zsetBinary: 5,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  zsetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  hashListpack: 16,
  zsetListpack: 17,
  listQuicklist2: 18,
  setListpack: 20,
  hashExpiringEarly: 22,
  hashListpackExpiringEarly: 23,
  hashExpiring: 24,
  hashListpackExpiring: 25,
  stream: 15,
  stream2: 19,
  stream3: 21,
} as const;

/** Below this an unknown number is taken for a type of value, from here on for an opcode. */
export const OPCODE_MIN = 100;

const sharedTypes: Readonly<Record<number, TypeRule>> = {
  [TYPE.string]: read('string'),
  [TYPE.list]: read('list'),
  [TYPE.set]: read('set'),
  [TYPE.zset]: read('sorted set (text scores)'),
  [TYPE.hash]: read('hash'),
  [TYPE.zsetBinary]: read('sorted set'),
  6: refused('module (before 4.0)'),
  7: refused('module'),
  [TYPE.hashZipmap]: read('hash (zipmap)'),
  [TYPE.listZiplist]: read('list (ziplist)'),
  [TYPE.setIntset]: read('set (intset)'),
  [TYPE.zsetZiplist]: read('sorted set (ziplist)'),
  [TYPE.hashZiplist]: read('hash (ziplist)'),
  [TYPE.listQuicklist]: read('list (quicklist of ziplists)'),
  [TYPE.stream]: read('stream'),
  [TYPE.hashListpack]: read('hash (listpack)'),
  [TYPE.zsetListpack]: read('sorted set (listpack)'),
  [TYPE.listQuicklist2]: read('list (quicklist)'),
  [TYPE.stream2]: read('stream (version 2)'),
  [TYPE.setListpack]: read('set (listpack)'),
  [TYPE.stream3]: read('stream (version 3)'),
};

const redisTypes: Readonly<Record<number, TypeRule>> = {
  [TYPE.hashExpiringEarly]: read('hash with field expiry (before 7.4)'),
  [TYPE.hashListpackExpiringEarly]: read('hash with field expiry (listpack, before 7.4)'),
  [TYPE.hashExpiring]: read('hash with field expiry'),
  [TYPE.hashListpackExpiring]: read('hash with field expiry (listpack)'),
  26: refused('stream (version 4)'),
  27: refused('stream (version 5)'),
  28: refused('array'),
  29: refused('hash with template (listpack)'),
  30: refused('hash with template (listpack, shared)'),
  31: refused('hash with template (array)'),
  32: refused('hash with template (array, shared)'),
};

const valkeyTypes: Readonly<Record<number, TypeRule>> = {
  22: refused('hash with field expiry (Valkey 9)'),
  23: refused('path hash (Valkey 9.2)'),
};

const sharedOpcodes: Readonly<Record<number, OpcodeRule>> = {
  [OPCODE.slotInfo]: { name: 'SLOT_INFO', use: 'skip' },
  [OPCODE.function]: { name: 'FUNCTION2', use: 'apply' },
  246: { name: 'FUNCTION_PRE_GA', use: 'refuse' },
  [OPCODE.moduleAux]: { name: 'MODULE_AUX', use: 'refuse' },
  [OPCODE.idle]: { name: 'IDLE', use: 'apply' },
  [OPCODE.frequency]: { name: 'FREQ', use: 'apply' },
  [OPCODE.aux]: { name: 'AUX', use: 'apply' },
  [OPCODE.resizeDatabase]: { name: 'RESIZEDB', use: 'apply' },
  [OPCODE.expireMs]: { name: 'EXPIRETIME_MS', use: 'apply' },
  [OPCODE.expireSeconds]: { name: 'EXPIRETIME', use: 'apply' },
  [OPCODE.selectDatabase]: { name: 'SELECTDB', use: 'apply' },
  [OPCODE.end]: { name: 'EOF', use: 'apply' },
};

/**
 * 101 to 121 belong to Redis Enterprise. The layout of RAM_LRU is not published; it is taken to be one length, as in
 * IDLE. Were that wrong, what follows would not parse and the dump would be refused, not misread.
 */
const redisOpcodes: Readonly<Record<number, OpcodeRule>> = {
  101: { name: 'GCAS (Redis Enterprise)', use: 'refuse' },
  102: { name: 'GFLAGS (Redis Enterprise)', use: 'refuse' },
  [OPCODE.ramLru]: { name: 'RAM_LRU (Redis Enterprise)', use: 'skip' },
  121: { name: 'SLOT_NUM (Redis Enterprise)', use: 'refuse' },
  243: { name: 'KEY_META (Redis 8.6)', use: 'refuse' },
};

const valkeyOpcodes: Readonly<Record<number, OpcodeRule>> = {
  242: { name: 'UPDATE (Valkey 9.2)', use: 'refuse' },
  243: { name: 'SLOT_IMPORT (Valkey 9)', use: 'refuse' },
};

export const VENDORS: Readonly<Record<RdbMagic, Vendor>> = {
  REDIS: {
    magic: 'REDIS',
    versionMin: 1,
    versionMax: 15,
    types: byNumber(sharedTypes, redisTypes),
    opcodes: byNumber(sharedOpcodes, redisOpcodes),
  },
  VALKEY: {
    magic: 'VALKEY',
    versionMin: 80,
    versionMax: 81,
    types: byNumber(sharedTypes, valkeyTypes),
    opcodes: byNumber(sharedOpcodes, valkeyOpcodes),
  },
};

/** The type's name for people; a payload of DUMP has no magic and is taken for Redis's. */
export function valueTypeName(type: number, magic: RdbMagic = 'REDIS'): string {
  return VENDORS[magic].types[type]?.name ?? `unknown type ${type}`;
}

function read(name: string): TypeRule {
  return { name, read: true };
}

function refused(name: string): TypeRule {
  return { name, read: false };
}

function byNumber<T>(...tables: readonly Readonly<Record<number, T>>[]): readonly (T | undefined)[] {
  const list: (T | undefined)[] = Array.from({ length: 256 }, () => undefined);
  for (const table of tables) for (const [number, rule] of Object.entries(table)) list[Number(number)] = rule;
  return list;
}
