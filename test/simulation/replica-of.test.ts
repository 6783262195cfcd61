import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestDecoder } from '../../src/resp/request-decoder.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import type { Connection, Network } from '../../src/world/world.ts';
import { live, type Ending, type Story } from './deployment.ts';
import { storyOf } from './stories.ts';

const SCALE = Number(process.env['ANTIPODE_RUNS'] ?? 1);
const SEED = Number(process.env['ANTIPODE_SEED'] ?? 20261122);

const holds = (story: Story): Promise<Ending> => live(story);

describe(`Replica Of in the simulated world (seed ${SEED}, ANTIPODE_SEED changes it)`, () => {
  it.each([
    [1, 120],
    [3, 60],
  ])('with %i source(s), any writes, cuts, partitions and restarts of the syncer converge', { timeout: 240_000 }, async (sources, runs) => {
    await fc.assert(
      fc.asyncProperty(storyOf(sources), async (story) => {
        const ending = await holds(story);
        expect(ending.difference).toBeNull();
      }),
      { seed: SEED, numRuns: runs * SCALE, endOnFailure: process.env['ANTIPODE_SHRINK'] === undefined },
    );
  });

  it('one seed replays the same events, byte for byte, and another does not', async () => {
    const [story, other] = fc.sample(storyOf(3), { seed: SEED, numRuns: 2 });
    const hashes = [await live(story!), await live(story!), await live(other!)].map((ending) => ending.hash);
    process.stderr.write(`event log of seed ${SEED}: ${hashes[0]}\n`);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it('catches a planted bug, a write dropped now and then, and shrinks it', { timeout: 120_000 }, async () => {
    const details = await fc.check(
      fc.asyncProperty(storyOf(1), async (story) => {
        const { difference } = await live(story, { network: (network) => dropping(network, 20) });
        return difference === null;
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(details.failed).toBe(true);
    const [story] = details.counterexample!;
    expect((await live(story)).difference, 'without the bug the same story converges').toBeNull();
    const writes = story.steps.filter((step) => step.do === 'write').length;
    expect(writes, 'the smallest story that shows it has few writes').toBeLessThanOrEqual(12);
  });
});

const DATA_WRITES = new Set(['SET', 'INCR', 'INCRBY', 'APPEND', 'RPUSH', 'LPUSH', 'SADD', 'HINCRBY', 'ZINCRBY', 'DEL', 'MSET', 'RENAME']);

/** A network that replaces every n-th write on its way to the destination by one that does nothing. */
function dropping(network: Network, every: number): Network {
  let count = 0;
  return new Proxy(network, {
    get(target, property, receiver) {
      if (property !== 'connect') return Reflect.get(target, property, receiver) as unknown;
      const connect: Network['connect'] = async (to, connectOptions) => {
        const outcome = await target.connect(to, connectOptions);
        if (!outcome.ok || !to.host.startsWith('127.0.2.')) return outcome;
        const { connection } = outcome;
        const write: Connection['write'] = (bytes) => {
          const decoder = new RequestDecoder();
          decoder.push(Buffer.from(bytes as string, 'latin1'));
          let out = '';
          for (let words = decoder.next(); words !== null; words = decoder.next()) {
            out += DATA_WRITES.has(words[0]!) && ++count % every === 0 ? encodeRequest(['EXISTS', 'k']) : encodeRequest(words);
          }
          return connection.write(out);
        };
        return { ok: true, connection: new Proxy(connection, { get: (each, name) => (name === 'write' ? write : bound(each, name)) }) };
      };
      return connect;
    },
  });
}

function bound(target: object, property: string | symbol): unknown {
  const value = Reflect.get(target, property, target) as unknown;
  return typeof value === 'function' ? (value.bind(target) as unknown) : value;
}
