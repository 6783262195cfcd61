/**
 * Passwords and keys of databases are shown to those who may see them, and to nobody when the cluster masks them.
 * [RS view_redis_pass] [RS objects/cluster: mask_bdb_credentials]
 *
 * What was shown masked may come back in a body: a masked field is then left out, so that nobody sets a mask for a password. A masked
 * URL is refused, since leaving out one source of a list would change the list.
 */

import { hidePassword } from '../../replication/replica-of/source-url.ts';
import { ApiProblem } from './problems.ts';

const MASK = '*****';
/** In a URL that `hidePassword` has been at. */
const MASK_OF_URL = ':***@';

const SECRETS: ReadonlySet<string> = new Set([
  'authentication_redis_pass',
  'authentication_admin_pass',
  'authentication_sasl_pass',
  'client_key',
]);

/** Paths of what shows databases. */
export const showsCredentials = (path: string): boolean => /^\/v[12]\/bdbs(?:\/|$)/.test(path);

export const masked = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (SECRETS.has(name)) return [name, inner === '' ? '' : MASK];
      if (name === 'uri' && typeof inner === 'string') return [name, hidePassword(inner)];
      return [name, masked(inner)];
    }),
  );
};

export const unmasked = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(unmasked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      if (SECRETS.has(name) && inner === MASK) return [];
      if (name === 'uri' && typeof inner === 'string' && inner.includes(MASK_OF_URL)) {
        throw new ApiProblem('invalid_replication', `uri "${inner}" is masked; give the URL with its password`);
      }
      return [[name, unmasked(inner)]];
    }),
  );
};
