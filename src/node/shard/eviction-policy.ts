/** What `maxmemory-policy` can say: which keys may go when memory is used up, and by what the next one is chosen [redis server.h MAXMEMORY_*]. */

export interface PolicyFacts {
  /** `volatile`: only keys that have an expiry. */
  readonly of: 'all' | 'volatile';
  /** Longest unused, least often used, by chance, soonest to expire. */
  readonly by: 'lru' | 'lfu' | 'random' | 'ttl';
}

/** In the order in which Redis lists them in its refusal; null: nothing goes, writes are refused. */
const POLICIES = {
  'volatile-lru': { of: 'volatile', by: 'lru' },
  'volatile-lfu': { of: 'volatile', by: 'lfu' },
  'volatile-random': { of: 'volatile', by: 'random' },
  'volatile-ttl': { of: 'volatile', by: 'ttl' },
  'allkeys-lru': { of: 'all', by: 'lru' },
  'allkeys-lfu': { of: 'all', by: 'lfu' },
  'allkeys-random': { of: 'all', by: 'random' },
  noeviction: null,
} as const satisfies Readonly<Record<string, PolicyFacts | null>>;

export type EvictionPolicy = keyof typeof POLICIES;

export const EVICTION_POLICIES = Object.keys(POLICIES) as [EvictionPolicy, ...EvictionPolicy[]];

/** Null: nothing may go. */
export const policyFacts = (policy: EvictionPolicy): PolicyFacts | null => POLICIES[policy];

export const isLfu = (policy: EvictionPolicy): boolean => POLICIES[policy]?.by === 'lfu';

/** It looks at when, or how often, each key was accessed. */
export const goesByAccess = (policy: EvictionPolicy): boolean => isLfu(policy) || POLICIES[policy]?.by === 'lru';
