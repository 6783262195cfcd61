import { describe, expect, it } from 'vitest';
import {
  changeOutputLimits,
  DEFAULT_OUTPUT_LIMITS,
  outputLimits,
  OutputWatch,
} from '../../../src/node/shard/output-limits.ts';

describe('output buffer limits', () => {
  it('read back what Redis prints', () => {
    expect(outputLimits(DEFAULT_OUTPUT_LIMITS).pubsub).toEqual({
      hardBytes: 33_554_432,
      softBytes: 8_388_608,
      softSeconds: 60,
    });
  });

  it('change the classes that are named', () => {
    expect(changeOutputLimits('pubsub 1mb 1k 5 REPLICA 0 0 0', DEFAULT_OUTPUT_LIMITS)).toEqual({
      ok: true,
      canonical: 'normal 0 0 0 slave 0 0 0 pubsub 1048576 1000 5',
    });
    for (const raw of ['normal 1 2', 'nobody 1 2 3', 'normal x 2 3', 'normal 1 2 -3']) {
      expect(changeOutputLimits(raw, DEFAULT_OUTPUT_LIMITS).ok, raw).toBe(false);
    }
  });

  it('the hard limit acts at once, the soft one after its time without a pause', () => {
    const limit = { hardBytes: 1000, softBytes: 100, softSeconds: 10 };
    const watch = new OutputWatch();
    expect(watch.exceeds(limit, 1000, 0)).toBe(true);
    expect(watch.exceeds(limit, 200, 0)).toBe(false);
    expect(watch.exceeds(limit, 200, 10_000)).toBe(false);
    expect(watch.exceeds(limit, 200, 10_001)).toBe(true);
    expect(watch.exceeds(limit, 50, 10_002)).toBe(false);
    expect(watch.exceeds(limit, 200, 10_003)).toBe(false);
    expect(new OutputWatch().exceeds({ hardBytes: 0, softBytes: 0, softSeconds: 0 }, 1e9, 0)).toBe(false);
  });
});
