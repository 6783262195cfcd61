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

export const connectFailureOf = (error: NodeJS.ErrnoException): ConnectFailure => {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ETIMEDOUT':
      return 'timeout';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset';
    case 'ENOTFOUND':
      return 'unresolved';
    default:
      return 'unreachable'; // EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EACCES, EMFILE, …: the detail has the code
  }
};
