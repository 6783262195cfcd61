import type { Question } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import {
  addressesOf,
  ADDRESSES_PER_NAME_MAX,
  answerQuestion,
  makeZone,
  type NameAnswer,
} from '../../../src/cluster/names/name-records.ts';

const east = makeZone({
  fqdn: 'East.example',
  nodes: [
    { uid: 1, address: '127.0.1.1' },
    { uid: 2, address: '127.0.1.2' },
  ],
  records: [
    { name: 'redis-12000.east.example', addresses: ['127.0.1.1'] },
    { name: 'redis-12001.east.example', addresses: ['127.0.1.1', '127.0.1.2'] },
    { name: 'redis-12001.internal.east.example', addresses: ['127.0.1.2'] },
    { name: 'redis-12002.east.example', addresses: [] },
  ],
});
const inner = makeZone({ fqdn: 'inner.east.example', nodes: [{ uid: 1, address: '127.0.2.1' }], records: [] });
const zones = [east, inner];

const ask = (name: string, type: string, questionClass?: Question['class']): NameAnswer =>
  answerQuestion(zones, { name, type: type as Question['type'], class: questionClass });

const typesOf = (name: string): string[] => ask(name, 'ANY').answers.map((record) => record.type);

/** `A redis-12000.east.example 127.0.1.1`. */
const shown = (answer: NameAnswer): string[] =>
  answer.answers.map(
    (record) => `${record.type} ${record.name} ${'data' in record ? JSON.stringify(record.data) : ''}`,
  );

describe('the records of a cluster', () => {
  it('give an endpoint the addresses of its proxies, for five seconds', () => {
    const answer = ask('redis-12001.east.example', 'A');
    expect(answer).toMatchObject({ rcode: 'NOERROR', authoritative: true, authorities: [] });
    expect(answer.answers).toEqual([
      { type: 'A', name: 'redis-12001.east.example', ttl: 5, data: '127.0.1.1' },
      { type: 'A', name: 'redis-12001.east.example', ttl: 5, data: '127.0.1.2' },
    ]);
  });

  it('give the cluster all its nodes and a node itself', () => {
    expect(shown(ask('east.example', 'A'))).toEqual(['A east.example "127.0.1.1"', 'A east.example "127.0.1.2"']);
    expect(shown(ask('node2.east.example', 'A'))).toEqual(['A node2.east.example "127.0.1.2"']);
  });

  it('repeat the name as it was asked, in any case', () => {
    expect(shown(ask('ReDiS-12000.eASt.example', 'A'))).toEqual(['A ReDiS-12000.eASt.example "127.0.1.1"']);
  });

  it('name every node as name server, with its address', () => {
    const answer = ask('east.example', 'NS');
    expect(shown(answer)).toEqual(['NS east.example "node1.east.example"', 'NS east.example "node2.east.example"']);
    expect(answer.additionals).toMatchObject([
      { type: 'A', name: 'node1.east.example', data: '127.0.1.1' },
      { type: 'A', name: 'node2.east.example', data: '127.0.1.2' },
    ]);
  });

  it('answer ANY with all they have', () => {
    expect(typesOf('east.example')).toEqual(['A', 'A', 'NS', 'NS', 'SOA']);
    expect(typesOf('redis-12000.east.example')).toEqual(['A']);
  });

  it('say that a name has no such type, for how long, and by whose authority', () => {
    const soa = [{ type: 'SOA', name: 'east.example', ttl: 5, data: { mname: 'node1.east.example', minimum: 5 } }];
    const names = ['redis-12000.east.example', 'redis-12002.east.example', 'internal.east.example', 'east.example'];
    for (const name of names) {
      const answer = ask(name, 'AAAA');
      expect(answer).toMatchObject({ rcode: 'NOERROR', authoritative: true, answers: [], authorities: soa });
    }
    expect(ask('redis-12002.east.example', 'A')).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: soa });
  });

  it('say that a name does not exist', () => {
    for (const name of ['redis-1.east.example', 'x.redis-12000.east.example', 'nternal.east.example']) {
      const answer = ask(name, 'A');
      expect(answer).toMatchObject({ rcode: 'NXDOMAIN', authoritative: true, authorities: [{ type: 'SOA' }] });
    }
  });

  it('refuse what is not theirs: other names, other classes, transfers', () => {
    expect(ask('west.example', 'A').rcode).toBe('REFUSED');
    expect(ask('notEast.example', 'A').rcode).toBe('REFUSED');
    expect(ask('.', 'NS').rcode).toBe('REFUSED');
    expect(ask('east.example', 'A', 'CH')).toMatchObject({ rcode: 'REFUSED', authoritative: false, answers: [] });
    expect(ask('east.example', 'AXFR').rcode).toBe('REFUSED');
  });

  it('come from the innermost of two zones', () => {
    expect(shown(ask('node1.inner.east.example', 'A'))).toEqual(['A node1.inner.east.example "127.0.2.1"']);
    expect(ask('redis-1.inner.east.example', 'A').authorities).toMatchObject([{ name: 'inner.east.example' }]);
  });

  it('serve resolvers inside the product', () => {
    expect(addressesOf(zones, 'REDIS-12001.east.example')).toEqual(['127.0.1.1', '127.0.1.2']);
    expect(addressesOf(zones, 'redis-12002.east.example')).toEqual([]);
    expect(addressesOf(zones, 'redis-1.east.example')).toBeUndefined();
    expect(addressesOf(zones, 'west.example')).toBeUndefined();
  });

  it('keep a limit on addresses and stand without nodes', () => {
    const addresses = Array.from({ length: 300 }, (_, index) => `127.0.${index >> 8}.${index & 255}`);
    const zone = makeZone({ fqdn: 'big.example', nodes: [], records: [{ name: 'redis-1.big.example', addresses }] });
    const many = answerQuestion([zone], { name: 'redis-1.big.example', type: 'A' });
    expect(many.answers).toHaveLength(ADDRESSES_PER_NAME_MAX);
    const none = answerQuestion([zone], { name: 'big.example', type: 'A' });
    expect(none).toMatchObject({ answers: [], authorities: [{ type: 'SOA', data: { mname: 'big.example' } }] });
  });
});
