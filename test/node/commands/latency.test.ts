import { describe, expect, it } from 'vitest';
import { debugCommands } from '../../../src/node/commands/debug.ts';
import { latencyGraph } from '../../../src/node/commands/latency-graph.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

const START_SECONDS = 1_700_000_000;

function fresh(config: Readonly<Record<string, string>>) {
  const world = new SimWorld({ seed: 1, startMs: START_SECONDS * 1000 });
  return { world, ...testShard({ world, config, commands: [...serverCommands, ...stringCommands, ...debugCommands] }) };
}

/** Makes a command take so long; the client has its reply when that is over. */
async function sleep(world: SimWorld, client: TestClient, milliseconds: number): Promise<void> {
  client.call('DEBUG', 'SLEEP', String(milliseconds / 1000));
  await world.advance(milliseconds);
}

describe('LATENCY', () => {
  it('keeps the longest event of a second that takes as long as the threshold says, and forgets on demand', async () => {
    using made = fresh({ 'latency-monitor-threshold': '100' });
    const { world, client } = made;
    const asking = client();
    for (const milliseconds of [50, 300, 200]) await sleep(world, asking, milliseconds);
    await world.advance(5_000);
    await sleep(world, asking, 120);
    const history = asking.call('LATENCY', 'HISTORY', 'command') as [number, number][];
    expect(history.map(([, milliseconds]) => milliseconds)).toEqual([300, 120]);
    expect(history[1]![0] - history[0]![0]).toBeGreaterThanOrEqual(5);
    expect(asking.call('LATENCY', 'LATEST')).toEqual([['command', history[1]![0], 120, 300]]);
    expect(String(asking.call('LATENCY', 'GRAPH', 'command'))).toMatch(
      /^command - high 300 ms, low 120 ms \(all time high 300 ms\)\n-{80}\n/,
    );
    expect(String(asking.call('LATENCY', 'DOCTOR'))).toContain('command: 2 samples (on average 210 ms');
    expect(asking.call('LATENCY', 'RESET', 'fork', 'command')).toBe(1);
    expect(asking.call('LATENCY', 'HISTORY', 'command')).toEqual([]);
    expect(asking.bytes('LATENCY', 'GRAPH', 'command')).toBe("-ERR No samples available for event 'command'\r\n");
    expect(String(asking.call('LATENCY', 'DOCTOR'))).toContain('100 milliseconds');
  });

  it('keeps nothing unless it is told to', async () => {
    using made = fresh({});
    const asking = made.client();
    await sleep(made.world, asking, 300);
    expect(asking.call('LATENCY', 'LATEST')).toEqual([]);
    expect(String(asking.call('LATENCY', 'DOCTOR'))).toContain('CONFIG SET latency-monitor-threshold 100');
  });

  it('answers how long calls took, of those that were called', async () => {
    using made = fresh({});
    const asking = made.client();
    asking.call('CONFIG', 'GET', 'port');
    asking.call('CONFIG', 'RESETSTAT');
    for (const milliseconds of [0, 3, 3]) await sleep(made.world, asking, milliseconds);
    asking.call('CONFIG', 'GET', 'port');
    expect(asking.call('LATENCY', 'HISTOGRAM', 'debug', 'config|get', 'set', 'nosuch')).toEqual([
      'config|get',
      ['calls', 1, 'histogram_usec', [1, 1]],
      'debug',
      ['calls', 3, 'histogram_usec', [1, 1, 4227, 3]],
    ]);
    expect(
      (asking.call('LATENCY', 'HISTOGRAM', 'config') as unknown[]).filter((each) => typeof each === 'string').sort(),
    ).toEqual(['config|get', 'config|resetstat']);
  });
});

describe('the graph of a series', () => {
  it('has a column for each sample, the higher the longer, and its age below', () => {
    const samples = [10, 20, 400, 200].map((milliseconds, at) => ({ atSeconds: at * 100, milliseconds }));
    expect(latencyGraph('command', { samples, longestMs: 999 }, 300).split('\n').slice(2)).toEqual([
      '  # ',
      '  | ',
      '  |#',
      '__||',
      '    ',
      '5310',
      'mmms',
      '',
    ]);
  });
});
