import { describe, expect, it } from 'vitest';
import { AccessList } from '../../../src/node/acl/access-list.ts';
import { userOfRules } from '../../../src/node/acl/rules.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { CommandTable } from '../../../src/node/commands/table.ts';

const table = new CommandTable(dataCommands);

function userWith(...words: string[]) {
  const list = new AccessList(table);
  const outcome = list.setUser('u', words);
  if (!outcome.ok) throw new Error(outcome.why);
  return outcome.user;
}

describe('rules of a user', () => {
  // 7.4 keeps rules as they were given; 7.0, the judge of the other suite, makes them anew.
  it.each([
    [['+get', '+set'], '-@all +get +set'],
    [['+get', '-get'], '-@all -get'],
    [['+@all', '-config', '+config|get'], '+@all -config +config|get'],
    [['+config|get', '+config'], '-@all +config'],
    [['+config|get', '-config|get'], '-@all -config|get'],
    [['+GET', '-@DANGEROUS'], '-@all +get -@dangerous'],
    [['+@read', '+@all', '-get'], '+@all -get'],
    [['+@read', '-@all'], '-@all'],
    [['+select|0', '+select|1'], '-@all +select|0 +select|1'],
  ])('%j are shown as %s', (words, text) => {
    expect(userWith(...words).selectors[0].commandText).toBe(text);
  });

  it('hold all or none', () => {
    const list = new AccessList(table);
    list.setUser('u', ['on', '+get']);
    expect(list.setUser('u', ['-get', '+nosuch'])).toMatchObject({ ok: false, word: '+nosuch' });
    expect(list.find('u')!.selectors[0].commandText).toBe('-@all +get');
  });

  it('of everything cost one look', () => {
    expect(userWith('on', 'allkeys', 'allchannels', '+@all').allowsEverything).toBe(true);
    expect(userWith('on', 'allkeys', 'allchannels', '+@all', '-debug').allowsEverything).toBe(false);
    expect(userWith('on', 'allkeys', '+@all').allowsEverything).toBe(false);
    expect(userWith('+get', '(+@all ~* &*)').allowsEverything).toBe(true);
  });

  it('tell of several selectors the denial that came furthest', () => {
    const user = userWith('+get', '~a', '(+get ~b)', '(+publish &n)');
    const get = table.find('GET')!;
    expect(user.check(get, ['GET', 'b'])).toBeNull();
    expect(user.check(get, ['GET', 'c'])).toEqual({ reason: 'key', at: 1 });
    expect(user.check(table.find('PUBLISH')!, ['PUBLISH', 'x', '1'])).toEqual({ reason: 'channel', at: 1 });
    expect(user.check(table.find('SET')!, ['SET', 'a', '1'])).toEqual({ reason: 'command', at: 0 });
  });
});

describe('users as text', () => {
  it('are the same users when read again', () => {
    const list = new AccessList(table);
    list.setUser('alice', ['on', '>p', '~a*', '%R~b', '&n*', '+@read', '-get', '(+set ~z', '&q)', '+select|0']);
    list.setUser('default', ['resetpass', '>q', '-@dangerous']);
    const read = new AccessList(table).read(list.text, 'users.acl');
    if (!read.ok) throw new Error(read.problems.join());
    const other = new AccessList(table);
    other.setUser('gone', ['on']);
    const { defaultUser } = other;
    expect(other.replace(read.users).gone.map(({ name }) => name)).toEqual(['gone']);
    expect(other.text).toBe(list.text);
    expect(other.defaultUser).toBe(defaultUser);
    expect(other.authenticate('alice', 'p')?.name).toBe('alice');
    expect(other.authenticate('default', '')).toBeNull();
  });

  it('name every line that is wrong', () => {
    const read = new AccessList(table).read('user a on\n\nusers b\nuser a off\nuser c +nosuch\nuser d (+get\n', 'f');
    expect(read).toEqual({
      ok: false,
      problems: [
        'f:3: should start with user keyword followed by the username.',
        "WARNING: Duplicate user 'a' found on line 4.",
        'f:5: Unknown command or category name in ACL.',
        "f:6: Unmatched parenthesis in acl selector starting at '(+get'.",
      ],
    });
  });
});

describe('rules of a cluster', () => {
  const options = { table, allChannels: false };
  it('make a user that is on', () => {
    const outcome = userOfRules('reader', ' +@read  ~cache:* ', options);
    expect(outcome.ok && outcome.user.text).toBe('on sanitize-payload ~cache:* resetchannels -@all +@read');
    expect(userOfRules('x', '+@all ~*', { table, allChannels: true })).toMatchObject({
      user: { allowsEverything: true },
    });
  });

  it.each([
    ['+get on', 'on', /only commands/],
    ['+get >p', '>p', /only commands/],
    ['+get (+set ~a)', '(+set', /parentheses/],
    ['+nosuch', '+nosuch', /Unknown command/],
    ['~* ~a', '~a', /resetkeys/],
    ['get', 'get', /Syntax/],
  ])('refuse %s by naming %s', (rules, word, detail) => {
    expect(userOfRules('x', rules, options)).toMatchObject({ ok: false, word, detail: expect.stringMatching(detail) });
  });
});
