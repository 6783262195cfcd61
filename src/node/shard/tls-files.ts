/**
 * TLS of a shard's own port, from the files that its parameters name. [redis tls.c tlsConfigure]
 *
 * Everything is looked at before anything is used: a certificate that cannot be read, a key that is another's, a list that names no
 * cipher. Border: handshakes are the world's. Versions before 1.2 are not spoken; a list that asks for nothing else is refused.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { ciphersOf, isCipherSuite } from '../../world/cipher-list.ts';
import type { FileOutcome, Files } from '../../world/files.ts';
import { splitPem } from '../../world/verify-peer.ts';
import type { ServerTls, TlsVersion } from '../../world/world.ts';
import { textOf, type Config } from './config.ts';

export type TlsFilesOutcome =
  | { readonly ok: true; readonly tls: ServerTls }
  | { readonly ok: false; readonly detail: string };

export async function readTlsFiles(config: Config, files: Files): Promise<TlsFilesOutcome> {
  const certificateFile = config.get('tls-cert-file');
  if (certificateFile === '') return wrong('no tls-cert-file is configured');
  const keyFile = config.get('tls-key-file');
  if (keyFile === '') return wrong('no tls-key-file is configured');
  const certificate = await readText(files, certificateFile);
  if (!certificate.ok) return wrong(`tls-cert-file: ${certificate.detail}`);
  const key = await readText(files, keyFile);
  if (!key.ok) return wrong(`tls-key-file: ${key.detail}`);
  const opened = openKey(certificate.value, key.value, config.get('tls-key-file-pass'));
  if (!opened.ok) return opened;
  const asks = config.get('tls-auth-clients');
  const authorities = asks === 'no' ? done([]) : await readAuthorities(config, files);
  if (!authorities.ok) return wrong(authorities.detail);
  const versions = versionsOf(config.get('tls-protocols'));
  if (versions === null) return wrong(`tls-protocols: ${config.get('tls-protocols')} has neither TLSv1.2 nor TLSv1.3`);
  const ciphers = config.get('tls-ciphers');
  if (ciphers !== '' && ciphersOf(ciphers).size === 0) return wrong(`tls-ciphers: ${ciphers} names no cipher`);
  const cipherSuites = config
    .get('tls-ciphersuites')
    .split(':')
    .filter((name) => name !== '');
  const unknown = cipherSuites.find((name) => !isCipherSuite(name));
  if (unknown !== undefined) return wrong(`tls-ciphersuites: ${unknown} is no cipher suite`);
  const tls: ServerTls = {
    certificate: certificate.value,
    key: opened.key,
    mode: 'required',
    clientCertificates: asks === 'no' ? null : authorities.value,
    // OpenSSL's own judgement, as far as redis-server asks for it
    clientRules: { allowExpired: false, allowWeak: true, subjects: null },
    letsAnonymousIn: asks === 'optional',
    ...versions,
    ...(ciphers === '' ? {} : { ciphers }),
    ...(cipherSuites.length === 0 ? {} : { cipherSuites }),
  };
  return { ok: true, tls };
}

const wrong = (detail: string): Extract<TlsFilesOutcome, { ok: false }> => ({ ok: false, detail });

const done = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

async function readText(files: Files, given: string): Promise<FileOutcome<string>> {
  const path = textOf(given);
  const bytes = await files.folder(dirname(path)).read(basename(path));
  return bytes.ok ? done(bytes.value.latin1Slice()) : bytes;
}

/** The key without its passphrase, when it is that of the certificate. */
function openKey(
  certificate: string,
  key: string,
  passphrase: string,
): { readonly ok: true; readonly key: string } | Extract<TlsFilesOutcome, { ok: false }> {
  try {
    const opened = createPrivateKey({ key, ...(passphrase === '' ? {} : { passphrase }) });
    if (!new X509Certificate(certificate).checkPrivateKey(opened)) {
      return wrong('tls-key-file: the key does not belong to the certificate of tls-cert-file');
    }
    return { ok: true, key: opened.export({ type: 'pkcs8', format: 'pem' }).toString() };
  } catch (error) {
    return wrong(`tls-cert-file or tls-key-file: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readAuthorities(
  config: Config,
  files: Files,
): Promise<FileOutcome<readonly string[]> | { ok: false; detail: string }> {
  const file = config.get('tls-ca-cert-file');
  const directory = config.get('tls-ca-cert-dir');
  if (file === '' && directory === '') {
    return wrong('tls-auth-clients needs tls-ca-cert-file or tls-ca-cert-dir to know whom to trust');
  }
  const found: string[] = [];
  if (file !== '') {
    const text = await readText(files, file);
    if (!text.ok) return wrong(`tls-ca-cert-file: ${text.detail}`);
    found.push(...splitPem(text.value));
  }
  if (directory !== '') {
    const folder = files.folder(textOf(directory));
    const names = await folder.list();
    if (!names.ok) return wrong(`tls-ca-cert-dir: ${names.detail}`);
    for (const name of names.value) {
      const bytes = await folder.read(name);
      if (bytes.ok) found.push(...splitPem(bytes.value.latin1Slice()));
    }
  }
  try {
    for (const pem of found) void new X509Certificate(pem);
  } catch (error) {
    return wrong(`an authority cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return found.length > 0 ? done(found) : wrong(`${file || directory}: no certificate in PEM form`);
}

/** Null: none that is spoken here, or a word that is no version. */
function versionsOf(text: string): { readonly minVersion: TlsVersion; readonly maxVersion: TlsVersion } | null {
  if (text === '') return { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' };
  const words = text.toLowerCase().split(' ');
  if (words.some((word) => !['tlsv1', 'tlsv1.1', 'tlsv1.2', 'tlsv1.3'].includes(word))) return null;
  const [old, modern] = [words.includes('tlsv1.2'), words.includes('tlsv1.3')];
  if (!old && !modern) return null;
  return { minVersion: old ? 'TLSv1.2' : 'TLSv1.3', maxVersion: modern ? 'TLSv1.3' : 'TLSv1.2' };
}
