import { describe, expect, it } from 'vitest';
import { Actions } from '../../../src/cluster/control/actions.ts';
import { SeededRandom } from '../../../src/world/random.ts';
import type { Clock } from '../../../src/world/world.ts';

const clock = { now: () => 1_000 } as Clock;
const actions = (): Actions => new Actions(clock, new SeededRandom('actions'));

describe('actions', () => {
  it('go from pending over active to completed, and never back', () => {
    const all = actions();
    const { uid } = all.begin('SMUpdateBDB', 1);
    expect(all.running(1)).toMatchObject({ uid, status: 'pending', progress: 0 });
    all.step(1, 'start-shard', 1, 4);
    expect(all.byUid(uid)).toMatchObject({ status: 'active', progress: 25, state: 'start-shard' });
    all.step(1, 'open-endpoint', 0, 4);
    expect(all.byUid(uid)?.progress).toBe(25);
    all.note({ kind: 'database-ready', uid: 1 }, 1);
    expect(all.byUid(uid)).toMatchObject({ status: 'completed', progress: 100 });
    expect(all.running(1)).toBeUndefined();
    expect(() => all.move(uid, { status: 'active' })).toThrow(/completed to active/);
  });

  it('fail with what hinders the database, and are of that database alone', () => {
    const all = actions();
    const one = all.begin('SMCreateBDB', 1);
    const two = all.begin('SMCreateBDB', 2);
    all.note({ kind: 'database-troubled', uid: 1, trouble: 'the port is in use' }, 1);
    expect(all.byUid(one.uid)).toMatchObject({ status: 'failed', error: 'the port is in use' });
    expect(all.byUid(two.uid)?.status).toBe('pending');
  });

  it('are kept up to a thousand, those that run always', () => {
    const all = actions();
    const running = all.begin('SMUpdateBDB', 1);
    for (let index = 0; index < 1_500; index++) {
      const { uid } = all.begin('SMUpdateBDB', 2);
      all.move(uid, { status: 'completed' });
    }
    expect(all.all.length).toBeLessThanOrEqual(1_000);
    expect(all.byUid(running.uid)?.status).toBe('pending');
  });

  it('have uids of their own, UUIDs of the fourth kind', () => {
    const all = actions();
    const uids = Array.from({ length: 100 }, () => all.begin('SMUpdateBDB', 1).uid);
    expect(new Set(uids).size).toBe(100);
    for (const uid of uids)
      expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
