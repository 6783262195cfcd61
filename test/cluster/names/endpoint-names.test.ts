import { describe, expect, it } from 'vitest';
import {
  checkFqdn,
  endpointName,
  internalEndpointName,
  isMulticastName,
  nodeName,
} from '../../../src/cluster/names/endpoint-names.ts';

describe('names of a cluster', () => {
  it('are built as Redis Enterprise builds them', () => {
    expect(endpointName(12000, 'east.local')).toBe('redis-12000.east.local');
    expect(internalEndpointName(12000, 'east.local')).toBe('redis-12000.internal.east.local');
    expect(nodeName(3, 'east.local')).toBe('node3.east.local');
  });

  it('are told apart into multicast and ordinary ones', () => {
    expect(['redis-1.east.local', 'EAST.LOCAL.', 'local'].map(isMulticastName)).toEqual([true, true, true]);
    expect(['east.example', 'local.example', 'eastlocal'].map(isMulticastName)).toEqual([false, false, false]);
  });

  it('are accepted in any case, with a final dot, up to 64 characters', () => {
    expect(checkFqdn('East.Local.')).toEqual({ ok: true, fqdn: 'east.local' });
    expect(checkFqdn('3com.a-b.c1')).toEqual({ ok: true, fqdn: '3com.a-b.c1' });
    expect(checkFqdn(`${'a'.repeat(58)}.local`)).toMatchObject({ ok: true });
  });

  const refused: [name: string, reason: RegExp][] = [
    [`${'a'.repeat(59)}.local`, /longer than 64/],
    ['a'.repeat(64), /two labels/],
    ['local', /two labels/],
    ['', /two labels/],
    ['east..local', /"" is not letters/],
    ['-east.local', /"-east" is not letters/],
    ['east-.local', /"east-" is not letters/],
    ['ea st.local', /"ea st" is not letters/],
    ['öst.local', /"öst" is not letters/],
    ['east_1.local', /"east_1" is not letters/],
    ['east.local\n', /not letters/],
    ['127.0.0.1', /ends in a number/],
  ];
  it.each(refused)('are refused with the reason: %j', (name, reason) => {
    const outcome = checkFqdn(name);
    expect(outcome).toMatchObject({ ok: false, detail: expect.stringMatching(reason) });
    expect(outcome).toMatchObject({ detail: expect.stringContaining(JSON.stringify(name)) });
  });
});
