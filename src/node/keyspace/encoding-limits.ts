/** Up to where small aggregates stay in their compact encodings: what OBJECT ENCODING shows and which forms a snapshot uses. [redis.conf] */
export interface EncodingLimits {
  hashEntries: number;
  hashValueBytes: number;
  /** Positive: entries per node; -1 … -5: 4, 8, 16, 32, 64 KiB per node. */
  listNodeSize: number;
  intsetEntries: number;
  setEntries: number;
  setValueBytes: number;
  sortedSetEntries: number;
  sortedSetValueBytes: number;
  /** 0: no limit of its own. */
  streamNodeBytes: number;
  /** 0: no limit. */
  streamNodeEntries: number;
}
