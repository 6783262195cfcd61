/** Our judgement of certificates against OpenSSL's own, over a table of good and bad ones. */
import { connect, createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { splitPem, verifyPeer } from '../../src/world/verify-peer.ts';
import type { PeerRefusal } from '../../src/world/verify-peer.ts';
import { generateCertificate } from '../support/certificates.ts';
import type { TestCertificate } from '../support/certificates.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const NAME = 'db.east.local';
const at = (days: number): Date => new Date(Date.now() + days * DAY_MS);
const past = { notBefore: at(-3), notAfter: at(-2) };
const future = { notBefore: at(2), notAfter: at(3) };

interface Case {
  readonly says: string;
  readonly chain: readonly TestCertificate[];
  readonly trusted: readonly TestCertificate[];
  readonly name: string | null;
  readonly ours: 'accepted' | PeerRefusal;
  /** Where we differ from OpenSSL on purpose. */
  readonly differs?: string;
}

/** OpenSSL's code and Node.js's name check, in our words. */
const OPENSSL_SAYS: Readonly<Record<string, PeerRefusal>> = {
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-not-yet-valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate-name-mismatch',
};

/** A real handshake in which OpenSSL and Node.js decide. */
const opensslVerdict = async (one: Case): Promise<'accepted' | PeerRefusal> => {
  const cert = one.chain.map((own) => own.certificate).join('');
  const server = createServer({ cert, key: one.chain[0]!.key });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port,
        ca: one.trusted.map((own) => own.certificate),
        rejectUnauthorized: false,
        servername: NAME,
        ...(one.name === null ? { checkServerIdentity: () => undefined } : {}),
      });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        const code = socket.authorized ? null : String(socket.authorizationError);
        socket.destroy();
        if (code === null) resolve('accepted');
        else
          resolve(Object.entries(OPENSSL_SAYS).find(([known]) => code.includes(known))?.[1] ?? 'certificate-untrusted');
      });
    });
  } finally {
    server.close();
  }
};

describe('judging a certificate chain', () => {
  const cases: Case[] = [];

  beforeAll(async () => {
    const root = await generateCertificate({ cn: 'root', authority: true });
    const otherRoot = await generateCertificate({ cn: 'other root', authority: true });
    const namesake = await generateCertificate({ cn: 'root', authority: true });
    const oldRoot = await generateCertificate({ cn: 'old root', authority: true, ...past });
    const middle = await generateCertificate({ cn: 'middle', authority: true, issuer: root });
    const notAuthority = await generateCertificate({ cn: 'not an authority', issuer: root });
    const leafOf = (issuer: TestCertificate, more = {}) =>
      generateCertificate({ cn: 'leaf', san: [NAME], issuer, ...more });
    const self = await generateCertificate({ cn: 'self', san: [NAME] });
    const oldSelf = await generateCertificate({ cn: 'old self', san: [NAME], ...past });
    const stranger = await generateCertificate({ cn: 'self', san: [NAME] });
    const byRoot = await leafOf(root);
    const byMiddle = await leafOf(middle);
    cases.push(
      { says: 'self-signed and pinned', chain: [self], trusted: [self], name: NAME, ours: 'accepted' },
      { says: 'self-signed and unknown', chain: [self], trusted: [root], name: NAME, ours: 'certificate-untrusted' },
      { says: 'nothing is trusted', chain: [self], trusted: [], name: NAME, ours: 'certificate-untrusted' },
      { says: 'a namesake of the pin', chain: [stranger], trusted: [self], name: NAME, ours: 'certificate-untrusted' },
      { says: 'one of several pins', chain: [self], trusted: [root, self], name: NAME, ours: 'accepted' },
      {
        says: 'pinned beside a namesake',
        chain: [self],
        trusted: [stranger, self],
        name: NAME,
        ours: 'accepted',
        differs: 'OpenSSL looks at the first of that name only',
      },
      { says: 'signed by a trusted root', chain: [byRoot], trusted: [root], name: NAME, ours: 'accepted' },
      {
        says: 'signed by another root',
        chain: [byRoot],
        trusted: [otherRoot],
        name: NAME,
        ours: 'certificate-untrusted',
      },
      { says: 'signed by a namesake', chain: [byRoot], trusted: [namesake], name: NAME, ours: 'certificate-untrusted' },
      { says: 'over a presented middle', chain: [byMiddle, middle], trusted: [root], name: NAME, ours: 'accepted' },
      { says: 'with the root too', chain: [byMiddle, middle, root], trusted: [root], name: NAME, ours: 'accepted' },
      { says: 'the middle is missing', chain: [byMiddle], trusted: [root], name: NAME, ours: 'certificate-untrusted' },
      { says: 'the middle is trusted', chain: [byMiddle], trusted: [root, middle], name: NAME, ours: 'accepted' },
      {
        says: 'signed by what is no authority',
        chain: [await leafOf(notAuthority), notAuthority],
        trusted: [root],
        name: NAME,
        ours: 'certificate-untrusted',
      },
      {
        says: 'expired',
        chain: [await leafOf(root, past)],
        trusted: [root],
        name: NAME,
        ours: 'certificate-expired',
      },
      {
        says: 'not yet valid',
        chain: [await leafOf(root, future)],
        trusted: [root],
        name: NAME,
        ours: 'certificate-not-yet-valid',
      },
      {
        says: 'by an expired root',
        chain: [await leafOf(oldRoot)],
        trusted: [oldRoot],
        name: NAME,
        ours: 'certificate-expired',
      },
      {
        says: 'another name',
        chain: [await generateCertificate({ cn: NAME, san: ['db.west.local'], issuer: root })],
        trusted: [root],
        name: NAME,
        ours: 'certificate-name-mismatch',
      },
      {
        says: 'the name only as common name',
        chain: [await generateCertificate({ cn: NAME, issuer: root })],
        trusted: [root],
        name: NAME,
        ours: 'accepted',
      },
      {
        says: 'a wildcard',
        chain: [await generateCertificate({ cn: 'x', san: ['*.east.local'], issuer: root })],
        trusted: [root],
        name: NAME,
        ours: 'accepted',
      },
      {
        says: 'a wildcard one level too high',
        chain: [await generateCertificate({ cn: 'x', san: ['*.local'], issuer: root })],
        trusted: [root],
        name: NAME,
        ours: 'certificate-name-mismatch',
      },
      {
        says: 'no name asked for',
        chain: [await generateCertificate({ cn: 'x', san: ['db.west.local'], issuer: root })],
        trusted: [root],
        name: null,
        ours: 'accepted',
      },
      {
        says: 'meant for servers',
        chain: [await leafOf(root, { usages: ['server'] })],
        trusted: [root],
        name: NAME,
        ours: 'accepted',
      },
      {
        says: 'meant for clients only',
        chain: [await leafOf(root, { usages: ['client'] })],
        trusted: [root],
        name: NAME,
        ours: 'certificate-untrusted',
      },
      { says: 'a pin that has expired', chain: [oldSelf], trusted: [oldSelf], name: NAME, ours: 'certificate-expired' },
      {
        says: 'a pinned leaf whose root is unknown',
        chain: [byRoot],
        trusted: [byRoot],
        name: NAME,
        ours: 'accepted',
        differs: 'OpenSSL wants the whole chain; a pin is enough for us [RS replica-of: the pinned proxy certificate]',
      },
    );
  });

  test('agrees with OpenSSL, or differs for a stated reason', async () => {
    expect(cases.length).toBeGreaterThan(20);
    for (const one of cases) {
      const verdict = verifyPeer({
        chain: one.chain.map((own) => own.certificate),
        trusted: one.trusted.map((own) => own.certificate),
        serverName: one.name,
        nowMs: Date.now(),
        usage: 'server',
      });
      const ours = verdict.ok ? 'accepted' : verdict.why;
      const theirs = await opensslVerdict(one);
      expect({ case: one.says, ours }).toEqual({ case: one.says, ours: one.ours });
      if (one.differs === undefined) expect({ case: one.says, theirs }).toEqual({ case: one.says, theirs: one.ours });
      else expect({ case: one.says, theirs }).not.toEqual({ case: one.says, theirs: one.ours });
    }
  });

  test('a pinned certificate is judged by the given time, not the machine clock', async () => {
    const own = await generateCertificate({ cn: 'x', notBefore: at(-1), notAfter: at(1) });
    const judge = (days: number) => {
      const verdict = verifyPeer({
        chain: [own.certificate],
        trusted: [own.certificate],
        serverName: null,
        nowMs: Date.now() + days * DAY_MS,
        usage: 'client',
      });
      return verdict.ok ? 'accepted' : verdict.why;
    };
    expect([judge(-2), judge(0), judge(2)]).toEqual(['certificate-not-yet-valid', 'accepted', 'certificate-expired']);
  });

  test('usage, addresses, bundles and rubbish', async () => {
    const root = await generateCertificate({ cn: 'root', authority: true });
    const leaf = await generateCertificate({ cn: 'x', san: ['127.0.1.1'], issuer: root, usages: ['client'] });
    const question = {
      chain: [leaf.certificate],
      trusted: [root.certificate],
      serverName: '127.0.1.1',
      nowMs: Date.now(),
    };
    expect(verifyPeer({ ...question, usage: 'client' })).toEqual({ ok: true });
    expect(verifyPeer({ ...question, usage: 'server' })).toMatchObject({ why: 'certificate-untrusted' });
    expect(verifyPeer({ ...question, serverName: '127.0.1.2', usage: 'client' })).toMatchObject({
      why: 'certificate-name-mismatch',
    });
    const bundle = `${leaf.certificate}some text\n${root.certificate}`;
    expect(splitPem(bundle).length).toBe(2);
    expect(verifyPeer({ ...question, chain: [bundle], trusted: [bundle], usage: 'client' })).toEqual({ ok: true });
    const rubbish = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    for (const chain of [[], [''], [rubbish], [rubbish, root.certificate]]) {
      expect(verifyPeer({ ...question, chain, usage: 'client' })).toMatchObject({ why: 'certificate-untrusted' });
    }
    expect(verifyPeer({ ...question, trusted: [rubbish, root.certificate], usage: 'client' })).toEqual({ ok: true });
  });
});
