import { describe, expect, it } from 'vitest';
import { localConnection } from '../../../src/cluster/control/local-connection.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import type { Connection } from '../../../src/world/world.ts';

const here = { host: '127.0.0.1', port: 1 };
const there = { host: '127.0.0.1', port: 2 };

/** What an end hears, as one list. */
const hearing = (connection: Connection): string[] => {
  const heard: string[] = [];
  connection.handle({
    data: (chunk) => void heard.push(chunk.latin1Slice()),
    closed: (reason) => void heard.push(`closed: ${reason}`),
  });
  return heard;
};

const told = (story: (ends: readonly [Connection, Connection], turns: () => Promise<void>) => Promise<void>) => {
  const world = new SimWorld({ seed: 1 });
  const turns = (): Promise<void> => new Promise((resolve) => void world.clock.after(1, resolve));
  return world.run(() => story(localConnection(world.clock, here, there), turns));
};

describe('a connection inside the process', () => {
  it('carries bytes both ways, never inside write', () =>
    told(async ([near, far], turns) => {
      const [atNear, atFar] = [hearing(near), hearing(far)];
      expect(near.write('ask')).toBe(true);
      far.write(Buffer.from('answer'));
      expect([atNear, atFar]).toEqual([[], []]);
      await turns();
      expect([atNear, atFar]).toEqual([['answer'], ['ask']]);
      expect([near.local, near.remote]).toEqual([here, there]);
    }));

  it('keeps what comes before there is a handler, and while it is paused', () =>
    told(async ([near, far], turns) => {
      near.write('early');
      await turns();
      const heard = hearing(far);
      await turns();
      far.pause();
      near.write('late');
      near.end();
      await turns();
      expect(heard).toEqual(['early']);
      far.resume();
      await turns();
      expect(heard).toEqual(['early', 'late', 'closed: ended']);
    }));

  it('ends once on both sides when one is destroyed, and takes nothing afterwards', () =>
    told(async ([near, far], turns) => {
      const [atNear, atFar] = [hearing(near), hearing(far)];
      near.destroy();
      near.destroy();
      await turns();
      near.write('x');
      far.write('y');
      await turns();
      expect([atNear, atFar]).toEqual([['closed: local'], ['closed: reset']]);
    }));
});
