import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { SeededRandom } from '../../../src/world/random.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';
import { equalData, replicateInto } from '../../support/replica-of.ts';

const CUTS = 50;
const WRITES_PER_SECOND = 5_000;

describeReal('Replica Of under load', () => {
  it(
    `${CUTS} cuts at random moments under ${WRITES_PER_SECOND} writes a second: equal at the end, one full sync`,
    { timeout: 120_000 },
    async () => {
      await using from = await startRealRedis({
        args: ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb'],
      });
      await using to = await startRealRedis();
      const world = new SystemWorld({ seed: 5 });
      const random = new SeededRandom('cuts under load');
      const engine = replicateInto(world, [from.url], to.url);
      engine.start();
      await eventually(() => engine.inSync, { withinMs: 10_000, what: 'in sync' });

      const client = from.client();
      const writing = new AbortController();
      let written = 0;
      const writer = (async () => {
        const startedAt = performance.now();
        while (!writing.signal.aborted) {
          const pipeline = client.pipeline();
          const due = Math.floor(((performance.now() - startedAt) / 1000) * WRITES_PER_SECOND) - written;
          for (let i = 0; i < due; i++) {
            const n = random.integer(0, 20);
            if (i % 3 === 0) pipeline.incr(`counter:${n}`);
            else if (i % 3 === 1) pipeline.rpush(`list:${n}`, String(written + i));
            else {
              pipeline.call('MULTI');
              pipeline.incr(`{t${n}}a`);
              pipeline.append(`{t${n}}b`, 'x');
              pipeline.call('EXEC');
            }
          }
          await pipeline.exec();
          written += due;
          await pause(5);
        }
      })();
      let cuts = 0;
      while (cuts < CUTS) {
        // A moment of the stream, not of a reconnection: only then is there something to cut.
        await eventually(() => engine.inSync, { withinMs: 20_000, what: `in sync after ${cuts} cuts` });
        await pause(random.integer(0, 60));
        if (world.network.faults.cut('*', '*', 'reset') > 0) cuts++;
        await eventually(() => !engine.inSync, { withinMs: 5_000, what: 'the cut to be noticed' });
      }
      writing.abort();
      await writer;
      await eventually(() => engine.inSync, { withinMs: 20_000, what: 'in sync at the end' });
      await eventually(() => equalData(from, to), { withinMs: 20_000, what: 'equal data' });
      expect(written).toBeGreaterThan(WRITES_PER_SECOND);
      expect(engine.fullSyncs).toBe(1);
      expect(engine.partialSyncs).toBeGreaterThanOrEqual(CUTS);
      engine.close();
    },
  );
});
