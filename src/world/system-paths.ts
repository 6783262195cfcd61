/**
 * Listening on sockets in the file system.
 *
 * A socket that is there already is replaced, as Redis does: a process that was killed leaves its own behind. So is an empty file,
 * by which test harnesses reserve a name; what holds something stays. The file goes when the listener closes. Border: everything else about listeners is `system-network.ts`.
 */
import { chmod, lstat, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { listenFailureOf } from './system-errors.ts';
import type { Address, ListenOptions, ListenOutcome, Log } from './world.ts';

/** The system's own; a longer one would be cut off, and the socket be somewhere else. [redis anet.c] */
const PATH_BYTES_END = process.platform === 'darwin' ? 104 : 108;

export const listenOnPath = async (
  server: Server,
  at: Address,
  { permissions }: ListenOptions,
  log: Log,
): Promise<ListenOutcome> => {
  const path = at.host;
  const bytes = Buffer.byteLength(path);
  if (bytes >= PATH_BYTES_END) {
    const detail = `unix socket path too long (${bytes}), must be under ${PATH_BYTES_END}`;
    return { ok: false, why: 'unavailable', detail };
  }
  try {
    const there = await lstat(path).catch(() => null);
    if (there?.isSocket() === true || (there?.isFile() === true && there.size === 0)) await unlink(path);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path }, () => {
        server
          .off('error', reject)
          .on('error', (error) => log.event('network-accept-failed', { detail: error.message }));
        resolve();
      });
    });
    if (permissions !== undefined) await chmod(path, permissions);
  } catch (error) {
    if (server.listening) await closeListener(server);
    return listenFailureOf(error as NodeJS.ErrnoException);
  }
  return { ok: true, listener: { address: at, close: () => closeListener(server) } };
};

/** The port, or the path, is free when this resolves; the server's own event waits for its connections. */
export const closeListener = (server: Server): Promise<void> =>
  new Promise((closed) => {
    server.close();
    setImmediate(closed);
  });
