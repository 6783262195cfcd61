/** The handshake as a table: what is said to each reply, and how each can end. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awaited, begin, next, type HandshakeMove, type HandshakePlan } from '../../src/replication/handshake.ts';
import { HandshakeReader, LineTooLong } from '../../src/replication/handshake-reader.ts';
import { cutAt } from '../support/chunks.ts';

const ID = 'a'.repeat(40);
const OTHER = 'B'.repeat(40);

const plan = (more: Partial<HandshakePlan> = {}): HandshakePlan => ({
  username: null,
  password: null,
  preamble: [],
  compression: null,
  announcePort: null,
  announceHost: null,
  resumeFrom: null,
  takesOver: false,
  ...more,
});

/** Answers with the lines in turn; gives all that was sent and the last move. */
function talk(of: HandshakePlan, lines: readonly string[]): { sent: string[]; last: HandshakeMove } {
  let last = begin(of);
  const sent: string[] = [last.send!.join(' ')];
  for (const line of lines) {
    last = next(last.state, line);
    if (last.send !== null) sent.push(last.send.join(' '));
  }
  return { sent, last };
}

const end = (of: HandshakePlan, lines: readonly string[]): unknown => {
  const { state } = talk(of, lines).last;
  return state.step === 'done' ? state.result : `still waits for ${awaited(state)}`;
};

const failed = (why: string, detail: string, more = {}): unknown => ({
  kind: 'failed',
  failure: { why, detail, ...more },
});

describe('a handshake', () => {
  it('says only what the plan needs', () => {
    const { sent } = talk(plan(), ['+PONG', '+OK']);
    expect(sent).toEqual(['PING', 'REPLCONF capa eof capa psync2', 'PSYNC ? -1']);
  });

  it('says everything in Redis’s order', () => {
    const all = plan({
      username: 'user',
      password: 'pass',
      preamble: [['PIN', '1'], ['HELLO']],
      announcePort: 6400,
      announceHost: 'here',
      resumeFrom: { replicationId: ID, offset: 99 },
    });
    const { sent } = talk(all, ['+PONG', '+OK', '+OK', '$pinned', '+OK', '+OK', '+OK']);
    expect(sent).toEqual([
      'PING',
      'AUTH user pass',
      'PIN 1',
      'HELLO',
      'REPLCONF listening-port 6400',
      'REPLCONF ip-address here',
      'REPLCONF capa eof capa psync2',
      `PSYNC ${ID} 100`,
    ]);
  });

  const withPassword = plan({ password: 'pass' });
  const resuming = plan({ resumeFrom: { replicationId: ID, offset: 7 } });
  const toPsync = ['+PONG', '+OK'];
  const transient = { transient: true };
  const lasting = { transient: false };

  it.each<[string, HandshakePlan, readonly string[], unknown]>([
    ['a full sync', plan(), [...toPsync, `+FULLRESYNC ${ID} 0`], { kind: 'full', replicationId: ID, offset: 0 }],
    [
      'a full sync instead of a part',
      resuming,
      [...toPsync, `+FULLRESYNC ${OTHER} 12345678901`],
      { kind: 'full', replicationId: OTHER, offset: 12345678901 },
    ],
    ['a part under the same id', resuming, [...toPsync, '+CONTINUE'], { kind: 'continued', replicationId: null }],
    [
      'a part under another id',
      resuming,
      [...toPsync, `+CONTINUE ${OTHER}`],
      { kind: 'continued', replicationId: OTHER },
    ],
    [
      'PING refused until AUTH',
      withPassword,
      ['-NOAUTH Authentication required.', '+OK'],
      'still waits for the reply to REPLCONF capa',
    ],
    [
      'PING refused by an old server',
      withPassword,
      ['-ERR operation not permitted'],
      'still waits for the reply to AUTH',
    ],
    [
      'PING refused by ACL',
      withPassword,
      ['-NOPERM this user has no permissions'],
      'still waits for the reply to AUTH',
    ],
    [
      'no password where one is wanted',
      plan(),
      ['-NOAUTH Authentication required.'],
      failed('auth-failed', 'NOAUTH Authentication required.'),
    ],
    ['a wrong password', withPassword, ['+PONG', '-WRONGPASS invalid'], failed('auth-failed', 'WRONGPASS invalid')],
    [
      'a password where none is set',
      withPassword,
      ['+PONG', '-ERR AUTH <password> called without'],
      failed('auth-failed', 'ERR AUTH <password> called without'),
    ],
    ['a source that loads at PING', plan(), ['-LOADING soon'], failed('source-refused', 'LOADING soon', transient)],
    [
      'a source that loads at AUTH',
      withPassword,
      ['+PONG', '-LOADING soon'],
      failed('source-refused', 'LOADING soon', transient),
    ],
    [
      'a source that is full',
      plan(),
      ['-ERR max number of clients reached'],
      failed('source-refused', 'ERR max number of clients reached', transient),
    ],
    ['a stale replica as source', plan(), ['-MASTERDOWN Link'], failed('source-refused', 'MASTERDOWN Link', transient)],
    [
      'REPLCONF not known',
      plan(),
      ['+PONG', '-ERR Unrecognized REPLCONF option: capa'],
      'still waits for the reply to PSYNC',
    ],
    [
      'REPLCONF before AUTH',
      plan(),
      ['+PONG', '-NOAUTH Authentication required.'],
      failed('auth-failed', 'NOAUTH Authentication required.'),
    ],
    [
      'a pin refused',
      plan({ preamble: [['PIN', '9']] }),
      ['+PONG', '-ERR no such shard'],
      failed('source-refused', 'ERR no such shard', lasting),
    ],
    [
      'PSYNC before the source has its primary',
      plan(),
      [...toPsync, "-NOMASTERLINK Can't SYNC"],
      failed('source-refused', "NOMASTERLINK Can't SYNC", transient),
    ],
    ['PSYNC while loading', plan(), [...toPsync, '-LOADING soon'], failed('source-refused', 'LOADING soon', transient)],
    [
      'PSYNC not permitted',
      plan(),
      [...toPsync, '-NOPERM this user'],
      failed('source-refused', 'NOPERM this user', lasting),
    ],
    [
      'PSYNC not known',
      plan(),
      [...toPsync, "-ERR unknown command 'PSYNC', with args"],
      failed('psync-not-supported', "ERR unknown command 'PSYNC', with args"),
    ],
    [
      'a part that was not asked for',
      plan(),
      [...toPsync, '+CONTINUE'],
      failed('protocol', 'the source continues a stream that was not begun'),
    ],
    ['nonsense at PSYNC', plan(), [...toPsync, ':1'], failed('protocol', 'unexpected reply to PSYNC: ":1"')],
    [
      'nonsense at PING',
      plan(),
      ['HTTP/1.1 400 Bad Request'],
      failed('protocol', 'unexpected reply to PING: "HTTP/1.1 400 Bad Request"'),
    ],
    [
      'a full sync without an offset',
      plan(),
      [...toPsync, `+FULLRESYNC ${ID}`],
      failed('protocol', `malformed reply to PSYNC: "+FULLRESYNC ${ID}"`),
    ],
    [
      'a full sync without an id',
      plan(),
      [...toPsync, '+FULLRESYNC x 1'],
      failed('protocol', 'malformed reply to PSYNC: "+FULLRESYNC x 1"'),
    ],
    [
      'a part with half an id',
      resuming,
      [...toPsync, '+CONTINUE abc'],
      failed('protocol', 'malformed reply to PSYNC: "+CONTINUE abc"'),
    ],
    [
      'a reply too many',
      plan(),
      [...toPsync, `+FULLRESYNC ${ID} 0`, '+OK'],
      failed('protocol', 'an unexpected reply after the handshake: "+OK"'),
    ],
  ])('knows %s', (_name, of, lines, expected) => {
    expect(end(of, lines)).toEqual(expected);
  });

  it('never shows a password in what it waits for', () => {
    expect(awaited(talk(plan({ username: 'user', password: 'pass' }), ['+PONG']).last.state)).toBe('the reply to AUTH');
  });
});

describe('a handshake reader', () => {
  it('gives the same lines wherever chunks end, and takes no byte beyond the last', () => {
    const line = fc.constantFrom('', '+OK', '-ERR no', '+CONTINUE abc', '$5\r\na\r\nbc', '$0\r\n');
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (lines, places) => {
          const bytes = Buffer.from([...lines, ''].join('\r\n'), 'latin1');
          const expected = lines.map((each) => each.replace(/^\$\d+\r\n/, '$'));
          const found: string[] = [];
          const reader = new HandshakeReader();
          for (const chunk of cutAt(bytes, places)) {
            for (let at = 0; at < chunk.length; at = reader.consumed) {
              const read = reader.read(chunk, at, true);
              if (read !== null) found.push(read);
            }
          }
          expect(found).toEqual(expected);
        },
      ),
    );
    const reader = new HandshakeReader();
    expect(reader.read(Buffer.from('$10\r\nREDIS0010\r\n'), 0, false)).toBe('$10');
    expect(reader.consumed).toBe(5);
  });

  it('ends at a line without end', () => {
    const reader = new HandshakeReader();
    expect(() => {
      for (let i = 0; i < 100; i++) reader.read(Buffer.alloc(1000, 'x'), 0, true);
    }).toThrow(LineTooLong);
  });
});
