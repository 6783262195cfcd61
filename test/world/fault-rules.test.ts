import { describe, expect, test } from 'vitest';
import { betweenHosts, FaultRules, PERFECT_LINK } from '../../src/world/fault-rules.ts';

const EAST = '127.0.1.1';
const WEST = '127.0.2.1';

describe('rules of faults', () => {
  test('one way blocks one way, both ways blocks both, heal forgets', () => {
    const rules = new FaultRules();
    expect(rules.active).toBe(false);
    rules.partition(['127.0.1.'], [WEST], 'one-way');
    expect([rules.blocked(EAST, WEST), rules.blocked(WEST, EAST)]).toEqual([true, false]);
    expect(rules.blockedEitherWay(WEST, EAST)).toBe(true);
    rules.partition([EAST], ['127.0.3.1', WEST], 'both-ways');
    expect([rules.blocked(EAST, WEST), rules.blocked(WEST, EAST)]).toEqual([true, true]);
    rules.heal();
    expect([rules.active, rules.blockedEitherWay(EAST, WEST)]).toEqual([false, false]);
  });

  test('a prefix ends in a dot, a star is everybody, a host reaches itself', () => {
    const rules = new FaultRules();
    rules.partition(['127.0.1.'], ['*'], 'both-ways');
    expect(rules.blocked('127.0.1.9', '10.0.0.1')).toBe(true);
    expect(rules.blocked('127.0.11.9', '10.0.0.1')).toBe(false);
    expect(rules.blocked(EAST, EAST)).toBe(false);
  });

  test('conditions hold both ways, later ones win field by field, the rest is as the network was made', () => {
    const rules = new FaultRules({ ...PERFECT_LINK, bandwidth: 7 });
    rules.setConditions(EAST, '127.0.2.', { latencyMs: 5, jitterMs: 1 });
    rules.setConditions('*', '*', { latencyMs: 9 });
    expect(rules.conditionsBetween(WEST, EAST)).toEqual({ latencyMs: 9, jitterMs: 1, bandwidth: 7, chunking: 'whole' });
    rules.setConditions(EAST, '127.0.2.', { chunking: 'bytes', latencyMs: 3 });
    expect(rules.conditionsBetween(EAST, WEST)).toEqual({ latencyMs: 3, jitterMs: 1, bandwidth: 7, chunking: 'bytes' });
    expect(rules.conditionsBetween(EAST, '10.0.0.1').latencyMs).toBe(9);
  });

  test('two hosts are between two patterns in either order, not both at one', () => {
    expect(betweenHosts(EAST, WEST, WEST, EAST)).toBe(true);
    expect(betweenHosts(EAST, WEST, EAST, EAST)).toBe(false);
  });
});
