/**
 * `antipode names`: every endpoint's name with its addresses, and how to make the system resolve them. `--hosts` prints lines for
 * /etc/hosts, and nothing else.
 *
 * It changes nothing in the system. What it advises is for the addresses and ports of the sandbox that runs now.
 */

import type { Command } from 'commander';
import type { AnsweredNames } from '../sandbox/outside-names.ts';
import type { ClusterEndpoint } from './cluster-endpoints.ts';
import { printJson, printLine } from './verb.ts';

interface NamesOptions {
  readonly hosts?: boolean;
  readonly json?: boolean;
}

export const names = (program: Command): void => {
  program
    .command('names')
    .description('the names of the running sandbox, and how to make the system resolve them')
    .option('--hosts', 'print lines for /etc/hosts')
    .option('--json', 'print one JSON document, on one line')
    .action(run);
};

const run = async (options: NamesOptions): Promise<void> => {
  const { findSandbox } = await import('./runtime-file.ts');
  const { endpointsOfCluster } = await import('./cluster-endpoints.ts');
  const facts = findSandbox();
  const endpoints = (await Promise.all(facts.clusters.map(endpointsOfCluster))).flat();
  if (options.json === true) printJson({ names: endpoints, services: facts.names });
  else if (options.hosts === true) for (const line of hostsLines(endpoints)) printLine(line);
  else printLine([...namesText(endpoints), '', ...adviceText(facts.names)].join('\n'));
};

const hostsLines = (endpoints: readonly ClusterEndpoint[]): readonly string[] =>
  endpoints.flatMap(({ name, addresses }) => addresses.map((address) => `${address} ${name}`));

const namesText = (endpoints: readonly ClusterEndpoint[]): readonly string[] =>
  endpoints.length === 0
    ? ['no database has an endpoint yet']
    : endpoints.map(({ database, name, port, addresses }) => `${name}:${port}  ${addresses.join(', ')}  (${database})`);

const adviceText = (services: readonly AnsweredNames[]): readonly string[] => {
  const asked = services.flatMap(({ cluster, dns: [server] }) => (server === undefined ? [] : [{ cluster, server }]));
  const silent = services.filter(({ dns }) => dns.length === 0).map(({ cluster }) => cluster);
  const multicast = services.filter(({ mdns }) => mdns !== null).map(({ cluster }) => cluster);
  const [first] = asked;
  return [
    'To make programs find these names, one of:',
    '',
    'Any system, no service needed; again after each change of databases:',
    '  antipode names --hosts | sudo tee -a /etc/hosts',
    '',
    'A Node.js program, nothing to set up:',
    '  node --import antipode/preload app.js     or  import { lookup } from "antipode/lookup"',
    ...(first === undefined
      ? []
      : [
          '',
          'Linux with dnsmasq, in /etc/dnsmasq.d/antipode.conf, then restart it:',
          ...asked.map(({ cluster, server }) => `  server=/${cluster}/${server.host}#${server.port}`),
          '',
          'Linux with systemd-resolved, for one cluster, in /etc/systemd/resolved.conf.d/antipode.conf, then restart it:',
          '  [Resolve]',
          `  DNS=${first.server.host}:${first.server.port}`,
          `  Domains=~${first.cluster}`,
          '',
          'macOS, a file for each cluster:',
          ...asked.map(
            ({ cluster, server }) =>
              `  printf 'nameserver ${server.host}\\nport ${server.port}\\n' | sudo tee /etc/resolver/${cluster}`,
          ),
        ]),
    ...(multicast.length === 0
      ? []
      : [
          '',
          `Linux by multicast DNS, for ${multicast.join(', ')}: install libnss-mdns (Ubuntu) or nss-mdns and avahi-daemon (RHEL), then`,
          '  in /etc/avahi/avahi-daemon.conf   allow-interfaces=lo   (beside those it has)',
          '  in /etc/nsswitch.conf             hosts: files mdns4 dns',
          '  in /etc/mdns.allow                .local. and .local, a line each (names here have more than two labels)',
        ]),
    ...(silent.length === 0
      ? []
      : ['', `No DNS server answers for ${silent.join(', ')}: its pdns_server is off or has no port.`]),
  ];
};
