/**
 * What a process has used, as Linux counts it: processor time of all its threads, and resident memory.
 *
 * Border: only reads /proc. Limit: the kernel counts processor time in ticks, mostly of 10 ms, so a measurement should last
 * for a second of it. Children of the process (the fork of a saving redis-server) are not counted.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const GETCONF_MS_MAX = 5_000;
const TICKS_PER_SECOND_USUAL = 100;
/** Of /proc/<pid>/stat, counted behind the program's name in parentheses, which may hold spaces. */
const USER_TICKS_FIELD = 11;
const SYSTEM_TICKS_FIELD = 12;

const ticksPerSecond = ((): number => {
  const asked = spawnSync('getconf', ['CLK_TCK'], { encoding: 'latin1', timeout: GETCONF_MS_MAX });
  const ticks = asked.status === 0 ? Number(asked.stdout.trim()) : NaN;
  return ticks > 0 ? ticks : TICKS_PER_SECOND_USUAL;
})();

/** User and system time of every thread, ended ones too. */
export const processorMs = (pid: number): number => {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[USER_TICKS_FIELD]) + Number(fields[SYSTEM_TICKS_FIELD])) * 1000) / ticksPerSecond;
};

export interface ResidentBytes {
  readonly now: number;
  /** The most there ever was. */
  readonly peak: number;
}

export const residentBytes = (pid: number): ResidentBytes => {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  return { now: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 };
};
