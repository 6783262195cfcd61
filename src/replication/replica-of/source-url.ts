/**
 * Source URLs as Redis Enterprise writes them, and what is wrong with those it would refuse. Pure.
 *
 *   redis://admin:<internal password>@redis-<port>.<fqdn>:<port>    a database of a cluster
 *   redis://:<percent-encoded password>@<host>:<port>               an external Redis
 *   redis://<host>:<port>                                           one without a password
 *
 * A leading `<database name>: ` is only how a console shows same-cluster sources; it is taken off. [RS replica-of: source URL]
 * TLS is not part of the URL: it is said by `encryption` and `server_cert`, so `rediss://` is refused with that advice.
 */

export interface SourceUrl {
  readonly host: string;
  readonly port: number;
  /** Null: AUTH with the password alone, or none. */
  readonly username: string | null;
  readonly password: string | null;
}

export type SourceUrlOutcome =
  | { readonly ok: true; readonly url: SourceUrl }
  | { readonly ok: false; readonly detail: string };

export const SOURCES_MAX = 32;
const URL_LENGTH_MAX = 4096;

/** As a console shows a source of the same cluster: the name before the URL is for people. */
export const withoutDatabaseName = (given: string): string =>
  given.trim().replace(/^[A-Za-z0-9-]{1,63}:\s+(?=redis)/, '');

export function parseSourceUrl(given: string): SourceUrlOutcome {
  if (given.length > URL_LENGTH_MAX) return refuse(`the URL is longer than ${URL_LENGTH_MAX} characters`);
  const text = withoutDatabaseName(given);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text);
  if (scheme === null) return refuse(`"${hidePassword(text)}" is not a URL: write redis://[user:password@]host:port`);
  if (scheme[1]!.toLowerCase() === 'rediss') {
    return refuse(
      'the scheme "rediss" is not used for sources: write redis:// and turn encryption on with the source cluster\'s proxy certificate',
    );
  }
  if (scheme[1]!.toLowerCase() !== 'redis')
    return refuse(`unknown scheme "${scheme[1]}": a source URL begins with redis://`);
  const rest = text.slice(scheme[0].length).replace(/\/(0?)$/, '');
  // A password pasted without percent-encoding may hold "@": the last one ends it.
  const at = rest.lastIndexOf('@');
  const credentials = at < 0 ? null : rest.slice(0, at);
  const place = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(\d+))?$/.exec(rest.slice(at + 1));
  if (place === null) return refuse(`"${rest.slice(at + 1)}" is not host:port`);
  if (place[2] === undefined)
    return refuse(`the port is missing after "${place[1]}": write ${place[1]}:6379 or the database's own port`);
  const port = Number(place[2]);
  if (port < 1 || port > 65_535) return refuse(`port ${place[2]} is not between 1 and 65535`);
  let username: string | null = null;
  let password: string | null = null;
  if (credentials !== null && credentials !== '') {
    const colon = credentials.indexOf(':');
    if (colon < 0) return refuse('the part before "@" is user:password or :password; the colon is missing');
    const user = decode(credentials.slice(0, colon));
    const secret = decode(credentials.slice(colon + 1));
    if (user === null || secret === null)
      return refuse('the user or password holds a "%" that is no percent-encoding: write it as %25');
    username = user === '' ? null : user;
    password = secret;
  }
  return { ok: true, url: { host: place[1]!.replace(/^\[|\]$/g, ''), port, username, password } };
}

/** A URL fit for a log or a screen: the password is replaced. */
export const hidePassword = (text: string): string => text.replace(/(:\/\/[^/@\s]*:)[^\s]*@/, '$1***@');

export const formatSourceUrl = (url: SourceUrl): string => {
  const credentials =
    url.password === null ? '' : `${encodeURIComponent(url.username ?? '')}:${encodeURIComponent(url.password)}@`;
  return `redis://${credentials}${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`;
};

const refuse = (detail: string): SourceUrlOutcome => ({ ok: false, detail });

/** Percent-decoding to bytes as a binary string: a password is bytes, not necessarily UTF-8 as JavaScript wants it. */
function decode(text: string): string | null {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return null;
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return bytes.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
