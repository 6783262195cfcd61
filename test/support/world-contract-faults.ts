/** The world contract's chapters on faults and datagrams. */
import { describe, expect, test } from 'vitest';
import type { Address } from '../../src/world/world.ts';
import { ContractKit, EAST, IMPATIENT_MS, NORTH, WEST } from './world-contract-kit.ts';
import type { MakeWorld } from './world-contract-kit.ts';

export const faultsContract = (makeWorld: MakeWorld): void => {
  const kit = new ContractKit(makeWorld);

  describe('faults', () => {
    test('a partition both ways holds bytes and new connections, and heal lets them go on', async () => {
      const { near, far } = await kit.pair();
      const witness = await kit.pair(NORTH, EAST);
      kit.network.faults.partition([WEST], [EAST], 'both-ways');
      near.connection.write('held');
      far.connection.write('back');
      expect(near.connection.unsentBytes).toBe(4);
      witness.near.connection.write('seen');
      await kit.until(() => witness.far.heard.text === 'seen', 'the witness has arrived');
      expect(await kit.dial(WEST, near.connection.remote, null, IMPATIENT_MS)).toMatchObject({
        ok: false,
        why: 'timeout',
      });
      expect([near.heard.text, far.heard.text]).toEqual(['', '']);
      expect([near.heard.reasons, far.heard.reasons]).toEqual([[], []]);
      kit.network.faults.heal();
      near.connection.write(' and more');
      await kit.until(() => far.heard.text === 'held and more' && near.heard.text === 'back', 'all has arrived');
      expect((await kit.dialled(WEST, near.connection.remote)).connection.remote).toEqual(near.connection.remote);
    });

    test('a partition one way lets the other way through, but opens no connection', async () => {
      const { near, far } = await kit.pair();
      kit.network.faults.partition(['127.0.2.'], ['127.0.1.'], 'one-way');
      near.connection.write('held');
      far.connection.write('through');
      await kit.until(() => near.heard.text === 'through', 'the open way');
      expect(far.heard.text).toBe('');
      expect(await kit.dial(WEST, near.connection.remote, null, IMPATIENT_MS)).toMatchObject({
        ok: false,
        why: 'timeout',
      });
      kit.network.faults.heal();
      await kit.until(() => far.heard.text === 'held', 'the other way');
    });

    test('a connection asked for during a partition opens when it heals in time', async () => {
      const listener = await kit.listen({ host: EAST, port: 0 }, {}, kit.keep);
      kit.network.faults.partition([WEST], [EAST], 'both-ways');
      kit.world.clock.after(40, () => kit.network.faults.heal());
      await kit.dialled(WEST, listener.address);
      expect(kit.ends.length).toBe(2);
    });

    test('an end behind a partition is told only after it heals', async () => {
      const { near, far } = await kit.pair();
      const witness = await kit.pair(NORTH, EAST);
      kit.network.faults.partition([WEST], [EAST], 'both-ways');
      near.connection.write('last words');
      near.connection.end();
      witness.near.connection.write('seen');
      await kit.until(() => witness.far.heard.text === 'seen', 'the witness has arrived');
      expect(far.heard.reasons).toEqual([]);
      kit.network.faults.heal();
      await kit.until(() => far.heard.reasons.length > 0 && near.heard.reasons.length > 0, 'closed');
      expect(far.heard.text).toBe('last words');
      expect([near.heard.reasons, far.heard.reasons]).toEqual([['local'], ['ended']]);
    });

    test('cut reset: both ends learn it, others live on', async () => {
      const cut = await kit.pair();
      const other = await kit.pair(NORTH, EAST);
      expect(kit.network.faults.cut(EAST, WEST, 'reset')).toBe(1);
      expect(cut.near.heard.reasons).toEqual([]);
      await kit.until(() => cut.near.heard.reasons.length > 0 && cut.far.heard.reasons.length > 0, 'both are told');
      expect([cut.near.heard.reasons, cut.far.heard.reasons]).toEqual([['reset'], ['reset']]);
      other.near.connection.write('alive');
      await kit.until(() => other.far.heard.text === 'alive', 'the other lives');
      expect(kit.network.faults.cut(EAST, WEST, 'reset')).toBe(0);
    });

    test('cut silent: nobody is told, bytes vanish and stay unsent, heal does not bring them back', async () => {
      const cut = await kit.pair();
      const other = await kit.pair();
      expect(kit.network.faults.cut(other.near.connection.local.host, EAST, 'silent')).toBe(2);
      cut.near.connection.write('lost');
      cut.far.connection.write('lost');
      kit.network.faults.heal();
      const witness = await kit.pair();
      witness.near.connection.write('seen');
      await kit.until(() => witness.far.heard.text === 'seen', 'the witness has arrived');
      expect([cut.near.heard.text, cut.far.heard.text]).toEqual(['', '']);
      expect(cut.near.connection.unsentBytes).toBe(4);
      cut.near.connection.destroy();
      await kit.until(() => cut.near.heard.reasons.length > 0, 'who closes is told');
      witness.near.connection.write(' again');
      await kit.until(() => witness.far.heard.text === 'seen again', 'the witness has arrived again');
      expect(cut.near.heard.reasons).toEqual(['local']);
      expect(cut.far.heard.reasons).toEqual([]);
    });

    test('latency delays both ways', async () => {
      kit.network.faults.conditions(WEST, EAST, { latencyMs: 40 });
      const { near, far } = await kit.pair();
      far.heard.onData = (text) => far.connection.write(text);
      const start = kit.world.clock.elapsed();
      near.connection.write('there and back');
      await kit.until(() => near.heard.text === 'there and back', 'the echo');
      expect(kit.world.clock.elapsed() - start).toBeGreaterThanOrEqual(78);
    });

    test('a slow path that becomes fast keeps the order', async () => {
      const { near, far } = await kit.pair();
      const sent: string[] = [];
      for (let index = 0; index < 50; index++) {
        kit.network.faults.conditions(WEST, EAST, { latencyMs: index % 2 === 0 ? 5 : 0 });
        sent.push(`${index},`);
        near.connection.write(`${index},`);
      }
      near.connection.end();
      await kit.until(() => far.heard.reasons.length > 0, 'all is there');
      expect(far.heard.text).toBe(sent.join(''));
    });

    test('faults do not concern a host and itself', async () => {
      kit.network.faults.partition(['127.0.1.'], ['127.0.1.'], 'both-ways');
      const { near, far } = await kit.pair(EAST, EAST);
      near.connection.write('inside');
      await kit.until(() => far.heard.text === 'inside', 'it passes');
    });
  });

  describe('datagrams', () => {
    test('a datagram reaches the address it is sent to, whole, with the sender', async () => {
      const heard: { text: string; from: Address }[] = [];
      const east = await kit.run(
        kit.network.datagrams({ host: EAST, port: 0 }, {}, ({ bytes, from }) => {
          heard.push({ text: bytes.toString('latin1'), from });
        }),
      );
      const west = await kit.run(kit.network.datagrams({ host: WEST, port: 0 }, {}, () => undefined));
      if (!east.ok || !west.ok) throw new Error('cannot open datagram sockets');
      west.socket.send(east.socket.address, Buffer.from('question'));
      await kit.until(() => heard.length === 1, 'the datagram');
      expect(heard).toEqual([{ text: 'question', from: west.socket.address }]);
      const again = await kit.run(kit.network.datagrams(east.socket.address, {}, () => undefined));
      expect(again).toMatchObject({ ok: false, why: 'in-use' });
      await kit.run(Promise.all([east.socket.close(), west.socket.close(), west.socket.close()]));
      west.socket.send(east.socket.address, Buffer.from('too late'));
    });

    test('a group is heard by every member on its port, but not through a partition', async () => {
      const group = '224.0.0.251';
      const heard: string[] = [];
      const join = async (host: string, port: number) => {
        const outcome = await kit.run(
          kit.network.datagrams({ host, port }, { group }, ({ bytes }) => {
            heard.push(`${host} ${bytes.toString('latin1')}`);
          }),
        );
        if (!outcome.ok) throw new Error(outcome.detail);
        return outcome.socket;
      };
      const east = await join(EAST, 0);
      const { port } = east.address;
      const west = await join(WEST, port);
      east.send({ host: group, port }, Buffer.from('anyone?'));
      await kit.until(() => heard.length === 2, 'both hear it');
      expect(heard.sort()).toEqual([`${EAST} anyone?`, `${WEST} anyone?`]);
      heard.length = 0;
      kit.network.faults.partition([EAST], [WEST], 'one-way');
      east.send({ host: group, port }, Buffer.from('lost'));
      west.send({ host: group, port }, Buffer.from('heard'));
      await kit.until(() => heard.filter((line) => line.endsWith('heard')).length === 2, 'the open way');
      expect(heard).not.toContain(`${WEST} lost`);
      await kit.run(Promise.all([east.close(), west.close()]));
    });
  });
};
