/**
 * PURE: what two ends of TLS agree on, version and cipher, and the words in which a failed handshake is told. The simulated world decides
 * by this; on real sockets OpenSSL decides and the words come from here, so that a person reads the same in both.
 *
 * The newest version that both allow is taken; only then is a cipher sought, so two ends without a common suite of TLS 1.3 do not
 * fall back to 1.2 [RFC 8446 4.1.1]. Trust in certificates is `verify-peer.ts`.
 */
import { createPrivateKey } from 'node:crypto';
import { ciphersOf, DEFAULT_CIPHERS, DEFAULT_SUITES, servesCipher } from './cipher-list.ts';
import { describeCertificate, isLiteralAddress } from './verify-peer.ts';
import type { ClientTls, ServerTls, TlsChoices, TlsVersion } from './world.ts';

export type Agreement =
  | { readonly ok: true; readonly version: TlsVersion }
  | { readonly ok: false; readonly why: 'tls-version' | 'tls-cipher'; readonly detail: string };

export const agree = (server: ServerTls, client: ClientTls): Agreement => {
  const [ours, theirs] = [server.maxVersion ?? 'TLSv1.3', client.maxVersion ?? 'TLSv1.3'];
  const newest = ours < theirs ? ours : theirs;
  if (newest < server.minVersion || newest < (client.minVersion ?? 'TLSv1.2'))
    return { ok: false, why: 'tls-version', detail: versionText(client) };
  const common =
    newest === 'TLSv1.3'
      ? suitesOf(server).filter((suite) => suitesOf(client).includes(suite))
      : commonCiphers(server, client);
  if (common.length === 0) return { ok: false, why: 'tls-cipher', detail: cipherText(client) };
  return { ok: true, version: newest };
};

const suitesOf = ({ cipherSuites = [] }: TlsChoices): readonly string[] =>
  cipherSuites.length === 0 ? DEFAULT_SUITES : cipherSuites;

const commonCiphers = (server: ServerTls, client: ClientTls): readonly string[] => {
  const keyType = createPrivateKey(server.key).asymmetricKeyType ?? '';
  const offered = ciphersOf(client.ciphers ?? DEFAULT_CIPHERS);
  return [...ciphersOf(server.ciphers ?? DEFAULT_CIPHERS)].filter(
    (cipher) => offered.has(cipher) && servesCipher(keyType, cipher),
  );
};

export const versionText = ({ minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3' }: ClientTls): string => {
  const offered = minVersion === maxVersion ? minVersion : `${minVersion} to ${maxVersion}`;
  return `the far side allows none of the TLS versions that we offered: ${offered}`;
};

export const cipherText = (client: ClientTls): string => {
  const offered = [...(client.cipherSuites ?? []), ...(client.ciphers === undefined ? [] : [client.ciphers])];
  const list = offered.length === 0 ? "OpenSSL's standard list" : offered.join(', ');
  return `the far side allows none of the ciphers that we offered: ${list}`;
};

/** What a client can say when a server hangs up on its certificate: servers seldom say why. */
export const refusedClientText = (client: ClientTls, nowMs: number): string =>
  client.certificate === undefined
    ? 'the far side demands a client certificate and none was presented'
    : `the far side refused our ${describeCertificate(client.certificate, nowMs)}`;

/** SNI; it carries no addresses [RFC 6066 §3]. */
export const sentName = ({ serverName }: ClientTls): string | null =>
  serverName === null || isLiteralAddress(serverName) ? null : serverName;
