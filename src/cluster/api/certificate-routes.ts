/** /v1/cluster/certificates: the cluster's own certificates. [RS requests/cluster/certificates] */

import { z } from 'zod';
import { accepted, defineRoute, type Call, type Route } from './route.ts';

const certificate = z.strictObject({
  name: z.string(),
  certificate: z.string().meta({ description: 'PEM; the chain may follow.' }),
  key: z.string().optional().meta({ description: 'PEM' }),
});

const nothing = z.strictObject({});

const replace = ({ control }: Call<unknown>, certificates: readonly z.infer<typeof certificate>[]): object => {
  accepted(control.replaceCertificates(certificates));
  return {};
};

const REPLACEMENT_PROBLEMS = ['invalid_cluster_certificate', 'unknown_certificate', 'certificate_expired'] as const;

export const certificateRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/cluster/certificates',
    summary: 'All certificates; their keys only for those who may see keys.',
    permission: 'view_cluster_info',
    reply: z.record(z.string(), z.string()),
    run: ({ control, may }) =>
      Object.fromEntries(
        Object.entries(control.state.certificates).flatMap(([name, pair]) => [
          [`${name}_cert`, pair.certificate],
          ...(pair.key === '' || !may('view_cluster_keys') ? [] : [[`${name}_key`, pair.key]]),
        ]),
      ),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/cluster/certificates',
    summary: 'Replaces certificates, all or none; new connections show the new ones.',
    permission: 'update_cluster',
    body: z.strictObject({ certificates: z.array(certificate).max(100) }),
    reply: nothing,
    problems: REPLACEMENT_PROBLEMS,
    run: (call) => replace(call, call.body.certificates),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/cluster/update_cert',
    summary: 'Replaces one certificate: the older form.',
    permission: 'update_cluster',
    body: certificate,
    reply: nothing,
    problems: REPLACEMENT_PROBLEMS,
    run: (call) => replace(call, [call.body]),
  }),

  defineRoute({
    method: 'DELETE',
    path: '/v1/cluster/certificates/:name',
    summary: 'Deletes a certificate that the cluster can do without.',
    permission: 'update_cluster',
    reply: nothing,
    problems: ['required_certificate', 'certificate_not_found'],
    run({ control, parameter }) {
      accepted(control.deleteCertificate(parameter('name')));
      return {};
    },
  }),
];
