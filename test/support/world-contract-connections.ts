/** The world contract's chapters on listening, connecting, bytes, closing, and on time and chance. */
import { describe, expect, test } from 'vitest';
import type { LinkConditions } from '../../src/world/world.ts';
import { ContractKit, EAST, MEBIBYTE, NORTH, Recorder, variedBytes, WEST } from './world-contract-kit.ts';
import type { End, MakeWorld } from './world-contract-kit.ts';

export const connectionsContract = (makeWorld: MakeWorld): void => {
  const kit = new ContractKit(makeWorld);

  describe('listening', () => {
    test('port 0 takes a free port, and the connection knows both addresses', async () => {
      const { near, far } = await kit.pair();
      expect(near.connection.remote.port).toBeGreaterThan(0);
      expect(near.connection.local.host).toBe(WEST);
      expect(near.connection.remote).toEqual(far.connection.local);
      expect(far.connection.remote).toEqual(near.connection.local);
      expect(far.connection.tls).toBeNull();
    });

    test('a port in use is refused by name, and free again after close', async () => {
      const first = await kit.listen({ host: EAST, port: 0 }, {}, kit.keep);
      const again = await kit.run(kit.network.listen(first.address, {}, kit.keep));
      expect(again).toMatchObject({ ok: false, why: 'in-use' });
      await kit.run(first.close());
      const later = await kit.listen(first.address, {}, kit.keep);
      expect(later.address).toEqual(first.address);
    });

    test('one port can be taken on two addresses', async () => {
      const east = await kit.listen({ host: EAST, port: 0 }, {}, kit.keep);
      const west = await kit.listen({ host: WEST, port: east.address.port }, {}, kit.keep);
      expect(west.address.port).toBe(east.address.port);
    });

    test('closing a listener leaves its connections alive and refuses new ones', async () => {
      const { near, far } = await kit.pair();
      await kit.run(kit.forgetListener().close());
      near.connection.write('still here');
      await kit.until(() => far.heard.text === 'still here', 'the old connection works');
      expect(await kit.dial(WEST, near.connection.remote)).toMatchObject({ ok: false, why: 'refused' });
    });
  });

  describe('connecting', () => {
    test('nobody listening is refused', async () => {
      const { address } = await kit.listen({ host: EAST, port: 0 }, {}, kit.keep);
      await kit.run(kit.forgetListener().close());
      expect(await kit.dial(WEST, address)).toMatchObject({ ok: false, why: 'refused' });
    });

    test('an unknown name is unresolved', async () => {
      const outcome = await kit.dial(WEST, { host: 'nobody.invalid', port: 1 });
      expect(outcome).toMatchObject({ ok: false, why: 'unresolved' });
    });

    test('a port that is none is unreachable', async () => {
      expect(await kit.dial(WEST, { host: EAST, port: 70_000 })).toMatchObject({ ok: false, why: 'unreachable' });
    });

    test('names come from the newest source that knows them, until it is taken away', async () => {
      const forgetOld = kit.network.addNames((asked) => (asked === 'shop.test' ? [NORTH] : undefined));
      const forgetNew = kit.network.addNames((asked) => (asked === 'shop.test' ? [EAST, WEST] : undefined));
      expect(await kit.run(kit.network.resolve('Shop.test'))).toEqual({ ok: true, addresses: [EAST, WEST] });
      forgetNew();
      expect(await kit.run(kit.network.resolve('shop.test'))).toEqual({ ok: true, addresses: [NORTH] });
      forgetOld();
      expect((await kit.run(kit.network.resolve('nobody.invalid'))).ok).toBe(false);
      expect(await kit.run(kit.network.resolve('127.9.8.7'))).toEqual({ ok: true, addresses: ['127.9.8.7'] });
    });

    test('a source may say that a name has no address', async () => {
      kit.network.addNames((asked) => (asked === 'gone.test' ? [] : undefined));
      expect((await kit.run(kit.network.resolve('gone.test'))).ok).toBe(false);
    });

    test('a name with several addresses is tried in order', async () => {
      const listener = await kit.listen({ host: EAST, port: 0 }, {}, kit.keep);
      kit.network.addNames((asked) => (asked === 'shop.test' ? [NORTH, EAST] : undefined));
      const near = await kit.dialled(WEST, { host: 'shop.test', port: listener.address.port });
      expect(near.connection.remote).toEqual(listener.address);
    });

    test('an address that is silent leaves time for the next', async () => {
      const listener = await kit.listen({ host: EAST, port: 0 }, {}, kit.keep);
      kit.network.addNames((asked) => (asked === 'shop.test' ? [NORTH, EAST] : undefined));
      kit.network.faults.partition([WEST], [NORTH], 'both-ways');
      const outcome = await kit.dial(WEST, { host: 'shop.test', port: listener.address.port }, null, 1_200);
      if (!outcome.ok) throw new Error(outcome.detail);
      expect(kit.keep(outcome.connection).connection.remote).toEqual(listener.address);
    });

    test('a source knows who asks, and may say why the name is not for them', async () => {
      kit.network.addNames((_, from) => (from === WEST ? { unresolved: `${from} hears no multicast` } : undefined));
      kit.network.addNames((asked) => (asked === 'shop.test' ? [EAST] : undefined));
      const asked = (from: string) => kit.run(kit.network.from(from).resolve('shop.test'));
      expect(await asked(NORTH)).toEqual({ ok: true, addresses: [EAST] });
      expect(await asked(WEST)).toEqual({ ok: false, detail: `${WEST} hears no multicast` });
      expect(await kit.dial(WEST, { host: 'shop.test', port: 1 })).toMatchObject({
        ok: false,
        why: 'unresolved',
        detail: `${WEST} hears no multicast`,
      });
    });
  });

  describe('bytes', () => {
    const chunkings: readonly LinkConditions['chunking'][] = ['whole', 'random', 'bytes'];
    for (const chunking of chunkings) {
      test(`a mebibyte of every byte value comes back in order, chunking ${chunking}`, async () => {
        kit.network.faults.conditions(WEST, EAST, { chunking });
        const { near, far } = await kit.pair();
        far.heard.onData = (text) => far.connection.write(text);
        const sent = variedBytes(MEBIBYTE);
        for (let at = 0; at < sent.length; at += 10_000) near.connection.write(sent.slice(at, at + 10_000));
        let length = 0;
        near.heard.onData = (text) => (length += text.length);
        await kit.until(() => length === sent.length, 'everything is back');
        expect(near.heard.text === sent).toBe(true);
        expect(near.connection.unsentBytes).toBe(0);
      });
    }

    test('strings and byte arrays may be mixed, and empty ones are harmless', async () => {
      const { near, far } = await kit.pair();
      near.connection.write('a\u00ff');
      near.connection.write('');
      near.connection.write(new Uint8Array(0));
      near.connection.write(new Uint8Array([0, 128, 255]).subarray(1));
      near.connection.write(Buffer.from('z'));
      await kit.until(() => far.heard.text.length === 5, 'all bytes are there');
      expect(far.heard.text).toBe('a\u00ff\u0080\u00ffz');
    });

    test('write answers false when a lot waits, and drained tells when nothing waits any more', async () => {
      const { near, far } = await kit.pair();
      far.connection.pause();
      const piece = variedBytes(256 * 1024);
      let written = 0;
      while (written < 64 * MEBIBYTE) {
        written += piece.length;
        if (!near.connection.write(piece)) break;
      }
      expect(written).toBeLessThan(64 * MEBIBYTE);
      expect(near.connection.unsentBytes).toBeGreaterThan(MEBIBYTE);
      expect(near.heard.drains).toBe(0);
      far.connection.resume();
      let length = 0;
      far.heard.onData = (text) => (length += text.length);
      await kit.until(() => near.heard.drains === 1 && length === written, 'it has drained');
      expect(near.connection.unsentBytes).toBe(0);
    });

    test('a paused end hears nothing until it resumes, and then everything', async () => {
      const { near, far } = await kit.pair();
      const witness = await kit.pair();
      far.connection.pause();
      near.connection.write('one');
      witness.near.connection.write('seen');
      await kit.until(() => witness.far.heard.text === 'seen', 'the witness has arrived');
      expect(far.heard.text).toBe('');
      near.connection.write('two');
      far.connection.resume();
      await kit.until(() => far.heard.text === 'onetwo', 'all is there');
    });

    test('an end paused in the same breath as it was given a handler or resumed hears nothing, not even the end', async () => {
      for (const again of [false, true]) {
        const accepted: End[] = [];
        const listener = await kit.listen({ host: EAST, port: 0 }, {}, (connection) => {
          accepted.push(kit.keep(connection));
          connection.pause();
          if (!again) return;
          connection.resume();
          connection.pause();
        });
        const near = await kit.dialled(WEST, listener.address);
        near.connection.write('unheard');
        await kit.until(() => accepted.length === 1, 'accepted');
        await kit.witness();
        near.connection.end();
        await kit.witness();
        const far = accepted[0]!;
        expect([far.heard.text, far.heard.reasons]).toEqual(['', []]);
        far.connection.write('still open');
        far.connection.resume();
        await kit.until(() => near.heard.reasons.length > 0 && far.heard.reasons.length > 0, 'closed');
        expect([far.heard.text, far.heard.reasons]).toEqual(['unheard', ['ended']]);
        expect([near.heard.text, near.heard.reasons]).toEqual(['still open', ['local']]);
      }
    });

    test('pausing from inside data stops the next chunk', async () => {
      kit.network.faults.conditions(WEST, EAST, { chunking: 'bytes' });
      const { near, far } = await kit.pair();
      far.heard.onData = () => far.connection.pause();
      const sent = variedBytes(300_000);
      near.connection.write(sent);
      let turns = 0;
      const turn = (): void => {
        turns++;
        far.connection.resume();
      };
      for (let round = 0; far.heard.chunks.length < 3; round++) {
        const before = far.heard.chunks.length;
        await kit.until(() => far.heard.chunks.length > before, 'one chunk');
        expect(far.heard.chunks.length).toBe(before + 1);
        turn();
      }
      expect(turns).toBeGreaterThanOrEqual(3);
    });

    test('data that comes before there is a handler waits for it', async () => {
      const listener = await kit.listen({ host: EAST, port: 0 }, {}, (connection) => {
        kit.keep(connection);
        connection.write('welcome');
      });
      const outcome = await kit.dial(WEST, listener.address);
      if (!outcome.ok) throw new Error(outcome.detail);
      await kit.witness();
      const end = kit.keep(outcome.connection);
      await kit.until(() => end.heard.text === 'welcome', 'the greeting');
    });

    test('a handler may hand the connection on in the middle of a chunk, and no byte is lost', async () => {
      const { near, far } = await kit.pair();
      const second = new Recorder();
      far.heard.onData = () => far.connection.handle(second);
      const sent = variedBytes(400_000);
      near.connection.write(sent);
      near.connection.end();
      await kit.until(() => second.reasons.length === 1, 'the end is told');
      expect(far.heard.chunks.length).toBe(1);
      expect(far.heard.text + second.text === sent).toBe(true);
      expect(far.heard.reasons).toEqual([]);
    });
  });

  describe('closing', () => {
    test('who wants to answer after the far side has ended may, and then ends', async () => {
      const { near, far } = await kit.pair();
      let ends = 0;
      const heard: string[] = [];
      far.connection.handle({
        data: (chunk) => void heard.push(chunk.toString('latin1')),
        ended: () => ends++,
        closed: (reason) => void heard.push(reason),
      });
      near.connection.write('last words');
      near.connection.end();
      await kit.until(() => ends === 1, 'the end is told');
      expect(heard.join('')).toBe('last words');
      const answer = variedBytes(MEBIBYTE);
      far.connection.write(answer);
      await kit.until(() => near.heard.text === answer, 'the answer arrives');
      expect(near.heard.reasons).toEqual([]);
      far.connection.end();
      await kit.until(() => heard.length > 1 && near.heard.reasons.length === 1, 'both are closed');
      expect([ends, heard.length, near.heard.reasons]).toEqual([1, 2, ['local']]);
    });

    test('who wants to answer after the far side has ended hears of a reset as well', async () => {
      const { near, far } = await kit.pair();
      const heard: string[] = [];
      far.connection.handle({
        data: () => undefined,
        ended: () => void heard.push('end'),
        closed: (reason) => void heard.push(reason),
      });
      near.connection.end();
      await kit.until(() => heard.length === 1, 'the end is told');
      kit.network.faults.cut(WEST, EAST, 'reset');
      await kit.until(() => heard.length === 2, 'the reset is told');
      expect(heard).toEqual(['end', 'reset']);
    });

    test('end comes after everything written; the far side hears ended, the near side local, once each', async () => {
      const { near, far } = await kit.pair();
      const sent = variedBytes(3 * MEBIBYTE);
      near.connection.write(sent);
      near.connection.end();
      expect(near.heard.reasons).toEqual([]);
      await kit.until(() => near.heard.reasons.length > 0 && far.heard.reasons.length > 0, 'both are closed');
      expect(far.heard.text === sent).toBe(true);
      expect(far.heard.reasons).toEqual(['ended']);
      expect(near.heard.reasons).toEqual(['local']);
    });

    test('what the far side still says after our end is heard', async () => {
      const { near, far } = await kit.pair();
      far.heard.onData = (text) => far.connection.write(`reply to ${text}`);
      near.connection.write('QUIT');
      near.connection.end();
      await kit.until(() => near.heard.reasons.length > 0, 'closed');
      expect(near.heard.text).toBe('reply to QUIT');
    });

    test('destroy is a reset for the far side', async () => {
      const { near, far } = await kit.pair();
      near.connection.destroy();
      expect(near.heard.reasons).toEqual([]);
      await kit.until(() => near.heard.reasons.length > 0 && far.heard.reasons.length > 0, 'both are closed');
      expect(near.heard.reasons).toEqual(['local']);
      expect(far.heard.reasons).toEqual(['reset']);
    });

    test('a closed connection swallows writes, ends and destroys, and tells nothing more', async () => {
      const { near, far } = await kit.pair();
      near.connection.end();
      near.connection.end();
      await kit.until(() => near.heard.reasons.length > 0 && far.heard.reasons.length > 0, 'both are closed');
      for (const end of [near, far]) {
        expect(end.connection.write('nobody hears this')).toBe(true);
        end.connection.end();
        end.connection.pause();
        end.connection.resume();
        end.connection.destroy();
        end.connection.destroy();
      }
      await kit.witness();
      expect([near.heard.reasons, far.heard.reasons]).toEqual([['local'], ['ended']]);
      expect([near.heard.text, far.heard.text]).toEqual(['', '']);
    });

    test('destroying inside data ends the deliveries', async () => {
      kit.network.faults.conditions(WEST, EAST, { chunking: 'bytes' });
      const { near, far } = await kit.pair();
      far.heard.onData = () => far.connection.destroy();
      near.connection.write(variedBytes(300_000));
      await kit.until(() => near.heard.reasons.length > 0 && far.heard.reasons.length > 0, 'both are closed');
      expect(far.heard.chunks.length).toBe(1);
      expect(far.heard.reasons).toEqual(['local']);
    });

    test('a connection closed before it has a handler tells the one it gets', async () => {
      const listener = await kit.listen({ host: EAST, port: 0 }, {}, (connection) => {
        kit.keep(connection);
        connection.end();
      });
      const outcome = await kit.dial(WEST, listener.address);
      if (!outcome.ok) throw new Error(outcome.detail);
      await kit.witness();
      const end = kit.keep(outcome.connection);
      expect(end.heard.reasons).toEqual([]);
      await kit.until(() => end.heard.reasons.length === 1, 'it is told');
      expect(end.heard.reasons).toEqual(['ended']);
    });
  });

  describe('time and chance', () => {
    test('timers fire in order of time, each once, and not when cancelled', async () => {
      const fired: string[] = [];
      const start = kit.world.clock.now();
      kit.world.clock.after(30, () => fired.push('late'));
      kit.world.clock.after(1, () => fired.push('early'));
      const never = kit.world.clock.after(10, () => fired.push('never'));
      never.cancel();
      never.cancel();
      await kit.until(() => fired.includes('late'), 'the late one');
      expect(fired).toEqual(['early', 'late']);
      expect(kit.world.clock.now()).toBeGreaterThanOrEqual(start + 29);
      expect(Number.isInteger(kit.world.clock.now())).toBe(true);
    });

    test('a delay beyond 31 bits does not fire at once', async () => {
      let fired = false;
      const timer = kit.world.clock.after(2 ** 31 + 1000, () => (fired = true));
      let later = false;
      kit.world.clock.after(20, () => (later = true));
      await kit.until(() => later, 'a short timer');
      expect(fired).toBe(false);
      timer.cancel();
    });

    test('soon comes later than the caller, can be cancelled, and lets the network speak', async () => {
      const { near, far } = await kit.pair();
      const order: string[] = [];
      let slices = 0;
      const slice = (): void => {
        slices++;
        if (far.heard.text === '' && slices < 100_000) kit.world.clock.soon(slice);
      };
      kit.world.clock.soon(() => order.push('never')).cancel();
      kit.world.clock.soon(() => order.push('soon'));
      order.push('now');
      near.connection.write('network');
      kit.world.clock.soon(slice);
      await kit.until(() => far.heard.text === 'network' && order.length === 2, 'both');
      expect(order).toEqual(['now', 'soon']);
      expect(slices).toBeLessThan(100_000);
    });

    test('forks are independent of each other and of draws before', () => {
      const first = kit.world.random.fork('one').bytes(16).toString('hex');
      kit.world.random.unit();
      expect(kit.world.random.fork('one').bytes(16).toString('hex')).toBe(first);
      expect(kit.world.random.fork('two').bytes(16).toString('hex')).not.toBe(first);
    });
  });
};
