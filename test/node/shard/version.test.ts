import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ANTIPODE_VERSION } from '../../../src/node/shard/version.ts';

it('the version a server tells is the package’s', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(ANTIPODE_VERSION).toBe(version);
});
