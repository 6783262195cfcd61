/** `antipode cert`: the certificates of a cluster, as other clusters and clients need them, and how they are replaced. */

import type { Command } from 'commander';
import { findCluster } from './database-reference.ts';
import { askApi } from './sandbox-api.ts';
import { readText } from './server-options.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

interface CertOptions {
  readonly cluster?: string;
  readonly json?: boolean;
}

const CLUSTER_OPTION = ['--cluster <name>', 'of which cluster; not needed where there is one'] as const;
const JSON_OPTION = ['--json', 'print one JSON document, on one line'] as const;

export const cert = (program: Command): void => {
  const verb = program.command('cert').description("show and replace a cluster's certificates");
  verb
    .command('list')
    .description('which certificates there are, and until when')
    .option(...CLUSTER_OPTION)
    .option(...JSON_OPTION)
    .action(list);
  verb
    .command('show <name>')
    .description('one certificate as PEM: proxy is what a destination pins, syncer is what a source trusts')
    .option(...CLUSTER_OPTION)
    .option(...JSON_OPTION)
    .action(show);
  verb
    .command('replace <name>')
    .description('from now on new connections are shown this one; running ones keep theirs')
    .requiredOption('--cert <file>', 'PEM; the chain may follow')
    .requiredOption('--key <file>', 'PEM of its private key')
    .option(...CLUSTER_OPTION)
    .option(...JSON_OPTION)
    .action(replace);
};

/** Name to PEM, of the certificates that the cluster has. */
const certificatesOf = async (options: CertOptions): Promise<ReadonlyMap<string, string>> => {
  const cluster = await findCluster(options.cluster);
  const fields = (await askApi(cluster, '/v1/cluster/certificates')) as Readonly<Record<string, string>>;
  const found = Object.entries(fields).flatMap(([field, pem]) =>
    field.endsWith('_cert') && pem !== '' ? [[field.slice(0, -'_cert'.length), pem] as const] : [],
  );
  return new Map(found);
};

const list = async (options: CertOptions): Promise<void> => {
  const { parseCertificate } = await import('../cluster/certificates/certificate-facts.ts');
  const rows = [...(await certificatesOf(options))].map(([name, pem]) => {
    const read = parseCertificate(pem);
    if (!read.ok) return { name, subject: '', valid_until: '', fingerprint256: '', problem: read.detail };
    const { subjectText: subject, validToMs, fingerprint256 } = read.certificate;
    return { name, subject, valid_until: new Date(validToMs).toISOString(), fingerprint256, problem: '' };
  });
  if (options.json === true) printJson({ certificates: rows });
  else
    for (const row of rows) printLine(`${row.name}  ${row.subject}  until ${row.valid_until} ${row.problem}`.trimEnd());
};

const show = async (name: string, options: CertOptions): Promise<void> => {
  const all = await certificatesOf(options);
  const pem = all.get(name);
  if (pem === undefined)
    throw new CliFailure(`there is no certificate "${name}"; there are: ${[...all.keys()].join(', ')}`);
  if (options.json === true) printJson({ name, certificate: pem });
  else process.stdout.write(pem.endsWith('\n') ? pem : `${pem}\n`);
};

const replace = async (
  name: string,
  options: CertOptions & { readonly cert: string; readonly key: string },
): Promise<void> => {
  const cluster = await findCluster(options.cluster);
  const certificate = await readText('--cert', options.cert);
  const key = await readText('--key', options.key);
  await askApi(cluster, '/v1/cluster/certificates', {
    method: 'PUT',
    body: { certificates: [{ name, certificate, key }] },
  });
  if (options.json === true) printJson({ replaced: name, cluster: cluster.name });
  else printLine(`${cluster.name}: new connections are shown the new ${name} certificate`);
};
