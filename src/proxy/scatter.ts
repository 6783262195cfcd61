/**
 * Requests that concern several shards: how they are split, and how the replies are folded into one. Pure.
 *
 * Folds take encoded replies in the order of the parts and give one encoded reply; which fold a command gets follows from
 * its tips [redis command tips], with the few exceptions of the tables below. Encoded, because MGET over shards should not
 * decode what it only reorders.
 */

import type { Command, Tips } from '../node/commands/command.ts';
import { parseInt64 } from '../node/commands/numbers.ts';
import { encodeBulk, encodeFailure } from '../resp/reply.ts';
import { refusalText } from '../resp/refusals.ts';
import { mergeInfo, type EndpointFacts } from './info-merge.ts';
import { bodyOf, countOf, integerOf, isFailure, itemsOf, textOf } from './reply-text.ts';

/** What a fold may want to know besides the replies. */
export interface FoldContext extends EndpointFacts {
  /** Chance, in [0, 1). */
  readonly unit: number;
}

export type Fold = (replies: readonly string[], context: FoldContext) => string;

/** One shard's share of a request. */
export interface Part {
  /** Position of the shard in the slot map. */
  readonly shard: number;
  readonly words: readonly string[];
}

export interface Scattered {
  readonly parts: readonly Part[];
  readonly fold: Fold;
}

const orFailure =
  (fold: Fold): Fold =>
  (replies, context) =>
    replies.find(isFailure) ?? fold(replies, context);

/** Alone or, place by place, in arrays of them (SCRIPT EXISTS, WAITAOF). */
const numbers = (reduce: (values: number[]) => number): Fold =>
  orFailure((replies) => {
    if (countOf(replies[0]!) < 0) return `:${reduce(replies.map(integerOf))}\r\n`;
    const columns = replies.map(itemsOf);
    const items = columns[0]!.map(
      (_, at) => `:${reduce(columns.map((column) => integerOf(column[at] ?? ':0\r\n')))}\r\n`,
    );
    return `*${items.length}\r\n${items.join('')}`;
  });

/** All must succeed. */
export const firstFailureOr: Fold = orFailure((replies) => replies[0]!);
const sum = numbers((values) => values.reduce((total, value) => total + value, 0));

const logical = (holds: (values: number[]) => boolean): Fold => numbers((values) => (holds(values) ? 1 : 0));

const concatenated: Fold = orFailure((replies) => {
  const counts = replies.map(countOf);
  if (counts.some((count) => count < 0)) return replies[0]!;
  return `${replies[0]![0]}${counts.reduce((total, count) => total + count, 0)}\r\n${replies.map(bodyOf).join('')}`;
});

const byTip: Readonly<Record<NonNullable<Tips['response']>, Fold>> = {
  all_succeeded: firstFailureOr,
  one_succeeded: (replies) => replies.find((reply) => !isFailure(reply)) ?? replies[0]!,
  agg_sum: sum,
  agg_min: numbers((values) => Math.min(...values)),
  agg_max: numbers((values) => Math.max(...values)),
  agg_logical_and: logical((values) => values.every((value) => value === 1)),
  agg_logical_or: logical((values) => values.includes(1)),
  special: concatenated,
};

/** Any key of any shard that has one. */
const anyOf: Fold = orFailure((replies, { unit }) => {
  const keys = replies.filter((reply) => textOf(reply) !== null);
  return keys[Math.floor(unit * keys.length)] ?? replies[0]!;
});

/** DEBUG by `admin`: what one shard says of itself cannot be put together from several. */
export const onlyShard: Fold = (replies) =>
  replies.length === 1
    ? replies[0]!
    : encodeFailure('ERR DEBUG concerns one shard: choose it first with ANTIPODE PIN <index>');

/** Commands for all shards whose fold no tip says, or that carry no tip. */
const WHOLE_DATABASE: ReadonlyMap<string, Fold> = new Map([
  ['KEYS', concatenated],
  ['DBSIZE', sum],
  ['FLUSHALL', firstFailureOr],
  ['FLUSHDB', firstFailureOr],
  ['RANDOMKEY', anyOf],
  ['INFO', mergeInfo],
  ['FUNCTION STATS', firstFailureOr],
  ['WAIT', numbers((values) => Math.min(...values))],
]);

/** The fold of a command that goes to every shard; null for one that does not. */
export function wholeDatabaseFold(command: Command): Fold | null {
  const fold = WHOLE_DATABASE.get(command.name);
  if (fold !== undefined) return fold;
  const { request, response } = command.tips;
  if (request !== 'all_shards' && request !== 'all_nodes') return null;
  return response === undefined ? concatenated : byTip[response];
}

/** Words per key of the commands that may be split by key [RS clustering: multi-key commands across slots]. */
export const SPLIT_BY_KEY: ReadonlyMap<string, number> = new Map([
  ['DEL', 1],
  ['UNLINK', 1],
  ['EXISTS', 1],
  ['TOUCH', 1],
  ['MGET', 1],
  ['MSET', 2],
]);

/**
 * Splits a request by shard; the keys of each shard keep their order, so that the last of two values for one key still
 * counts. `shardAt` has the shard of each key.
 */
export function splitByKey(words: readonly string[], step: number, shardAt: readonly number[]): Scattered {
  const name = words[0]!;
  const parts = new Map<number, string[]>();
  const places = new Map<number, number[]>();
  for (const [key, shard] of shardAt.entries()) {
    let part = parts.get(shard);
    if (part === undefined) {
      parts.set(shard, (part = [name]));
      places.set(shard, []);
    }
    for (let at = 0; at < step; at++) part.push(words[1 + key * step + at]!);
    places.get(shard)!.push(key);
  }
  const upper = name.toUpperCase();
  const fold =
    upper === 'MGET' ? reordered([...places.values()], shardAt.length) : upper === 'MSET' ? firstFailureOr : sum;
  return { parts: [...parts].map(([shard, part]) => ({ shard, words: part })), fold };
}

/** Items of several arrays back in the places their keys had. */
const reordered = (places: readonly (readonly number[])[], count: number): Fold =>
  orFailure((replies) => {
    const items = Array.from({ length: count }, () => '');
    for (const [part, reply] of replies.entries()) {
      for (const [at, item] of itemsOf(reply).entries()) items[places[part]![at]!] = item;
    }
    return `*${count}\r\n${items.join('')}`;
  });

/**
 * SCAN walks one shard after the other. The client's cursor is the shard's cursor times the number of shards plus the
 * shard's position: with one shard it is the shard's own, 0 is the beginning and the end, and a cursor of a shard that is
 * below 2^54 stays below 2^63 with the 512 shards a database may have.
 */
export function scatterScan(words: readonly string[], shardCount: number): Scattered {
  const cursor = parseInt64(words[1] ?? '');
  if (cursor === null || cursor < 0n) {
    return { parts: [], fold: () => encodeFailure(refusalText('INVALID_CURSOR')) };
  }
  const count = BigInt(shardCount);
  const shard = Number(cursor % count);
  const fold: Fold = orFailure((replies) => {
    const [next, keys] = itemsOf(replies[0]!);
    const walked = BigInt(textOf(next!) ?? '0');
    const following = walked !== 0n ? walked * count + BigInt(shard) : BigInt((shard + 1) % shardCount);
    return `*2\r\n${encodeBulk(String(following))}${keys!}`;
  });
  return { parts: [{ shard, words: ['SCAN', String(cursor / count), ...words.slice(2)] }], fold };
}

/** CONFIG GET shows what clients of Redis Enterprise may see, nothing else. */
export const filteredPairs = (permitted: (name: string) => boolean): Fold =>
  orFailure((replies) => {
    const isMap = replies[0]!.startsWith('%');
    const flat = itemsOf(
      isMap ? `*${2 * Number(/^%(\d+)/.exec(replies[0]!)![1])}\r\n${bodyOf(replies[0]!)}` : replies[0]!,
    );
    const kept = flat.filter((_, at) => permitted(textOf(flat[at - (at % 2)]!) ?? ''));
    return `${isMap ? `%${kept.length / 2}` : `*${kept.length}`}\r\n${kept.join('')}`;
  });
