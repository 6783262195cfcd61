/** PURE: what the operating system's error codes mean in the world's own words. */
import type { ConnectFailure } from './world.ts';

export interface ListenFailure {
  readonly ok: false;
  readonly why: 'in-use' | 'unavailable' | 'denied';
  readonly detail: string;
}

export const listenFailureOf = (error: NodeJS.ErrnoException): ListenFailure => {
  const detail = error.message;
  if (error.code === 'EADDRINUSE') return { ok: false, why: 'in-use', detail };
  if (error.code === 'EACCES' || error.code === 'EPERM') return { ok: false, why: 'denied', detail };
  return { ok: false, why: 'unavailable', detail };
};

/** Every other code (EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EACCES, EMFILE, …) is 'unreachable'; the detail has the code. */
const CONNECT_FAILURES: Readonly<Record<string, ConnectFailure>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
};

export const connectFailureOf = (error: NodeJS.ErrnoException): ConnectFailure => {
  return CONNECT_FAILURES[error.code ?? ''] ?? 'unreachable';
};
