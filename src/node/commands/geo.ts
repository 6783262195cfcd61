/** Members of a sorted set as places: a member's score is where it is. Searching is in `geo-search.ts`. [redis geo.c] */

import { NULL_ARRAY, Raw, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { SortedSetValue } from '../keyspace/sorted-set.ts';
import type { CommandContext } from '../shard/context.ts';
import {
  byHand,
  double,
  foundBy,
  key,
  many,
  optional,
  pureToken,
  text,
  unread,
  word,
  type ArgumentDoc,
} from './arguments.ts';
import { defineCommand, type Command, type KeySpec } from './command.ts';
import { distance, lettersOf, placeAt, scoreOf, type Place } from './geo-cells.ts';
import {
  placeOfMember,
  readPlace,
  readRadius,
  readUnit,
  readWish,
  search,
  store,
  type Form,
  type Found,
  type Wish,
} from './geo-search.ts';
import { formatFixed } from './numbers.ts';
import { addMembers } from './sorted-sets.ts';

const DISTANCE_DIGITS = 4;
const COORDINATE_DIGITS = 17;
/** GEORADIUS may store from its sixth word on; GEORADIUSBYMEMBER's keys are looked for from there too. */
const STORE_FROM = 5;

/** Without zeros at its end; a double for RESP3. */
function coordinate({ session }: CommandContext, value: number): Reply {
  const digits = formatFixed(value, COORDINATE_DIGITS).replace(/\.?0+$/, '');
  const shown = digits === '-0' ? '0' : digits;
  return session.protocol === 3 ? new Raw(`,${shown}\r\n`) : shown;
}

const coordinates = (context: CommandContext, { longitude, latitude }: Place): Reply => [
  coordinate(context, longitude),
  coordinate(context, latitude),
];

function shownAs(context: CommandContext, wish: Wish, found: Found): Reply {
  const more: Reply[] = [];
  if (wish.withDistance) more.push(formatFixed(found.distance, DISTANCE_DIGITS));
  if (wish.withScore) more.push(BigInt(Math.trunc(found.score)));
  if (wish.withPlace) more.push(coordinates(context, found.place));
  return more.length === 0 ? found.member : [found.member, ...more];
}

function answer(context: CommandContext, value: SortedSetValue | undefined, wish: Wish): Reply {
  const found = value === undefined ? [] : search(value, wish);
  if (wish.store !== null) return store(context, wish, found);
  return found.map((each) => shownAs(context, wish, each));
}

const units = ['M', 'KM', 'FT', 'MI'].map((token) => pureToken(token));
const unitDoc: ArgumentDoc = { name: 'unit', type: 'oneof', arguments: units };
const lonLat: readonly ArgumentDoc[] = [
  { name: 'longitude', type: 'double' },
  { name: 'latitude', type: 'double' },
];
const fromDoc: ArgumentDoc = {
  name: 'from',
  type: 'oneof',
  arguments: [
    { name: 'member', type: 'string', token: 'FROMMEMBER' },
    { name: 'fromlonlat', type: 'block', token: 'FROMLONLAT', arguments: lonLat },
  ],
};
const byDoc: ArgumentDoc = {
  name: 'by',
  type: 'oneof',
  arguments: [
    { name: 'circle', type: 'block', arguments: [{ name: 'radius', type: 'double', token: 'BYRADIUS' }, unitDoc] },
    {
      name: 'box',
      type: 'block',
      arguments: [{ name: 'width', type: 'double', token: 'BYBOX' }, { name: 'height', type: 'double' }, unitDoc],
    },
  ],
};
const flagDoc = (token: string): ArgumentDoc => ({ ...pureToken(token), optional: true });
const withDocs = ['WITHCOORD', 'WITHDIST', 'WITHHASH'].map(flagDoc);
const orderDoc: ArgumentDoc = {
  name: 'order',
  type: 'oneof',
  optional: true,
  arguments: ['ASC', 'DESC'].map((token) => pureToken(token)),
};
const countDoc: ArgumentDoc = {
  name: 'count-block',
  type: 'block',
  optional: true,
  arguments: [{ name: 'count', type: 'integer', token: 'COUNT' }, flagDoc('ANY')],
};
const storeDoc: ArgumentDoc = {
  name: 'store',
  type: 'oneof',
  optional: true,
  arguments: ['STORE', 'STOREDIST'].map((token, at) => ({ name: 'key', type: 'key', token, keySpec: at + 1 })),
};

// Which options there are `readWish` knows, and reads them once the key has been looked up
const searchWords = byHand(5, fromDoc, byDoc, orderDoc, countDoc, ...withDocs);
const storeWords = byHand(5, fromDoc, byDoc, orderDoc, countDoc, flagDoc('STOREDIST'));

const unit = unread(word('M', 'KM', 'FT', 'MI'));
const radius = unread(double());

/** The source, and the last destination that is named. [redis geo.c georadiusGetKeys] */
function keyPositions(given: readonly string[]): number[] {
  let destination = -1;
  for (let at = STORE_FROM; at < given.length - 1; at++) {
    if (/^store(dist)?$/i.test(given[at]!)) destination = ++at;
  }
  return destination < 0 ? [1] : [1, destination];
}

function storingSpecs(from: number): readonly KeySpec[] {
  const find = { kind: 'range', last: 0, step: 1, limit: 0 } as const;
  return [
    { flags: ['RO', 'access'], begin: { index: 1 }, find },
    ...['STORE', 'STOREDIST'].map((keyword): KeySpec => ({ flags: ['OW', 'update'], begin: { keyword, from }, find })),
  ];
}

const shared = {
  group: 'geo',
  complexity: 'O(N+log(M)) for N members in the cells around the shape and M members in it.',
} as const;

const aroundPlace = (name: string, since: string, form: Form): Command =>
  defineCommand({
    ...shared,
    name,
    since,
    summary: `Returns${form === 'radius' ? ' or stores' : ''} the members within a distance of a place.`,
    deprecated: { since: '6.2.0', replacedBy: '`GEOSEARCH`' },
    ...(form === 'radius'
      ? { flags: ['write', 'denyoom', 'movablekeys'], keySpecs: storingSpecs(6), keyPositions }
      : { flags: ['readonly'] }),
    arguments: {
      key: key('RO', 'access'),
      longitude: unread(double()),
      latitude: unread(double()),
      radius,
      unit,
      options: byHand(0, ...withDocs, countDoc, orderDoc, ...(form === 'radius' ? [storeDoc] : [])),
    },
    run(context, given) {
      const value = context.keyspace.readSortedSet(given.key);
      const center = readPlace(given.longitude, given.latitude);
      const extent = readRadius(given.radius, given.unit);
      return answer(context, value, readWish({ form, name, center, extent, store: null }, given.options, value));
    },
  });

const aroundMember = (name: string, since: string, form: Form): Command =>
  defineCommand({
    ...shared,
    name,
    since,
    summary: `Returns${form === 'radius' ? ' or stores' : ''} the members within a distance of one of them.`,
    deprecated: { since: '6.2.0', replacedBy: '`GEOSEARCH`' },
    ...(form === 'radius'
      ? { flags: ['write', 'denyoom', 'movablekeys'], keySpecs: storingSpecs(5), keyPositions }
      : { flags: ['readonly'] }),
    arguments: {
      key: key('RO', 'access'),
      member: text(),
      radius,
      unit,
      options: byHand(0, ...withDocs, countDoc, orderDoc, ...(form === 'radius' ? [storeDoc] : [])),
    },
    run(context, given) {
      const value = context.keyspace.readSortedSet(given.key);
      // Without a key only the options are read
      const center = value === undefined ? null : placeOfMember(value, given.member);
      const extent = value === undefined ? null : readRadius(given.radius, given.unit);
      return answer(context, value, readWish({ form, name, center, extent, store: null }, given.options, value));
    },
  });

/** `[NX | XX] [CH] longitude latitude member …`, read by hand: options end at the first other word. */
function readAddition(given: readonly string[]): { options: string[]; members: string[]; scores: number[] } {
  const options: string[] = [];
  while (/^(nx|xx|ch)$/i.test(given[options.length] ?? '')) options.push(given[options.length]!.toUpperCase());
  const data = given.slice(options.length);
  if (data.length % 3 !== 0 || (options.includes('NX') && options.includes('XX'))) throw refuse('SYNTAX');
  const members: string[] = [];
  const scores: number[] = [];
  for (let at = 0; at < data.length; at += 3) {
    scores.push(scoreOf(readPlace(data[at]!, data[at + 1]!)));
    members.push(data[at + 2]!);
  }
  if (members.length === 0) throw refuse('SYNTAX');
  return { options, members, scores };
}

/** Where the members are; null for one that is not there. */
function placesOf({ keyspace }: CommandContext, name: string, members: readonly string[]): (Place | null)[] {
  const value = keyspace.readSortedSet(name);
  return members.map((member) => {
    const score = value?.score(member);
    return score === undefined ? null : placeAt(score);
  });
}

export const geoCommands: readonly Command[] = [
  defineCommand({
    name: 'GEOADD',
    group: 'geo',
    since: '3.2.0',
    summary: 'Adds members with their places, or moves those that are there.',
    complexity: 'O(log(N)) for each member, where N is the size of the sorted set.',
    flags: ['write', 'denyoom'],
    arguments: {
      key: key('RW', 'update'),
      data: byHand(
        3,
        {
          name: 'condition',
          type: 'oneof',
          optional: true,
          arguments: ['NX', 'XX'].map((token) => pureToken(token)),
        },
        { ...flagDoc('CH'), name: 'change' },
        { name: 'data', type: 'block', multiple: true, arguments: [...lonLat, { name: 'member', type: 'string' }] },
      ),
    },
    run(context, given) {
      const { options, members, scores } = readAddition(given.data);
      const conditions = { nx: options.includes('NX'), xx: options.includes('XX'), gt: false, lt: false };
      // Redis turns it into this before it runs
      context.replicateNothing();
      const before = context.shard.dirty;
      const count = addMembers(context, given.key, {
        members,
        scores,
        conditions,
        countChanged: options.includes('CH'),
      });
      if (context.shard.dirty !== before) {
        const pairs = members.flatMap((member, at) => [String(scores[at]), member]);
        context.replicateAs('ZADD', given.key, ...options, ...pairs);
      }
      return count;
    },
  }),

  defineCommand({
    name: 'GEOPOS',
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns longitude and latitude of members.',
    complexity: 'O(1) for each member.',
    flags: ['readonly'],
    arguments: { key: key('RO', 'access'), member: many(text(), { min: 0 }) },
    run(context, given) {
      return placesOf(context, given.key, given.member).map((place) =>
        place === null ? NULL_ARRAY : coordinates(context, place),
      );
    },
  }),

  defineCommand({
    name: 'GEOHASH',
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns the places of members in the letters of geohash.org.',
    complexity: 'O(1) for each member.',
    flags: ['readonly'],
    arguments: { key: key('RO', 'access'), member: many(text(), { min: 0 }) },
    run(context, given) {
      return placesOf(context, given.key, given.member).map((place) => (place === null ? null : lettersOf(place)));
    },
  }),

  defineCommand({
    name: 'GEODIST',
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns the distance between two members.',
    complexity: 'O(1)',
    flags: ['readonly'],
    arguments: { key: key('RO', 'access'), member1: text(), member2: text(), unit: optional(unit) },
    run(context, given) {
      const unitM = given.unit === undefined ? 1 : readUnit(given.unit);
      const [first, second] = placesOf(context, given.key, [given.member1, given.member2]);
      if (!first || !second) return null;
      return formatFixed(distance(first, second) / unitM, DISTANCE_DIGITS);
    },
  }),

  defineCommand({
    ...shared,
    name: 'GEOSEARCH',
    since: '6.2.0',
    summary: 'Returns the members within a circle or a box.',
    flags: ['readonly'],
    arguments: { key: key('RO', 'access'), options: searchWords },
    run(context, given, [name]) {
      const value = context.keyspace.readSortedSet(given.key);
      const form = { form: 'search', name: name!, center: null, extent: null, store: null } as const;
      return answer(context, value, readWish(form, given.options, value));
    },
  }),

  defineCommand({
    ...shared,
    name: 'GEOSEARCHSTORE',
    since: '6.2.0',
    summary: 'Stores the members within a circle or a box in a key.',
    flags: ['write', 'denyoom'],
    arguments: {
      destination: key('OW', 'update'),
      source: foundBy(1, key('RO', 'access')),
      options: storeWords,
    },
    run(context, given, [name]) {
      const value = context.keyspace.readSortedSet(given.source);
      const form = {
        form: 'search-store',
        name: name!,
        center: null,
        extent: null,
        store: given.destination,
      } as const;
      return answer(context, value, readWish(form, given.options, value));
    },
  }),

  aroundPlace('GEORADIUS', '3.2.0', 'radius'),
  aroundPlace('GEORADIUS_RO', '3.2.10', 'radius-read'),
  aroundMember('GEORADIUSBYMEMBER', '3.2.0', 'radius'),
  aroundMember('GEORADIUSBYMEMBER_RO', '3.2.10', 'radius-read'),
];
