import { describe, expect, it } from 'vitest';
import { automaticReplicaBuffer, backlogBytes, replicaBuffer } from '../../src/replication/buffer-limits.ts';

const MB = 1024 * 1024;
const GB = 1024 * MB;

describe('repl_backlog_size', () => {
  it.each([
    ['auto', 100 * GB, 4, 250 * MB],
    ['auto', 10 * GB, 4, Math.floor((10 * GB) / 100 / 4)],
    ['auto', 50 * MB, 1, MB],
    ['auto', 0, 3, MB],
    ['5000000', 10 * GB, 4, 5_000_000],
    ['1', 0, 1, 16 * 1024],
    ['99999999999', 0, 1, GB],
  ])('%s of a database of %d bytes and %d shards is %d bytes a shard', (text, memory, shards, bytes) => {
    expect(backlogBytes(text, memory, shards)).toBe(bytes);
  });
});

describe('slave_buffer', () => {
  it('is automatic, a number of megabytes, or hard, soft and seconds', () => {
    expect(replicaBuffer('auto')).toBeNull();
    expect(replicaBuffer('1.5')).toEqual({ hardBytes: 1.5 * MB, softBytes: 0, softSeconds: 0 });
    expect(replicaBuffer('300000:200000:30')).toEqual({ hardBytes: 300_000, softBytes: 200_000, softSeconds: 30 });
  });

  it('comes to a tenth of the memory in use when automatic, within 64 MB and 2 GB', () => {
    expect([0, GB, 100 * GB].map((used) => automaticReplicaBuffer(used).hardBytes)).toEqual([
      64 * MB,
      Math.floor(GB / 10),
      2 * GB,
    ]);
  });
});
