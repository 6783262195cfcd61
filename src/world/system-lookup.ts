/**
 * Name resolution for Node.js programs outside: `dns.lookup` for the names that somebody knows a server for; all others go to the
 * system as ever.
 *
 * Border: which server answers for which name is the caller's affair. `patchLookup` changes the process it runs in, so only a preload
 * module calls it. Limits: `ASK_TIMEOUT_MS` a try.
 */

import dns, { promises as dnsPromises, Resolver } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { promisify } from 'node:util';

const ASK_TIMEOUT_MS = 1_000;
const TRIES = 2;

/**
 * Servers that answer for a name, as `host:port`; an empty list: the name is known and nobody answers for it now; null: it is not
 * ours.
 */
export type ServersOf = (hostname: string) => readonly string[] | null;

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** Of `dns.lookup`, for `lookup` of net.connect, tls.connect and whoever passes it on. */
export interface Lookup {
  (hostname: string, callback: LookupCallback): void;
  (hostname: string, options: LookupOptions | number | null | undefined, callback: LookupCallback): void;
}

export const makeLookup = (serversOf: ServersOf): Lookup => {
  const { lookup: systemLookup } = dns;
  return (
    hostname: string,
    given: LookupOptions | number | null | undefined | LookupCallback,
    last?: LookupCallback,
  ) => {
    const callback = typeof given === 'function' ? given : last;
    if (callback === undefined) throw new TypeError('lookup(hostname, options, callback): the callback is missing');
    const options =
      typeof given === 'object' && given !== null ? given : typeof given === 'number' ? { family: given } : {};
    const servers = typeof hostname === 'string' ? serversOf(hostname) : null;
    if (servers === null) {
      systemLookup(hostname, options, (error, address, family) => callback(error, address, family));
      return;
    }
    void addressesFrom(servers, hostname).then((addresses) => {
      const isOther = options.family === 6 || options.family === 'IPv6';
      const found = isOther ? [] : addresses;
      const [first] = found;
      // Outside the promise: what the callback throws is its own affair.
      process.nextTick(() => {
        if (first === undefined) callback(notFound(hostname), options.all === true ? [] : '', 4);
        else if (options.all === true)
          callback(
            null,
            found.map((address) => ({ address, family: 4 })),
          );
        else callback(null, first, 4);
      });
    });
  };
};

const addressesFrom = async (servers: readonly string[], hostname: string): Promise<readonly string[]> => {
  if (servers.length === 0) return [];
  const resolver = new Resolver({ timeout: ASK_TIMEOUT_MS, tries: TRIES });
  resolver.setServers(servers);
  return new Promise((resolve) => {
    resolver.resolve4(hostname, (error, addresses) => resolve(error === null ? addresses : []));
  });
};

/** As the system says it, so that nobody has to know us. */
const notFound = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), {
    errno: -3008,
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname,
  });

/** From now on `dns.lookup` of this process is `lookup`, also for those who have imported it, and its promise form as well. */
export const patchLookup = (lookup: Lookup): void => {
  const promised = (hostname: string, options: LookupOptions | number = {}): Promise<LookupAddress | LookupAddress[]> =>
    new Promise((resolve, reject) => {
      lookup(hostname, options, (error, address, family) => {
        if (error !== null) reject(error);
        else resolve(typeof address === 'string' ? { address, family: family ?? 4 } : address);
      });
    });
  const patched = Object.assign(lookup.bind(null), { [promisify.custom]: promised });
  dns.lookup = patched as unknown as typeof dns.lookup;
  dnsPromises.lookup = promised as typeof dnsPromises.lookup;
  syncBuiltinESMExports();
};
