/**
 * How Redis Enterprise names things: the cluster, its nodes and the endpoints of its databases [RS networking].
 *
 * Pure; which addresses stand behind a name is `name-records.ts`. Names are written in lower case, as DNS compares them.
 */

/** Of a cluster's own name; endpoint names are longer. */
const FQDN_LENGTH_MAX = 64;
const LABEL_LENGTH_MAX = 63;

export type FqdnOutcome =
  | { readonly ok: true; readonly fqdn: string }
  | { readonly ok: false; readonly detail: string };

/** Letters, digits and inner hyphens [RFC 1123 2.1]. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** A cluster's name as people write it (any case, perhaps a final dot) made canonical, or why it cannot be one. */
export const checkFqdn = (text: string): FqdnOutcome => {
  const refused = (reason: string): FqdnOutcome => ({
    ok: false,
    detail: `cluster name ${JSON.stringify(text)}: ${reason}`,
  });
  const fqdn = text.toLowerCase().replace(/\.$/, '');
  if (fqdn.length > FQDN_LENGTH_MAX) return refused(`longer than ${FQDN_LENGTH_MAX} characters`);
  const labels = fqdn.split('.');
  if (labels.length < 2) return refused('needs at least two labels, as in east.local');
  for (const label of labels) {
    if (label.length > LABEL_LENGTH_MAX) return refused(`a label is longer than ${LABEL_LENGTH_MAX} characters`);
    if (!LABEL.test(label)) return refused(`${JSON.stringify(label)} is not letters, digits and inner hyphens`);
  }
  // What ends in a number would be read as an address by every resolver.
  if (/^\d+$/.test(labels.at(-1) ?? '')) return refused('ends in a number');
  return { ok: true, fqdn };
};

/** Names under `.local` are answered by multicast DNS [RFC 6762 3]. */
export const isMulticastName = (name: string): boolean => /(?:^|\.)local\.?$/i.test(name);

export const endpointName = (port: number, fqdn: string): string => `redis-${port}.${fqdn}`;

/** Before the cluster's name in the private names. [RS private-public-endpoints] */
export const INTERNAL_LABEL = 'internal';

/** The private form, where a cluster has private and public endpoints. */
export const internalEndpointName = (port: number, fqdn: string): string => `redis-${port}.${INTERNAL_LABEL}.${fqdn}`;

export const nodeName = (nodeUid: number, fqdn: string): string => `node${nodeUid}.${fqdn}`;

/** By which the REST API is commonly addressed. */
export const apiName = (fqdn: string): string => `cnm.${fqdn}`;

/** Labels that a cluster puts before its own name. */
const OWN_LABEL = /^(?:redis-\d+(?:\.internal)?|internal|node\d+|cnm)$/;

/** The name that two clusters would share if both existed; null: they can live side by side. Both canonical. */
export const sharedName = (fqdn: string, other: string): string | null => {
  if (fqdn === other) return fqdn;
  const [inner, outer] = fqdn.length > other.length ? [fqdn, other] : [other, fqdn];
  return inner.endsWith(`.${outer}`) && OWN_LABEL.test(inner.slice(0, -outer.length - 1)) ? inner : null;
};
