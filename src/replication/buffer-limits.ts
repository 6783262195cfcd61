/**
 * How much a source keeps for those who replicate from it, from the words an administrator says it in. Pure.
 *
 *   repl_backlog_size   `auto`, or bytes: what a replica that lost its connection can still catch up with
 *   slave_buffer        `auto`, megabytes, or `<hard bytes>:<soft bytes>:<seconds>`: what may wait for a replica before it is cut off
 *
 * [RS repl_backlog_size] [RS slave_buffer]. Border: whether a text has one of these forms is checked where it is set.
 */

import type { OutputLimit } from '../node/shard/output-limits.ts';

const MEGABYTE = 1024 * 1024;
const BACKLOG_AUTO_MIN = MEGABYTE;
const BACKLOG_AUTO_MAX = 250 * MEGABYTE;
/** Of the database's memory, over all shards. */
const BACKLOG_AUTO_SHARE = 0.01;
/** What a shard allows [redis.conf repl-backlog-size], and its own limit. */
const BACKLOG_MIN = 16 * 1024;
const BACKLOG_MAX = 1024 * MEGABYTE;

/** Bytes of one shard's backlog. A database without a memory limit has the smallest automatic one. */
export function backlogBytes(text: string, memorySizeBytes: number, shards: number): number {
  if (text !== 'auto') return clamp(Number(text), BACKLOG_MIN, BACKLOG_MAX);
  return clamp(Math.floor((memorySizeBytes * BACKLOG_AUTO_SHARE) / shards), BACKLOG_AUTO_MIN, BACKLOG_AUTO_MAX);
}

const BUFFER_AUTO_MIN = 64 * MEGABYTE;
const BUFFER_AUTO_MAX = 2048 * MEGABYTE;
/** Of the memory in use. */
const BUFFER_AUTO_SHARE = 0.1;

/** Null: automatic, see `automaticReplicaBuffer`. */
export function replicaBuffer(text: string): OutputLimit | null {
  if (text === 'auto') return null;
  const parts = text.split(':').map(Number);
  if (parts.length === 1) return { hardBytes: Math.floor(parts[0]! * MEGABYTE), softBytes: 0, softSeconds: 0 };
  const [hardBytes, softBytes, softSeconds] = parts as [number, number, number];
  return { hardBytes, softBytes, softSeconds };
}

/** What `auto` comes to for a shard that uses so much memory. */
export const automaticReplicaBuffer = (usedBytes: number): OutputLimit => ({
  hardBytes: clamp(Math.floor(usedBytes * BUFFER_AUTO_SHARE), BUFFER_AUTO_MIN, BUFFER_AUTO_MAX),
  softBytes: 0,
  softSeconds: 0,
});

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
