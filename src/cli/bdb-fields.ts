/**
 * Fields of a database as people give them on the command line: a few options for what is set often, and `--set field=value` for
 * every field of the REST API. The API checks them; here only what cannot be sent at all is refused.
 */

import type { Command } from 'commander';
import { parseBytes } from '../node/shard/memory-size.ts';
import { readText } from './server-options.ts';
import { CliFailure } from './verb.ts';

export interface FieldOptions {
  readonly memory?: string;
  readonly password?: string;
  readonly tls?: string;
  readonly clientAuth?: boolean;
  readonly clientCert?: readonly string[];
  readonly set?: readonly string[];
}

export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export const withFieldOptions = (command: Command): Command =>
  command
    .option('--memory <size>', 'memory limit, as in 256mb; 0: none')
    .option('--password <password>', 'password of the default user; empty: none')
    .option('--tls <mode>', 'disabled, enabled or replica_ssl')
    .option('--no-client-auth', 'with TLS: take clients without a certificate')
    .option(
      '--client-cert <file>',
      'PEM of a client that may connect, as a syncer certificate; may be repeated',
      collect,
    )
    .option('--set <field=value>', 'any field of the REST API, its value as JSON or text; may be repeated', collect);

/** The body for POST or PUT /v1/bdbs. */
export const bodyOf = async (options: FieldOptions): Promise<Record<string, unknown>> => {
  const body: Record<string, unknown> = {};
  if (options.memory !== undefined) body['memory_size'] = bytesOf(options.memory);
  if (options.password !== undefined) body['authentication_redis_pass'] = options.password;
  if (options.tls !== undefined) body['tls_mode'] = options.tls;
  if (options.clientAuth === false) body['enforce_client_authentication'] = 'disabled';
  if (options.clientCert !== undefined) {
    const pems = await Promise.all(options.clientCert.map((file) => readText('--client-cert', file)));
    body['authentication_ssl_client_certs'] = pems.map((pem) => ({ client_cert: pem }));
  }
  for (const given of options.set ?? []) {
    const at = given.indexOf('=');
    if (at < 1) throw new CliFailure(`--set "${given}": write field=value, as in --set max_connections=100`);
    body[given.slice(0, at)] = jsonOrText(given.slice(at + 1));
  }
  return body;
};

const bytesOf = (text: string): number => {
  const bytes = parseBytes(text);
  if (bytes === null) throw new CliFailure(`--memory "${text}" is no size: write bytes, or 100mb, or 2gb`);
  return bytes;
};

const jsonOrText = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};
