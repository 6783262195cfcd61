/**
 * The limits of reading dumps. What passes them is refused as `too-large`; nothing is allocated to find out.
 */

/** V8 holds no longer string (512 MiB less 24). */
export const STRING_BYTES_MAX = 0x1fff_ffe8;

/** Elements of one collection, and entries of one packed sequence: what a JavaScript Map or Set can hold. */
export const ELEMENTS_MAX = 2 ** 24;

export interface RdbLimits {
  /** A key; Redis itself allows 512 MB. */
  readonly keyBytesMax: number;
  /** One value as it is written in the dump, and one auxiliary field or function library. */
  readonly valueBytesMax: number;
  /** Database numbers are below this. */
  readonly databasesMax: number;
}

export const RDB_LIMITS: RdbLimits = {
  keyBytesMax: STRING_BYTES_MAX,
  valueBytesMax: 2 ** 30,
  databasesMax: 2 ** 20,
};
