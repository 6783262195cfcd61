import { expect, it } from 'vitest';
import { positionsOf, type KeySpec } from '../../../src/node/commands/command.ts';

it('of a specification with a limit are the first part of what is left, as in STREAMS key … id …', () => {
  const streams: KeySpec = {
    flags: ['RO', 'access'],
    begin: { keyword: 'STREAMS', from: 1 },
    find: { kind: 'range', last: -1, step: 1, limit: 2 },
  };
  expect(positionsOf([streams], 'XREAD COUNT 1 STREAMS a b 0 0'.split(' '))).toEqual([4, 5]);
  expect(positionsOf([streams], 'XREAD streams a 0'.split(' '))).toEqual([2]);
  expect(positionsOf([streams], 'XREAD COUNT 1'.split(' '))).toEqual([]);
});
