import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSourceUrl, hidePassword, parseSourceUrl } from '../../../src/replication/replica-of/source-url.ts';

const parsed = (url: string) => {
  const outcome = parseSourceUrl(url);
  if (!outcome.ok) throw new Error(outcome.detail);
  return outcome.url;
};
const refusal = (url: string) => {
  const outcome = parseSourceUrl(url);
  return outcome.ok ? `accepted as ${formatSourceUrl(outcome.url)}` : outcome.detail;
};

describe('parseSourceUrl', () => {
  it('reads the three documented forms', () => {
    expect(parsed('redis://admin:abc@redis-12000.east.local:12000')).toEqual({
      host: 'redis-12000.east.local',
      port: 12000,
      username: 'admin',
      password: 'abc',
    });
    expect(parsed('redis://:p%40ss%3A%2F%25@127.0.0.1:6379')).toMatchObject({ username: null, password: 'p@ss:/%' });
    expect(parsed('redis://localhost:6379')).toEqual({ host: 'localhost', port: 6379, username: null, password: null });
    expect(parsed('redis://[::1]:6379/')).toMatchObject({ host: '::1' });
  });

  it('takes off the database name that a console shows before a same-cluster source', () => {
    expect(parsed('orders: redis://admin:x@redis-1.a.local:12000').host).toBe('redis-1.a.local');
  });

  it('reads a password whose at sign was pasted without encoding', () => {
    expect(parsed('redis://:p@ss@host:1').password).toBe('p@ss');
  });

  it.each([
    ['http://h:1', /unknown scheme "http"/],
    ['rediss://h:1', /turn encryption on/],
    ['redis://host', /port is missing after "host"/],
    ['redis://host:0', /between 1 and 65535/],
    ['redis://host:99999', /between 1 and 65535/],
    ['redis://:%zz@host:1', /no percent-encoding/],
    ['redis://user@host:1', /colon is missing/],
    ['redis://:6379', /not host:port/],
    ['redis://h:1/3', /not host:port/],
    ['host:6379', /is not a URL/],
    ['', /is not a URL/],
    [`redis://${'h'.repeat(5000)}:1`, /longer than/],
  ])('refuses %s and says why', (url, why) => {
    expect(refusal(url)).toMatch(why);
  });

  it('never shows a password in a refusal', () => {
    expect(refusal('nonsense://u:secret@h:1')).not.toContain('secret');
    expect(hidePassword('redis://admin:secret@h:1')).toBe('redis://admin:***@h:1');
  });

  it('reads back any URL it formats', () => {
    const latin1 = fc.string({
      unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.option(latin1), latin1, fc.integer({ min: 1, max: 65_535 }), (username, password, port) => {
        const url = { host: 'redis-1.a.local', port, username, password };
        expect(parsed(formatSourceUrl(url))).toEqual(url);
      }),
    );
  });
});
