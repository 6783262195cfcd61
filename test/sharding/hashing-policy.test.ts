import assert from 'node:assert';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileHashingPolicy,
  HASHING_RULE_LENGTH_MAX,
  HASHING_RULES_MAX,
  IMPLICIT_RULE,
  LEGACY_SLOTS,
  STANDARD_HASHING_RULES,
  type HashingPolicy,
} from '../../src/sharding/hashing-policy.ts';
import { crc16, SLOT_COUNT } from '../../src/sharding/slot.ts';

const policyOf = (...regexes: string[]): HashingPolicy => {
  const outcome = compileHashingPolicy(regexes.map((regex) => ({ regex })));
  assert(outcome.ok, outcome.ok ? '' : outcome.detail);
  return outcome.policy;
};

const refusalOf = (...regexes: string[]): string => {
  const outcome = compileHashingPolicy(regexes.map((regex) => ({ regex })));
  assert(!outcome.ok, 'the rules were accepted');
  return outcome.detail;
};

const ruleOfLength = (length: number): string => '(?<tag>.*)'.padEnd(length, 'x');

const slotOfTag = (tag: string): number => crc16(tag) % SLOT_COUNT;

const standard = policyOf(...STANDARD_HASHING_RULES.map((rule) => rule.regex));
/** The same two rules, spelled so that no fast path can recognise them. */
const spelledOut = policyOf('(?:.*)\\{(?<tag>.*)\\}.*', '(?<tag>.*)(?:)');

describe('the standard hashing policy', () => {
  const tags: [key: string, tag: string][] = [
    ['plain', 'plain'],
    ['', ''],
    ['user:{7}:name', '7'],
    ['{a}x{b}', 'b'],
    ['k{}', ''],
    ['{a}x{b', 'a'],
    ['{a}b}', 'a}b'],
    ['{a{b}', 'b'],
    ['}{', '}{'],
    ['}', '}'],
    ['{', '{'],
    ['{}', ''],
    ['x}{a}', 'a'],
    ['two\nlines{a\nb}\n', 'a\nb'],
    ['\xff\x00{\xfe}', '\xfe'],
  ];
  it.each(tags)('takes from %j the tag %j', (key, tag) => {
    expect(standard.slotOf(key)).toBe(slotOfTag(tag));
    expect(spelledOut.slotOf(key)).toBe(slotOfTag(tag));
  });

  it('gives any key the slot that its regular expressions give', () => {
    const key = fc.oneof(
      fc
        .array(fc.constantFrom('{', '}', '{}', 'a', 'b', '\n', '\r', '\x85', '\xff'), { maxLength: 12 })
        .map((parts) => parts.join('')),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    fc.assert(
      fc.property(key, (text) => {
        expect(standard.slotOf(text)).toBe(spelledOut.slotOf(text));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a custom hashing policy', () => {
  it('uses the first rule that matches', () => {
    const policy = policyOf('user:(?<tag>[0-9]+)', '(?<tag>user)', '(?<tag>.*)');
    expect(policy.slotOf('user:42:name')).toBe(slotOfTag('42'));
    expect(policy.slotOf('user:x')).toBe(slotOfTag('user'));
    expect(policy.slotOf('order:1')).toBe(slotOfTag('order:1'));
  });

  it('anchors a rule at the first byte but not at the last', () => {
    const policy = policyOf('a(?<tag>b)');
    expect(policy.slotOf('abc')).toBe(slotOfTag('b'));
    expect(policy.slotOf('xab')).toBeNull();
    expect(policyOf('x|a(?<tag>b)').slotOf('yab')).toBeNull();
  });

  it('gives a key that no rule matches no slot, again and again', () => {
    const policy = policyOf('k(?<tag>.)');
    expect([policy.slotOf('zz'), policy.slotOf('ka'), policy.slotOf('zz')]).toEqual([null, slotOfTag('a'), null]);
  });

  it('pins every key to one slot with a catch-all', () => {
    const policy = policyOf('.*(?<tag>)');
    expect(policy.slotOf('a')).toBe(0);
    expect(policy.slotOf('anything\nelse')).toBe(0);
  });

  it('counts a group that took no part as an empty tag', () => {
    expect(policyOf('(?<tag>a)|b').slotOf('b')).toBe(slotOfTag(''));
  });

  it('matches bytes, whatever alphabet the rule is written in', () => {
    const policy = policyOf('é(?<tag>.*)');
    expect(policy.slotOf(Buffer.from('éa', 'utf8').toString('latin1'))).toBe(slotOfTag('a'));
    expect(policy.slotOf(Buffer.from('éa', 'latin1').toString('latin1'))).toBeNull();
  });

  it('reads the other spelling of a named group', () => {
    expect(policyOf('a(?P<tag>.*)').slotOf('ab')).toBe(slotOfTag('b'));
  });

  it('does not take a lone standard rule for the standard pair', () => {
    expect(policyOf('.*\\{(?<tag>.*)\\}.*').slotOf('plain')).toBeNull();
  });
});

describe('what settings add to a policy', () => {
  it('legacy slots are 1 to 4096 by the same rules', () => {
    const legacy = policyOf(LEGACY_SLOTS.regex, ...STANDARD_HASHING_RULES.map(({ regex }) => regex));
    for (const key of ['a', '{a}x{b}', 'k{}', '']) {
      expect(legacy.slotOf(key)).toBe((standard.slotOf(key)! & 4095) + 1);
    }
    const custom = policyOf(LEGACY_SLOTS.regex, 'a(?<tag>.*)');
    expect([custom.slotOf('b'), custom.slotOf('ax')]).toEqual([null, (slotOfTag('x') & 4095) + 1]);
  });

  it('an implicit key counts where no rule matches, beyond the most rules too', () => {
    const rules = Array.from({ length: HASHING_RULES_MAX }, (_, at) => `${at}:(?<tag>.*)`);
    const policy = policyOf(...rules, IMPLICIT_RULE.regex);
    expect([policy.slotOf('3:x'), policy.slotOf('other')]).toEqual([slotOfTag('x'), slotOfTag('other')]);
  });
});

describe('refused hashing policies', () => {
  it('name the rule and the reason', () => {
    expect(refusalOf()).toMatch(/at least one rule/);
    expect(refusalOf('(?<tag>.*)', '(?<tag>')).toMatch(/^rule 2 \(\(\?<tag>\): .+/);
    expect(refusalOf('.*')).toMatch(/no group named tag/);
    expect(refusalOf('(?<other>.*)')).toMatch(/no group named tag/);
    expect(refusalOf('(?<tag>a++)')).toMatch(/^rule 1/);
    expect(refusalOf('(?i)(?<tag>a)')).toMatch(/^rule 1/);
  });

  it('have more or longer rules than the limit; at the limit they stand', () => {
    expect(refusalOf(ruleOfLength(HASHING_RULE_LENGTH_MAX + 1))).toMatch(/longer than 256/);
    expect(refusalOf(...Array.from({ length: HASHING_RULES_MAX + 1 }, () => '(?<tag>.*)'))).toMatch(/at most 32/);
    expect(policyOf(ruleOfLength(HASHING_RULE_LENGTH_MAX)).slotOf('a')).toBeNull();
    expect(policyOf(...Array.from({ length: HASHING_RULES_MAX }, () => '(?<tag>.*)')).slotOf('a')).toBe(slotOfTag('a'));
  });
});
