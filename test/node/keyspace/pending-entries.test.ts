import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PendingEntries } from '../../../src/node/keyspace/pending-entries.ts';
import { ConsumerGroup } from '../../../src/node/keyspace/stream-groups.ts';

const ID = fc.integer({ min: 0, max: 600 });

it('pending entries stay in the order of their ids, whatever is added and removed', () => {
  const consumer = new ConsumerGroup('g', 0n, 0n, () => undefined).addConsumer('c', 0);
  const step = fc.record({ isAdd: fc.boolean(), ids: fc.array(ID, { maxLength: 200 }), from: ID });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const list = new PendingEntries();
      const model = new Set<number>();
      for (const { isAdd, ids, from } of steps) {
        for (const id of ids) {
          expect(list.get(BigInt(id)) !== undefined).toBe(model.has(id));
          if (!isAdd) expect(list.delete(BigInt(id))).toBe(model.delete(id));
          else if (!model.has(id)) {
            model.add(id);
            list.add({ id: BigInt(id), consumer, deliveredAtMs: 0, deliveries: 1n });
          }
        }
        const sorted = [...model].sort((a, b) => a - b);
        expect(Array.from(list, ({ id }) => Number(id))).toEqual(sorted);
        expect(Array.from(list.from(BigInt(from)), ({ id }) => Number(id))).toEqual(sorted.filter((id) => id >= from));
        expect([list.size, list.first?.id, list.last?.id].map(Number)).toEqual(
          [sorted.length, sorted[0], sorted.at(-1)].map(Number),
        );
      }
    }),
  );
});
