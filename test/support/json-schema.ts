/**
 * Values that a JSON schema allows, and values one step away from them, for fast-check. Knows what our own schemas are made of: types,
 * enumerations, ranges, optional and further properties, alternatives. A `pool` names values for properties by their name, so that
 * generated bodies meet what is there.
 */

import fc, { type Arbitrary } from 'fast-check';

export interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

export type Pools = Readonly<Record<string, readonly unknown[]>>;

/** Properties that one object of a body has at most: all at once would always break some rule. */
const PROPERTIES_MAX = 8;

const NONSENSE: readonly unknown[] = [
  null,
  '',
  'x',
  -1,
  0,
  1.5,
  1e308,
  true,
  [],
  {},
  [null],
  { a: 1 },
  '\u0000',
  'ü'.repeat(300),
];

export const allowedBy = (schema: JsonSchema, pools: Pools, name = ''): Arbitrary<unknown> => {
  const pool = pools[name];
  if (pool !== undefined) return fc.constantFrom(...pool);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return fc.oneof(...alternatives.map((each) => allowedBy(each, pools)));
  switch (schema.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number': {
      const min = Math.max(schema.minimum ?? 0, -(2 ** 31));
      const max = Math.min(schema.maximum ?? 1_000_000, Number.MAX_SAFE_INTEGER);
      return fc.oneof(fc.integer({ min, max: Math.min(max, min + 20) }), fc.integer({ min, max }));
    }
    case 'string':
      if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern));
      return fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 20, 20) });
    case 'array':
      return fc.array(allowedBy(schema.items ?? {}, pools), { maxLength: 3 });
    case 'object': {
      const properties = schema.properties ?? {};
      const required = schema.required ?? [];
      const optional = Object.keys(properties).filter((each) => !required.includes(each));
      return fc
        .tuple(fc.constant(required), fc.subarray(optional, { maxLength: Math.min(PROPERTIES_MAX, optional.length) }))
        .chain(([needed, chosen]) =>
          fc.record(
            Object.fromEntries([...needed, ...chosen].map((each) => [each, allowedBy(properties[each]!, pools, each)])),
          ),
        );
    }
    default:
      return fc.constantFrom(...NONSENSE);
  }
};

/** What the schema allows, with one value exchanged, one property added or one taken away. */
export const nearlyAllowedBy = (schema: JsonSchema, pools: Pools): Arbitrary<unknown> =>
  fc
    .tuple(
      allowedBy(schema, pools),
      fc.nat(),
      fc.constantFrom(...NONSENSE),
      fc.constantFrom('exchange', 'add', 'remove', 'whole'),
    )
    .map(([value, at, nonsense, how]) => {
      if (how === 'whole' || value === null || typeof value !== 'object') return nonsense;
      const copy = structuredClone(value) as Record<string, unknown>;
      const names = Object.keys(copy);
      if (how === 'add' || names.length === 0) return { ...copy, [`unknown${at % 3}`]: nonsense };
      const name = names[at % names.length]!;
      if (how === 'remove') delete copy[name];
      else copy[name] = nonsense;
      return copy;
    });
