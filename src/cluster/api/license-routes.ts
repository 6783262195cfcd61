/** /v1/license: until when and for how many shards the cluster may be used. [RS requests/license] */

import { z } from 'zod';
import { isExpired, licenseText } from '../state/license.ts';
import { defineRoute, dryRunQuery, isoTime, submitted, type Call, type Route } from './route.ts';

const licenseReply = z.strictObject({
  license: z.string(),
  key: z.string(),
  owner: z.string().nullable(),
  cluster_name: z.string().nullable(),
  activation_date: z.string(),
  expiration_date: z.string(),
  expired: z.boolean(),
  features: z.array(z.string()),
  shards_limit: z.number().int(),
  ram_shards_limit: z.number().int().nullable(),
  ram_shards_in_use: z.number().int(),
  flash_shards_limit: z.number().int().nullable(),
  flash_shards_in_use: z.number().int(),
});

const licenseView = ({ world }: Call<unknown>['control'], { license, shards }: Call<unknown>['control']['state']) => ({
  license: licenseText(license),
  key: '',
  owner: license.owner,
  cluster_name: license.clusterName,
  activation_date: isoTime(license.activatedMs),
  expiration_date: isoTime(license.expiresMs),
  expired: isExpired(license, world.clock.now()),
  features: license.features,
  shards_limit: license.shardsLimit,
  ram_shards_limit: null,
  ram_shards_in_use: shards.length,
  flash_shards_limit: null,
  flash_shards_in_use: 0,
});

export const licenseRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/license',
    summary: 'The licence.',
    permission: 'view_license',
    reply: licenseReply,
    run: ({ control }) => licenseView(control, control.state),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/license',
    summary: 'Installs a licence.',
    permission: 'install_new_license',
    query: dryRunQuery,
    body: z.strictObject({ license: z.string() }),
    reply: licenseReply,
    problems: ['invalid_license', 'license_violation'],
    run(call) {
      const { control, body } = call;
      const change = { kind: 'install-license', atMs: control.world.clock.now(), text: body.license } as const;
      return licenseView(control, submitted(call, change).state);
    },
  }),
];
