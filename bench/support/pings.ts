/**
 * How long a server's event loop keeps others waiting, seen from outside: a PING every millisecond on one connection, each timed.
 *
 * A PING is sent when its time has come, whether or not the one before was answered, so one long delay is counted by all that fall
 * into it. Border: runs in the benchmark's own process, which must be idle otherwise. Limits: PINGS_MAX, REST_MS_MAX for the last replies.
 */

import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Place } from './client.ts';
import { until } from './waiting.ts';

const EVERY_MS = 1;
const PINGS_MAX = 1_000_000;
const REST_MS_MAX = 30_000;
const PING = Buffer.from('PING\r\n');
const REPLY = '+PONG\r\n';

/** Delays in milliseconds of all PINGs during `work`. */
export const pingWhile = async ({ host, port }: Place, work: () => Promise<void>): Promise<readonly number[]> => {
  const sentAt: number[] = [];
  const delays: number[] = [];
  let bytes = 0;
  let trouble: Error | null = null;
  const socket = connect({ host, port, noDelay: true });
  socket.on('error', (error) => (trouble = error));
  socket.on('data', (chunk) => {
    const now = performance.now();
    bytes += chunk.length;
    while (delays.length < Math.floor(bytes / REPLY.length)) delays.push(now - sentAt[delays.length]!);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const timer = setInterval(() => {
    if (sentAt.length >= PINGS_MAX || !socket.writable) return;
    sentAt.push(performance.now());
    socket.write(PING);
  }, EVERY_MS);
  try {
    await work();
    clearInterval(timer);
    const isAnswered = (): boolean => {
      if (trouble !== null) throw trouble;
      return delays.length === sentAt.length;
    };
    await until(isAnswered, { everyMs: 1, msMax: REST_MS_MAX, what: 'replies to all PINGs' });
  } finally {
    clearInterval(timer);
    socket.destroy();
  }
  return delays;
};
