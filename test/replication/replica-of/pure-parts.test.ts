import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandTable } from '../../../src/node/commands/table.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { backoffMs } from '../../../src/replication/replica-of/backoff.ts';
import { formatMark, lowestMark, parseMark } from '../../../src/replication/replica-of/checkpoint.ts';
import { routeUnit, type Routing } from '../../../src/replication/replica-of/route-unit.ts';
import {
  moveSource,
  SOURCE_MOVES,
  syncMoveAllowed,
  SYNC_MOVES,
  type SourceStatus,
} from '../../../src/replication/replica-of/status.ts';
import { Staging } from '../../../src/replication/replica-of/staging.ts';
import { stopCauseOf } from '../../../src/replication/replica-of/stop-causes.ts';
import { TRANSACTION_WRITES_MAX, UnitReader, type Unit } from '../../../src/replication/replica-of/stream-units.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { RequestDecoder } from '../../../src/resp/request-decoder.ts';

const unit = (...writes: string[][]): Unit => ({
  writes: writes.map((words) => ({ database: 0, words })),
  transaction: writes.length > 1,
  endOffset: 1,
  database: 0,
});
const markAt = (offset: number) => ({ replicationId: 'a'.repeat(40), offset, database: 0 });
const hex = (text: string) => Buffer.from(text, 'latin1').toString('hex');

describe('UnitReader', () => {
  it('makes one unit of a write and one of a whole transaction, and remembers the database', () => {
    const reader = new UnitReader(0);
    expect(reader.push(['SELECT', '3'], 10)).toEqual({ writes: [], transaction: false, endOffset: 10, database: 3 });
    expect(reader.push(['SET', 'a', '1'], 20)?.writes).toEqual([{ database: 3, words: ['SET', 'a', '1'] }]);
    expect(reader.push(['MULTI'], 30)).toBeNull();
    expect(reader.push(['INCR', 'n'], 40)).toBeNull();
    expect(reader.push(['PING'], 45)).toBeNull();
    expect(reader.push(['SELECT', '0'], 50)).toBeNull();
    expect(reader.push(['INCR', 'n'], 60)).toBeNull();
    expect(reader.push(['EXEC'], 70)).toEqual({
      transaction: true,
      endOffset: 70,
      database: 0,
      writes: [
        { database: 3, words: ['INCR', 'n'] },
        { database: 0, words: ['INCR', 'n'] },
      ],
    });
    expect(reader.push(['REPLCONF', 'GETACK', '*'], 80)?.writes).toEqual([]);
  });

  it('loses nothing to a stream that no primary sends: it is refused', () => {
    for (const wrong of [['MULTI'], ['DISCARD'], ['SELECT', 'x'], ['SELECT']]) {
      const reader = new UnitReader(0);
      reader.push(['MULTI'], 1);
      reader.push(['SET', 'a', '1'], 2);
      expect(() => reader.push(wrong, 3), wrong.join(' ')).toThrow(
        expect.objectContaining({ why: 'protocol', message: expect.stringContaining(wrong[0]!) }),
      );
    }
  });
});

describe('routeUnit', () => {
  const routing: Routing = {
    targets: 3,
    databases: 1,
    commands: new CommandTable(stringCommands),
    targetOf: (key) => (key === 'nowhere' ? null : key.charCodeAt(0) % 3),
  };
  const route = (...writes: string[][]) => {
    const outcome = routeUnit(unit(...writes), routing);
    return outcome.ok
      ? Object.fromEntries(
          [...outcome.parts].map(([target, parts]) => [target, parts.map((part) => part.words.join(' '))]),
        )
      : `${outcome.why}: ${outcome.detail}`;
  };

  it('sends a write to the owner of its key', () => {
    expect(route(['SET', 'a', '1'])).toEqual({ 1: ['SET a 1'] });
  });

  it('splits MSET, DEL and UNLINK over their owners', () => {
    expect(route(['MSET', 'a', '1', 'b', '2', 'd', '3'])).toEqual({ 1: ['MSET a 1 d 3'], 2: ['MSET b 2'] });
    expect(route(['DEL', 'a', 'b', 'c'])).toEqual({ 0: ['DEL c'], 1: ['DEL a'], 2: ['DEL b'] });
  });

  it('sends flushes everywhere and messages nowhere', () => {
    expect(route(['FLUSHALL'])).toEqual({ 0: ['FLUSHALL'], 1: ['FLUSHALL'], 2: ['FLUSHALL'] });
    expect(route(['PUBLISH', 'c', 'm'])).toEqual({});
  });

  it('sends function libraries everywhere: each shard must know what is called on its keys', () => {
    const code = '#!lua name=lib';
    const everywhere = (text: string) => ({ 0: [text], 1: [text], 2: [text] });
    expect(route(['FUNCTION', 'LOAD', code])).toEqual(everywhere(`FUNCTION LOAD ${code}`));
    expect(route(['FUNCTION', 'DELETE', 'lib'])).toEqual(everywhere('FUNCTION DELETE lib'));
  });

  it("keeps a source's own checkpoint away", () => {
    expect(route(['HSET', 'antipode:checkpoint', 'generation', 'x'])).toEqual({});
    expect(route(['DEL', 'antipode:checkpoint'])).toEqual({});
    expect(route(['DEL', 'c', 'antipode:checkpoint'])).toEqual({ 0: ['DEL c'] });
  });

  it('refuses what cannot stay atomic', () => {
    expect(route(['SET', 'a', '1'], ['SET', 'b', '1'])).toMatch(/^cross-slot: a transaction/);
    expect(route(['SET', 'a', '1'], ['SET', 'd', '1'])).toEqual({ 1: ['SET a 1', 'SET d 1'] });
    expect(route(['MSETNX', 'a', '1', 'b', '1'])).toMatch(/^(cross-slot|unsupported)/);
    expect(route(['SET', 'nowhere', '1'])).toMatch(/^cross-slot: no hashing rule/);
  });

  it('refuses commands it does not know, by name, and writes to other logical databases', () => {
    expect(route(['XCLAIM', 's', 'g', 'c', '0', '1-1'])).toMatch(/^unsupported: the source sent XCLAIM/);
    const other = routeUnit(
      { ...unit(['SET', 'a', '1']), writes: [{ database: 4, words: ['SET', 'a', '1'] }] },
      routing,
    );
    expect(other).toMatchObject({ ok: false, why: 'unsupported' });
  });

  it.each([
    ['MOVE a 1', '1'],
    ['SWAPDB 0 3', '3'],
    ['SWAPDB 2 0', '2'],
    ['COPY a b DB 1', '1'],
    ['COPY a b DB 9 REPLACE', '9'],
  ])('refuses %s, which concerns another logical database than the only one', (text, database) => {
    expect(route(text.split(' '))).toMatch(new RegExp(`^unsupported: the source uses logical database ${database} `));
  });

  it('passes everything through to a single target', () => {
    const outcome = routeUnit(unit(['XADD', 's', '*', 'f', 'v']), { ...routing, targets: 1 });
    expect(outcome.ok && [...outcome.parts.keys()]).toEqual([0]);
  });
});

describe('stops', () => {
  it.each([
    [{ why: 'auth-failed', detail: '' }, 'authentication'],
    [{ why: 'psync-not-supported', detail: '' }, 'not-replicable'],
    [{ why: 'compression-unsupported', detail: '' }, 'compression'],
    [{ why: 'source-out-of-memory', detail: '' }, 'out-of-memory'],
    [{ why: 'too-large', detail: '' }, 'general'],
    [{ why: 'source-refused', detail: '', transient: true }, null],
    [{ why: 'protocol', detail: '' }, null],
    [{ why: 'timeout', detail: '', waitingFor: '' }, null],
  ] as const)('%j is %s', (outcome, cause) => {
    expect(stopCauseOf(outcome)).toBe(cause);
  });

  it('a transaction that is larger than the limit is refused, not gathered for ever', () => {
    const reader = new UnitReader(0);
    reader.push(['MULTI'], 1);
    for (let i = 0; i < TRANSACTION_WRITES_MAX; i++) reader.push(['INCR', 'n'], 2);
    expect(() => reader.push(['INCR', 'n'], 3)).toThrow(/more than 1000000 writes/);
  });

  it('pauses between attempts double from a second to ten, up to a half less by chance', () => {
    const { random } = new SimWorld({ seed: 1 });
    for (let failures = 0; failures < 20; failures++) {
      const longest = Math.min(10_000, 1_000 * 2 ** failures);
      const pause = backoffMs(failures, random);
      expect(pause).toBeGreaterThanOrEqual(longest / 2);
      expect(pause).toBeLessThanOrEqual(longest);
    }
  });
});

describe('marks', () => {
  it('read back what they format, and nothing else', () => {
    const mark = { replicationId: 'a'.repeat(40), offset: 12345, database: 2 };
    expect(parseMark(formatMark(mark))).toEqual(mark);
    for (const text of [undefined, '', 'loading', 'x 1 0', `${'a'.repeat(40)} -1 0`])
      expect(parseMark(text)).toBeNull();
  });

  it('resume from the lowest, and from nothing when one target has none', () => {
    expect(lowestMark([markAt(5), markAt(3), markAt(9)])?.offset).toBe(3);
    expect(lowestMark([markAt(5), null])).toBeNull();
  });
});

describe('status graphs', () => {
  it('have only the documented moves', () => {
    expect(SOURCE_MOVES).toEqual({
      'out-of-sync': ['syncing'],
      syncing: ['in-sync', 'out-of-sync'],
      'in-sync': ['syncing', 'out-of-sync'],
    });
    const all: SourceStatus[] = ['out-of-sync', 'syncing', 'in-sync'];
    for (const from of all) {
      for (const to of all) {
        const legal = from === to || SOURCE_MOVES[from].includes(to);
        if (legal) expect(moveSource(from, to)).toBe(to);
        else expect(() => moveSource(from, to)).toThrow(`does not go from ${from} to ${to}`);
      }
    }
    expect(syncMoveAllowed('disabled', 'paused')).toBe(false);
    expect(syncMoveAllowed('stopped', 'paused')).toBe(false);
    expect(SYNC_MOVES.paused).toContain('enabled');
  });
});

describe('Staging', () => {
  it('gives back every request once, in order per target, each chunk beginning with its SELECT', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.nat(1), fc.string({ maxLength: 5 })), { maxLength: 50 }),
        (entries) => {
          const staging = new Staging();
          for (const [target, database, key] of entries) staging.add(target, database, ['SET', key, 'v']);
          staging.seal();
          const got: string[] = [];
          for (let chunk = staging.take(); chunk !== undefined; chunk = staging.take()) {
            const decoder = new RequestDecoder();
            decoder.push(chunk.bytes);
            let database = -1;
            let count = 0;
            for (let words = decoder.next(); words !== null; words = decoder.next(), count++) {
              if (words[0] === 'SELECT') database = Number(words[1]);
              else got.push(`${chunk.target} ${database} ${Buffer.from(words[1]!, 'latin1').toString('hex')}`);
            }
            expect(count).toBe(chunk.count);
          }
          for (const target of [0, 1, 2]) {
            const wanted = entries
              .filter((entry) => entry[0] === target)
              .map(([, database, key]) => `${target} ${database} ${hex(key)}`);
            expect(got.filter((each) => each.startsWith(`${target} `))).toEqual(wanted);
          }
          expect(staging.bytes).toBe(0);
        },
      ),
    );
  });
});
