/**
 * The world contract's chapter on what TLS is held to: versions, ciphers, names, and the rules for client certificates. One table for
 * both worlds, in which also the words are the same: a person reads them as a replica's last error.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type {
  CertificateSubject,
  ClientCertificateRules,
  ClientTls,
  ConnectFailure,
  ServerTls,
} from '../../src/world/world.ts';
import { generateCertificate, type CertificateWish, type TestCertificate } from './certificates.ts';
import { ContractKit, EAST, WEST } from './world-contract-kit.ts';
import type { End, MakeWorld } from './world-contract-kit.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const STRICT: ClientCertificateRules = { allowExpired: false, allowWeak: false, subjects: null };

interface Case {
  readonly says: string;
  readonly server?: Partial<ServerTls>;
  readonly client?: Partial<ClientTls>;
  readonly gives: 'TLSv1.2' | 'TLSv1.3' | { readonly why: ConnectFailure; readonly detail: string };
}

const NO_VERSION = 'the far side allows none of the TLS versions that we offered: TLSv1.2';
const refusedBut = (who: string) =>
  ({ why: 'client-certificate-refused', detail: `the far side refused our ${who}` }) as const;

export const tlsRulesContract = (makeWorld: MakeWorld): void => {
  const kit = new ContractKit(makeWorld);
  const certificates = new Map<string, TestCertificate>();
  const of = (name: string): { readonly certificate: string; readonly key: string } => {
    const { certificate, key } = certificates.get(name)!;
    return { certificate, key };
  };

  /** A listener with the server's certificate, and what comes of a client that pins it. */
  const meet = async ({ server = {}, client = {} }: Pick<Case, 'server' | 'client'>) => {
    const accepted: End[] = [];
    const tls: ServerTls = {
      ...of('server'),
      mode: 'required',
      clientCertificates: null,
      minVersion: 'TLSv1.2',
      ...server,
    };
    const listener = await kit.listen({ host: EAST, port: 0 }, { tls: () => tls }, (connection) => {
      const end = kit.keep(connection);
      accepted.push(end);
      end.heard.onData = (text) => connection.write(`echo ${text}`);
    });
    const pin: ClientTls = { trusted: [tls.certificate], serverName: 'db.east.local', ...client };
    return { outcome: await kit.dial(WEST, listener.address, pin), accepted };
  };

  const expectOutcome = async ({ gives, says, ...parts }: Case): Promise<void> => {
    const { outcome, accepted } = await meet(parts);
    if (typeof gives !== 'string') {
      expect({ says, ...outcome }).toEqual({
        says,
        ok: false,
        why: gives.why,
        detail: expect.stringContaining(gives.detail),
      });
      expect({ says, accepted: accepted.length }).toEqual({ says, accepted: 0 });
      return;
    }
    if (!outcome.ok) throw new Error(`${says}: ${outcome.why}: ${outcome.detail}`);
    const near = kit.keep(outcome.connection);
    near.connection.write('hello');
    await kit.until(() => near.heard.text === 'echo hello', 'the echo');
    expect({ says, version: accepted[0]?.connection.tls?.version }).toEqual({ says, version: gives });
    expect(near.connection.tls?.version).toBe(gives);
  };

  describe('what TLS is held to', () => {
    beforeAll(async () => {
      const probe = await makeWorld();
      const nowMs = probe.world.clock.now();
      await probe[Symbol.asyncDispose]();
      const at = (days: number): Date => new Date(nowMs + days * DAY_MS);
      const inTime = { notBefore: at(-1), notAfter: at(1) };
      const make = async (name: string, wish: CertificateWish): Promise<TestCertificate> => {
        const made = await generateCertificate({ ...inTime, ...wish });
        certificates.set(name, made);
        return made;
      };
      await make('server', { cn: 'db.east.local', san: ['db.east.local'] });
      await make('rsa server', { cn: 'db.east.local', san: ['db.east.local'], rsaBits: 2048 });
      await make('client', { cn: 'west.local', more: 'OU=syncer' });
      await make('expired', { cn: 'old', notBefore: at(-3), notAfter: at(-2) });
      await make('future', { cn: 'new', notBefore: at(2), notAfter: at(3) });
      await make('weak', { cn: 'weak', rsaBits: 1024 });
      await make('strong', { cn: 'strong', rsaBits: 2048 });
      const issuer = await make('root', { cn: 'root', authority: true });
      await make('app', { cn: 'app', more: 'OU=two, OU=one, O=Example, L=Lyon, C=FR', san: ['app.example'], issuer });
    });

    test('the newest version that both allow is taken, and without one the cause is named', async () => {
      const cases: readonly Case[] = [
        { says: 'both', gives: 'TLSv1.3' },
        { says: 'an old client', client: { maxVersion: 'TLSv1.2' }, gives: 'TLSv1.2' },
        { says: 'a strict server', server: { minVersion: 'TLSv1.3' }, gives: 'TLSv1.3' },
        {
          says: 'strict and strict',
          server: { minVersion: 'TLSv1.3' },
          client: { minVersion: 'TLSv1.3' },
          gives: 'TLSv1.3',
        },
        { says: 'an old server', server: { maxVersion: 'TLSv1.2' }, gives: 'TLSv1.2' },
        {
          says: 'a strict client of an old server',
          server: { maxVersion: 'TLSv1.2' },
          client: { minVersion: 'TLSv1.3' },
          gives: { why: 'tls-version', detail: 'none of the TLS versions that we offered: TLSv1.3' },
        },
        {
          says: 'an old client of a strict server',
          server: { minVersion: 'TLSv1.3' },
          client: { maxVersion: 'TLSv1.2' },
          gives: { why: 'tls-version', detail: NO_VERSION },
        },
      ];
      for (const each of cases) await expectOutcome(each);
    });

    test('a cipher must be common to both and serve the key of the server', async () => {
      const old = { maxVersion: 'TLSv1.2' } as const;
      const none = (offered: string) =>
        ({ why: 'tls-cipher', detail: `none of the ciphers that we offered: ${offered}` }) as const;
      const ecdsa = 'ECDHE-ECDSA-AES128-GCM-SHA256';
      const cases: readonly Case[] = [
        { says: 'the product default', server: { ciphers: 'HIGH:!3DES:!aNULL' }, client: old, gives: 'TLSv1.2' },
        { says: 'the same', server: { ciphers: ecdsa }, client: { ...old, ciphers: ecdsa }, gives: 'TLSv1.2' },
        {
          says: 'overlapping',
          server: { ciphers: 'EECDH:!AES256' },
          client: { ...old, ciphers: 'AESGCM' },
          gives: 'TLSv1.2',
        },
        {
          says: 'disjoint',
          server: { ciphers: 'AES256:!AES128' },
          client: { ...old, ciphers: ecdsa },
          gives: none(ecdsa),
        },
        { says: 'of another key', server: { ciphers: 'aRSA' }, client: old, gives: none("OpenSSL's standard list") },
        { says: 'of this key', server: { ...of('rsa server'), ciphers: 'aRSA' }, client: old, gives: 'TLSv1.2' },
        { says: 'DHE', server: { ...of('rsa server'), ciphers: 'DHE' }, client: old, gives: 'TLSv1.2' },
        { says: 'RSA alone', server: { ...of('rsa server') }, client: { ...old, ciphers: 'kRSA' }, gives: 'TLSv1.2' },
        { says: 'a list for 1.2 leaves 1.3 alone', server: { ciphers: 'aRSA' }, gives: 'TLSv1.3' },
        {
          says: 'the same suite',
          server: { cipherSuites: ['TLS_AES_128_CCM_SHA256'] },
          client: { cipherSuites: ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_CCM_SHA256'] },
          gives: 'TLSv1.3',
        },
        {
          says: 'no common suite, though 1.2 would do',
          server: { cipherSuites: ['TLS_AES_128_GCM_SHA256'] },
          client: { cipherSuites: ['TLS_AES_256_GCM_SHA384'] },
          gives: none('TLS_AES_256_GCM_SHA384'),
        },
        {
          says: 'suites do not matter to 1.2',
          server: { cipherSuites: ['TLS_AES_128_CCM_SHA256'] },
          client: old,
          gives: 'TLSv1.2',
        },
      ];
      for (const each of cases) await expectOutcome(each);
    });

    test('a name that is sent but not checked is shown to the server, and an address is not sent', async () => {
      const shown = async (client: Partial<ClientTls>): Promise<string | null | undefined> => {
        const { outcome, accepted } = await meet({ client });
        expect(outcome.ok).toBe(true);
        return accepted[0]?.connection.tls?.serverName;
      };
      expect(await shown({ serverName: 'other.name', checkName: false })).toBe('other.name');
      expect(await shown({ serverName: '127.0.1.1', checkName: false })).toBeNull();
      expect(await shown({ serverName: null })).toBeNull();
      await expectOutcome({
        says: 'checked',
        client: { serverName: 'other.name' },
        gives: { why: 'certificate-name-mismatch', detail: 'asked for other.name, presented DNS:db.east.local' },
      });
    });

    test('expired and weak client certificates are let in only where that is allowed', async () => {
      const trust = (name: string, rules?: Partial<ClientCertificateRules>): Partial<ServerTls> => ({
        clientCertificates: [of(name).certificate],
        ...(rules === undefined ? {} : { clientRules: { ...STRICT, ...rules } }),
      });
      for (const old of [{}, { maxVersion: 'TLSv1.2' } as const]) {
        const version = old.maxVersion ?? 'TLSv1.3';
        const cases: readonly Case[] = [
          { says: 'good', server: trust('client'), client: of('client'), gives: version },
          { says: 'strong', server: trust('strong'), client: of('strong'), gives: version },
          {
            says: 'none',
            server: trust('client'),
            gives: { why: 'client-certificate-refused', detail: 'none was presented' },
          },
          { says: 'none, allowed', server: { ...trust('client'), letsAnonymousIn: true }, gives: version },
          {
            says: 'another, although none is allowed',
            server: { ...trust('client'), letsAnonymousIn: true },
            client: of('strong'),
            gives: refusedBut('certificate CN=strong (valid until'),
          },
          {
            says: 'another',
            server: trust('client'),
            client: of('strong'),
            gives: refusedBut('certificate CN=strong (valid until'),
          },
          {
            says: 'expired',
            server: trust('expired'),
            client: of('expired'),
            gives: refusedBut('certificate CN=old (it expired at'),
          },
          {
            says: 'expired, allowed',
            server: trust('expired', { allowExpired: true }),
            client: of('expired'),
            gives: version,
          },
          {
            says: 'of the future, although expired ones are allowed',
            server: trust('future', { allowExpired: true }),
            client: of('future'),
            gives: refusedBut('certificate CN=new (it is valid from'),
          },
          { says: 'weak', server: trust('weak'), client: of('weak'), gives: refusedBut('certificate CN=weak') },
          { says: 'weak, allowed', server: trust('weak', { allowWeak: true }), client: of('weak'), gives: version },
          {
            says: 'weak, but the other is allowed',
            server: trust('weak', { allowExpired: true }),
            client: of('weak'),
            gives: refusedBut('certificate CN=weak'),
          },
        ];
        for (const each of cases) await expectOutcome({ ...each, client: { ...old, ...each.client } });
      }
    });

    test('a subject must be an authorized one, letter by letter', async () => {
      const app = { CN: 'app', OU: ['one', 'two'], O: 'Example', L: 'Lyon', C: 'FR' };
      const cases: readonly [by: 'name' | 'full', allowed: readonly CertificateSubject[], isIn: boolean][] = [
        ['name', [], false],
        ['name', [{ CN: 'other' }, { CN: 'app' }], true],
        ['name', [{ CN: 'APP' }], false],
        ['name', [{ CN: 'app.example' }], true],
        ['name', [{ ...app, L: 'Paris' }], true],
        ['full', [app], true],
        ['full', [{ CN: 'app' }], true],
        ['full', [{ CN: 'app.example' }], false],
        ['full', [{ ...app, OU: ['two', 'one'] }], true],
        ['full', [{ ...app, OU: ['one'] }], false],
        ['full', [{ ...app, O: 'example' }], false],
        ['full', [{ ...app, ST: 'Rhone' }], false],
        ['full', [{ ...app, C: 'DE' }, app], true],
      ];
      for (const [by, allowed, isIn] of cases) {
        await expectOutcome({
          says: `${by} ${JSON.stringify(allowed)}`,
          server: {
            clientCertificates: [of('root').certificate],
            clientRules: { ...STRICT, subjects: { by, allowed } },
          },
          client: of('app'),
          gives: isIn ? 'TLSv1.3' : refusedBut('certificate CN=app'),
        });
      }
    });
  });
};
