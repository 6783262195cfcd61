/** The world contract's chapter on TLS: who is accepted, who is refused, and in which words. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Address, ClientTls, ServerTls } from '../../src/world/world.ts';
import { generateCertificate } from './certificates.ts';
import type { TestCertificate } from './certificates.ts';
import { ContractKit, EAST, IMPATIENT_MS, MEBIBYTE, variedBytes, WEST } from './world-contract-kit.ts';
import type { End, MakeWorld } from './world-contract-kit.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const offer = (own: TestCertificate, change: Partial<ServerTls> = {}): ServerTls => ({
  certificate: own.certificate,
  key: own.key,
  mode: 'required',
  clientCertificates: null,
  minVersion: 'TLSv1.2',
  ...change,
});

const pin = (own: TestCertificate, change: Partial<ClientTls> = {}): ClientTls => ({
  trusted: [own.certificate],
  serverName: 'db.east.local',
  ...change,
});

export const tlsContract = (makeWorld: MakeWorld): void => {
  const kit = new ContractKit(makeWorld);

  const serve = async (tls: ServerTls | null): Promise<{ address: Address; accepted: End[] }> => {
    const accepted: End[] = [];
    const listener = await kit.listen({ host: EAST, port: 0 }, { tls: () => tls }, (connection) => {
      const end = kit.keep(connection);
      accepted.push(end);
      end.heard.onData = (text) => connection.write(`echo ${text}`);
    });
    return { address: listener.address, accepted };
  };

  const expectEcho = async (near: End): Promise<void> => {
    near.connection.write('hello');
    await kit.until(() => near.heard.text === 'echo hello', 'the echo');
  };

  describe('TLS', () => {
    let server: TestCertificate;
    let stranger: TestCertificate;
    let client: TestCertificate;
    let expired: TestCertificate;
    let future: TestCertificate;

    beforeAll(async () => {
      // Certificates are made for the world's own time, which the simulated world begins elsewhere.
      const probe = await makeWorld();
      const nowMs = probe.world.clock.now();
      await probe[Symbol.asyncDispose]();
      const days = (from: number, to: number): { notBefore: Date; notAfter: Date } => ({
        notBefore: new Date(nowMs + from * DAY_MS),
        notAfter: new Date(nowMs + to * DAY_MS),
      });
      server = await generateCertificate({ cn: 'db.east.local', san: ['db.east.local'], ...days(-1, 1) });
      stranger = await generateCertificate({ cn: 'stranger', san: ['db.east.local'], ...days(-1, 1) });
      client = await generateCertificate({ cn: 'syncer', ...days(-1, 1) });
      expired = await generateCertificate({ cn: 'old', san: ['db.east.local'], ...days(-3, -2) });
      future = await generateCertificate({ cn: 'new', san: ['db.east.local'], ...days(2, 3) });
    });

    test('a pinned certificate is accepted and both ends know the facts', async () => {
      const { address, accepted } = await serve(offer(server));
      const near = await kit.dialled(WEST, address, pin(server));
      await expectEcho(near);
      expect(near.connection.tls?.version).toBe('TLSv1.3');
      expect(near.connection.tls?.peerCertificate?.trim()).toBe(server.certificate.trim());
      expect(accepted[0]?.connection.tls).toMatchObject({ peerCertificate: null, serverName: 'db.east.local' });
    });

    test('a mebibyte passes through TLS and back', async () => {
      const { address, accepted } = await serve(offer(server));
      const near = await kit.dialled(WEST, address, pin(server));
      await kit.until(() => accepted.length === 1, 'accepted');
      const far = accepted[0]!;
      far.heard.onData = (text) => far.connection.write(text);
      const sent = variedBytes(MEBIBYTE);
      near.connection.write(sent);
      let length = 0;
      near.heard.onData = (text) => (length += text.length);
      await kit.until(() => length === sent.length, 'everything is back');
      expect(near.heard.text === sent).toBe(true);
      near.connection.destroy();
      await kit.until(() => far.heard.reasons.length === 1, 'the reset arrives');
      expect(far.heard.reasons).toEqual(['reset']);
    });

    test('an orderly end through TLS delivers everything', async () => {
      const { address, accepted } = await serve(offer(server));
      const near = await kit.dialled(WEST, address, pin(server));
      await kit.until(() => accepted.length === 1, 'accepted');
      near.connection.write('last words');
      near.connection.end();
      await kit.until(() => near.heard.reasons.length === 1, 'closed');
      expect(near.heard.text).toBe('echo last words');
      expect(accepted[0]?.heard.reasons).toEqual(['ended']);
      expect(near.heard.reasons).toEqual(['local']);
    });

    test('a paused end hears nothing through TLS, not even the end, and can still speak', async () => {
      const { address, accepted } = await serve(offer(server));
      const near = await kit.dialled(WEST, address, pin(server));
      await kit.until(() => accepted.length === 1, 'accepted');
      const far = accepted[0]!;
      far.connection.pause();
      near.connection.end();
      await expectEcho(await kit.dialled(WEST, address, pin(server)));
      expect(far.heard.reasons).toEqual([]);
      far.connection.write('still open');
      far.connection.resume();
      await kit.until(() => near.heard.reasons.length > 0 && far.heard.reasons.length > 0, 'closed');
      expect([near.heard.text, near.heard.reasons, far.heard.reasons]).toEqual(['still open', ['local'], ['ended']]);
    });

    test('a wrong pin is untrusted, without a name the pin alone decides', async () => {
      const { address } = await serve(offer(server));
      expect(await kit.dial(WEST, address, pin(stranger))).toMatchObject({ ok: false, why: 'certificate-untrusted' });
      const near = await kit.dialled(WEST, address, pin(server, { serverName: null }));
      expect(near.connection.tls).not.toBeNull();
    });

    test('a certificate that has expired, is not valid yet or bears another name is named as such', async () => {
      const old = await serve(offer(expired));
      expect(await kit.dial(WEST, old.address, pin(expired))).toMatchObject({ ok: false, why: 'certificate-expired' });
      const young = await serve(offer(future));
      expect(await kit.dial(WEST, young.address, pin(future))).toMatchObject({
        ok: false,
        why: 'certificate-not-yet-valid',
      });
      const named = await serve(offer(server));
      expect(await kit.dial(WEST, named.address, pin(server, { serverName: 'db.west.local' }))).toMatchObject({
        ok: false,
        why: 'certificate-name-mismatch',
      });
    });

    test('a certificate is taken afresh for each connection', async () => {
      let current = offer(server);
      const listener = await kit.listen({ host: EAST, port: 0 }, { tls: () => current }, kit.keep);
      const before = await kit.dialled(WEST, listener.address, pin(server));
      current = offer(stranger);
      expect(await kit.dial(WEST, listener.address, pin(server))).toMatchObject({
        ok: false,
        why: 'certificate-untrusted',
      });
      await kit.dialled(WEST, listener.address, pin(stranger));
      expect(before.heard.reasons).toEqual([]);
    });

    test('one port serves plain and TLS clients when TLS is optional', async () => {
      const { address, accepted } = await serve(offer(server, { mode: 'optional' }));
      await expectEcho(await kit.dialled(WEST, address, pin(server)));
      await expectEcho(await kit.dialled(WEST, address));
      expect(accepted.map((end) => end.connection.tls?.version ?? null)).toEqual(['TLSv1.3', null]);
    });

    test('a plain client of a TLS port is hung up on and never accepted', async () => {
      const { address, accepted } = await serve(offer(server));
      const near = await kit.dialled(WEST, address);
      near.connection.write('PING\r\n');
      await kit.until(() => near.heard.reasons.length === 1, 'closed');
      expect(accepted).toEqual([]);
    });

    test('a plain port that answers or hangs up does not offer TLS', async () => {
      const { address } = await serve(null);
      expect(await kit.dial(WEST, address, pin(server))).toMatchObject({ ok: false, why: 'tls-not-offered' });
      const closing = await kit.listen({ host: EAST, port: 0 }, {}, (connection) => {
        const end = kit.keep(connection);
        end.heard.onData = () => connection.end();
      });
      expect(await kit.dial(WEST, closing.address, pin(server))).toMatchObject({ ok: false, why: 'tls-not-offered' });
    });

    test('a port that says nothing to a TLS hello times out', async () => {
      const mute = await kit.listen({ host: EAST, port: 0 }, {}, kit.keep);
      const outcome = await kit.dial(WEST, mute.address, pin(server), IMPATIENT_MS);
      expect(outcome).toMatchObject({ ok: false, why: 'timeout' });
    });

    test('a demanded client certificate must be there and be known', async () => {
      const { address, accepted } = await serve(offer(server, { clientCertificates: [client.certificate] }));
      const shown = { certificate: client.certificate, key: client.key };
      const near = await kit.dialled(WEST, address, pin(server, shown));
      await expectEcho(near);
      expect(accepted[0]?.connection.tls?.peerCertificate?.trim()).toBe(client.certificate.trim());
      expect(await kit.dial(WEST, address, pin(server))).toMatchObject({
        ok: false,
        why: 'client-certificate-refused',
      });
      const wrong = { certificate: stranger.certificate, key: stranger.key };
      expect(await kit.dial(WEST, address, pin(server, wrong))).toMatchObject({
        ok: false,
        why: 'client-certificate-refused',
      });
      expect(accepted.length).toBe(1);
    });
  });
};
