/**
 * A full sync and a live stream, cut at every byte: on the way from the source, and on the way to the destination. Every cut must
 * end with the destination equal, nothing lost and nothing applied twice.
 */

import { describe, expect, it } from 'vitest';
import type { Network } from '../../src/world/world.ts';
import { live, type Story } from './deployment.ts';
import { cuttingInput, cuttingOutput, type ByteCut } from './networks.ts';

const story: Story = {
  seed: 7,
  sources: 1,
  targets: 2,
  conditions: { latencyMs: 1 },
  steps: [
    {
      do: 'write',
      source: 0,
      words: [
        ['SET', 'a', '1'],
        ['RPUSH', 'list', 'x', 'y'],
        ['SET', 'ttl', 'v', 'PX', '600000'],
      ],
    },
    { do: 'wait', ms: 400 },
    {
      do: 'write',
      source: 0,
      words: [
        ['INCR', 'a'],
        ['MULTI'],
        ['RPUSH', 'list', 'z'],
        ['INCR', '{list}n'],
        ['EXEC'],
        ['MSET', 'b', '1', 'c', '2'],
      ],
    },
    { do: 'wait', ms: 30 },
    {
      do: 'write',
      source: 0,
      words: [
        ['INCR', 'a'],
        ['DEL', 'b', 'ttl'],
        ['RPUSH', 'list', 'w'],
      ],
    },
    { do: 'wait', ms: 1500 },
    { do: 'write', source: 0, words: [['APPEND', 'a', 'end']] },
  ],
};

type Cutting = (network: Network, prefix: string, cut: ByteCut) => Network;

async function proveEveryCut(
  cutting: Cutting,
  prefix: string,
): Promise<{ converged: number; cuts: number; failures: string[] }> {
  const whole: ByteCut = { passed: 0, at: Infinity, done: false };
  await live(story, { network: (network) => cutting(network, prefix, whole) });
  const failures: string[] = [];
  let converged = 0;
  for (let at = 0; at < whole.passed; at++) {
    const cut: ByteCut = { passed: 0, at, done: false };
    const ending = await live(story, { network: (network) => cutting(network, prefix, cut) });
    if (ending.difference === null && cut.done) converged++;
    else failures.push(`cut at byte ${at}: ${ending.difference ?? 'the cut never happened'}`);
  }
  return { converged, cuts: whole.passed, failures };
}

describe('a cut at any byte', () => {
  it.each([
    ['from the source', cuttingInput, '127.0.1.'],
    ['to the destination', cuttingOutput, '127.0.2.'],
  ] as const)('%s ends equal', { timeout: 300_000 }, async (where, cutting, prefix) => {
    const { converged, cuts, failures } = await proveEveryCut(cutting, prefix);
    process.stderr.write(`cut at every byte ${where}: ${converged}/${cuts} converged\n`);
    expect(failures.slice(0, 5)).toEqual([]);
    expect(converged).toBe(cuts);
    expect(cuts).toBeGreaterThan(500);
  });
});
