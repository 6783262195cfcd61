/** A client that does not take what it is sent, at the border where it is cut off. */
import { describe, expect, it } from 'vitest';
import { ClientOutput } from '../../src/proxy/client-output.ts';
import type { Turn } from '../../src/proxy/turn.ts';
import type { Connection } from '../../src/world/world.ts';

const MEBIBYTE = 1024 * 1024;

/** A connection whose other end reads nothing, told how much waits. */
function unread(): { connection: Connection; unsent: (bytes: number) => void; written: () => number } {
  let unsentBytes = 0;
  let written = 0;
  const connection = {
    get unsentBytes() {
      return unsentBytes;
    },
    write: (): boolean => {
      written++;
      return false;
    },
  };
  return {
    connection: connection as unknown as Connection,
    unsent: (bytes) => (unsentBytes = bytes),
    written: () => written,
  };
}

describe('output that nobody reads', () => {
  it.each([
    ['messages', 32 * MEBIBYTE],
    ['replies', 1024 * MEBIBYTE],
  ] as const)('of %s is kept up to %i bytes, then the client is cut off', (kind, bytesMax) => {
    const { connection, unsent, written } = unread();
    let cuts = 0;
    const output = new ClientOutput(
      connection,
      { mark: () => {} } as unknown as Turn,
      () => {},
      () => cuts++,
    );
    output.send('+OK\r\n');
    output.flush();
    expect(written()).toBe(1);
    unsent(bytesMax);
    output.send('', kind);
    output.send(Buffer.alloc(70_000), kind);
    expect([cuts, written()]).toEqual([0, 2]);
    unsent(bytesMax + 1);
    output.send(Buffer.alloc(70_000), kind);
    expect([cuts, written()]).toEqual([1, 2]);
  });
});
