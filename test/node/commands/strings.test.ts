import { describe, expect, it } from 'vitest';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { testShard } from '../../support/fixtures.ts';

describe('SET and GET', () => {
  it('stores and returns any bytes', () => {
    using test = testShard({ commands: stringCommands });
    const client = test.client();
    expect(client.bytes('SET', 'k', '\r\n\0\xff')).toBe('+OK\r\n');
    expect(client.bytes('GET', 'k')).toBe('$4\r\n\r\n\0\xff\r\n');
    expect(client.bytes('get', 'none')).toBe('$-1\r\n');
  });

  it('refuses two different expiry options', () => {
    using test = testShard({ commands: stringCommands });
    expect(test.client().bytes('SET', 'k', 'v', 'EX', '1', 'PX', '1')).toBe('-ERR syntax error\r\n');
    expect(test.client().bytes('SET', 'k')).toBe("-ERR wrong number of arguments for 'set' command\r\n");
    expect(test.client().bytes('NOPE', 'a')).toBe("-ERR unknown command 'NOPE', with args beginning with: 'a' \r\n");
  });
});
