/**
 * `antipode/lookup`: resolves the names of the running sandbox in a Node.js program, as `lookup` of net.connect, tls.connect or whatever
 * passes it on; other names go to the system. Nothing has to be set up in the system.
 *
 * The sandbox is found anew for each name, so it may start and end meanwhile. [RS mdns]
 */

import { makeLookup, type Lookup } from '../world/system-lookup.ts';
import { answeredBy, sandboxIfRunning } from './runtime-file.ts';

export type { Lookup } from '../world/system-lookup.ts';

export const lookup: Lookup = makeLookup((hostname) => {
  const facts = sandboxIfRunning();
  const names = facts === null ? undefined : answeredBy(facts, hostname);
  return names === undefined ? null : names.dns.map(({ host, port }) => `${host}:${port}`);
});
