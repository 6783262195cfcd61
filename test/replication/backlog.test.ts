import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backlog } from '../../src/replication/backlog.ts';

describe('a backlog', () => {
  it('gives back the latest bytes of any history, whatever was appended and however it was resized', () => {
    const append = fc.record({ text: fc.string({ unit: 'binary-ascii', maxLength: 40 }), asBytes: fc.boolean() });
    const resize = fc.record({ size: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.nat(1000),
        fc.array(fc.oneof(append, resize)),
        (size, start, steps) => {
          const backlog = new Backlog(size, start);
          let all = '';
          let held = 0;
          for (const step of steps) {
            if ('size' in step) {
              backlog.resize(step.size);
              held = Math.min(held, step.size);
            } else {
              backlog.append(step.asBytes ? Buffer.from(step.text, 'latin1') : step.text);
              all += step.text;
              held = Math.min(backlog.sizeBytes, held + step.text.length);
            }
            expect(backlog.endOffset).toBe(start + all.length);
            expect(backlog.heldBytes).toBe(held);
            expect(backlog.firstOffset).toBe(start + all.length - held + 1);
            for (let count = 0; count <= held; count++) {
              const next = start + all.length - count + 1;
              expect(backlog.covers(next)).toBe(true);
              expect(backlog.from(next).toString('latin1')).toBe(all.slice(all.length - count));
            }
            expect(backlog.covers(backlog.firstOffset - 1)).toBe(false);
            expect(backlog.covers(backlog.endOffset + 2)).toBe(false);
          }
        },
      ),
    );
  });

  it('covers the byte to come even when it holds nothing', () => {
    const backlog = new Backlog(16, 100);
    expect(backlog.covers(101)).toBe(true);
    expect(backlog.covers(100)).toBe(false);
    expect(backlog.from(101)).toHaveLength(0);
  });
});
