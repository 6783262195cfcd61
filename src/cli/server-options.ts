/**
 * What verbs that speak to servers are told of one on the command line: its URL, and for TLS the certificates that are trusted.
 * Every mistake is a `CliFailure` that names the option and never shows the password.
 */

import type { SourceUrl } from '../replication/replica-of/source-url.ts';
import type { ClientTls } from '../world/world.ts';
import { CliFailure } from './verb.ts';

export async function readUrl(option: string, given: string, exitCode = 1): Promise<SourceUrl> {
  const { parseSourceUrl } = await import('../replication/replica-of/source-url.ts');
  const outcome = parseSourceUrl(given);
  if (!outcome.ok) throw new CliFailure(`${option}: ${outcome.detail}`, exitCode);
  return outcome.url;
}

/** A text file that an option names. */
export async function readText(option: string, file: string, exitCode = 1): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    throw new CliFailure(
      `${option}: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
      exitCode,
    );
  }
}

/** A file of one or more certificates (PEM) that are trusted; without one the connection is plain. */
export async function readTls(option: string, file: string | undefined, exitCode = 1): Promise<ClientTls | null> {
  if (file === undefined) return null;
  const text = await readText(option, file, exitCode);
  const trusted = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (trusted === null) {
    throw new CliFailure(
      `${option}: ${file} holds no certificate in PEM form; it begins with -----BEGIN CERTIFICATE-----`,
      exitCode,
    );
  }
  return { trusted, serverName: null };
}

export const placeOf = (url: SourceUrl): string => `${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`;
