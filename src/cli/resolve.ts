/**
 * `antipode resolve NAME`: asks the running sandbox's name services, really, and prints the addresses, one on a line. A miss says why,
 * and what to do.
 */

import type { Command } from 'commander';
import type { AskOutcome } from '../cluster/names/ask.ts';
import type { AnsweredNames } from '../sandbox/outside-names.ts';
import type { RuntimeCluster, RuntimeFacts } from './runtime-file.ts';
import { CliFailure, printJson, printLine } from './verb.ts';

/** Where programs outside ask from. */
const OWN_HOST = '127.0.0.1';

interface Asked {
  /** `host:port` */
  readonly at: string;
  readonly outcome: AskOutcome;
}

export const resolve = (program: Command): void => {
  program
    .command('resolve <name>')
    .description('ask the DNS and mDNS of the running sandbox for the addresses of a name')
    .option('--json', 'print one JSON document, on one line, also for a name that is not found')
    .addHelpText('after', '\nantipode names shows all names, and how to make the system resolve them.')
    .action(run);
};

const run = async (given: string, options: { readonly json?: boolean }): Promise<void> => {
  const { answeredBy, canonicalName, findSandbox } = await import('./runtime-file.ts');
  const facts = findSandbox();
  const name = canonicalName(given);
  const answered = answeredBy(facts, name);
  if (answered === undefined) {
    const clusters = facts.clusters.map((cluster) => cluster.name).join(', ');
    throw new CliFailure(`${name} belongs to no cluster of the running sandbox; its clusters are ${clusters}`);
  }
  const asked = await askAll(answered, name);
  const found = asked.flatMap(({ outcome }) => (outcome.ok ? [outcome.addresses] : []));
  const addresses = found[0] ?? [];
  const trouble = addresses.length > 0 ? '' : await missText(facts, answered, asked, name);
  if (options.json === true) printJson({ name, addresses, asked: asked.map(answerOf), trouble });
  else for (const address of addresses) printLine(address);
  if (trouble !== '') throw new CliFailure(trouble);
  const stranger = found.find((other) => other.toSorted().join() !== addresses.toSorted().join());
  if (stranger !== undefined) {
    process.stderr.write(
      `antipode: somebody else on this machine answers for ${name} by multicast DNS as well, with ${stranger.join(', ')}; ` +
        'end that sandbox, or give one of the clusters another name\n',
    );
  }
};

const askAll = async ({ dns, mdns }: AnsweredNames, name: string): Promise<readonly Asked[]> => {
  const { askMulticast, askServer } = await import('../cluster/names/ask.ts');
  const { MDNS_GROUP, MDNS_PORT } = await import('../cluster/names/mdns-responder.ts');
  const { addressText } = await import('../world/world.ts');
  const { SystemWorld } = await import('../world/system-world.ts');
  const world = new SystemWorld();
  const [server] = dns;
  const questions: Promise<Asked>[] = [];
  if (server !== undefined)
    questions.push(askServer(world, OWN_HOST, server, name).then((outcome) => ({ at: addressText(server), outcome })));
  if (mdns !== null) {
    const at = `${MDNS_GROUP}:${MDNS_PORT}`;
    questions.push(askMulticast(world, mdns, name).then((outcome) => ({ at, outcome })));
  }
  return Promise.all(questions);
};

const answerOf = ({ at, outcome }: Asked) =>
  outcome.ok
    ? { at, addresses: outcome.addresses, ttl: outcome.ttlSeconds }
    : { at, addresses: [], why: outcome.why, detail: outcome.detail };

const missText = async (
  facts: RuntimeFacts,
  { cluster }: AnsweredNames,
  asked: readonly Asked[],
  name: string,
): Promise<string> => {
  if (asked.length === 0) {
    return `${name}: nobody answers names of ${cluster}; its mdns_server and pdns_server are disabled or have no port: see /v1/cluster/services_configuration`;
  }
  const isUnknown = asked.some(({ outcome }) => !outcome.ok && outcome.why === 'no-such-name');
  if (isUnknown) {
    const known = await endpointNames(facts.clusters.find((each) => each.name === cluster));
    return `${name}: ${cluster} has no such name; ${known.length === 0 ? 'it has no databases' : `its endpoints are ${known.join(', ')}`}`;
  }
  const isRefused = asked.some(({ outcome }) => !outcome.ok && outcome.why === 'refused');
  if (isRefused) {
    return `${name}: names of ${cluster} are not answered for clients, because its mdns_server is disabled or mdns_missing has clients; turn that off, or use an address`;
  }
  const said = asked.map(({ at, outcome }) => `${at}: ${outcome.ok ? 'nothing' : outcome.detail}`);
  return `${name}: ${said.join('; ')}; is the sandbox busy? antipode status`;
};

const endpointNames = async (cluster: RuntimeCluster | undefined): Promise<readonly string[]> => {
  if (cluster === undefined) return [];
  const { endpointsOfCluster } = await import('./cluster-endpoints.ts');
  return (await endpointsOfCluster(cluster)).map(({ name }) => name);
};
