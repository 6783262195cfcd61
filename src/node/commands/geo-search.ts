/** GEOSEARCH and GEORADIUS: their words, read by one table of rules, and the search itself. [redis geo.c georadiusGeneric] */

import { formatDouble } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { SortedSetValue } from '../keyspace/sorted-set.ts';
import type { CommandContext } from '../shard/context.ts';
import {
  cellsOf,
  distanceWithin,
  LATITUDE_MAX,
  LONGITUDE_MAX,
  placeAt,
  scoresOf,
  type Place,
  type Shape,
} from './geo-cells.ts';
import { formatFixed, parseDouble, parseInteger } from './numbers.ts';

/** Metres. */
const UNITS: Readonly<Record<string, number>> = { M: 1, KM: 1000, FT: 0.3048, MI: 1609.34 };
const REPLICATED_MEMBERS_MAX = 500;

/** What a request may say: GEOSEARCH names its centre and shape, GEORADIUS has them in fixed places and may store. */
export type Form = 'radius' | 'radius-read' | 'search' | 'search-store';

export interface Wish {
  readonly withDistance: boolean;
  readonly withScore: boolean;
  readonly withPlace: boolean;
  readonly order: 'asc' | 'desc' | null;
  /** 0: all. */
  readonly count: number;
  /** Whichever are found first. */
  readonly any: boolean;
  readonly store: string | null;
  readonly storeDistance: boolean;
  /** Null where the member it is to be taken from cannot be looked up: there is no key. */
  readonly center: Place | null;
  readonly extent: Extent | null;
}

export interface Extent {
  readonly kind: 'circle' | 'box';
  /** In the unit; a circle's radius twice. */
  readonly halfWidth: number;
  readonly halfHeight: number;
  readonly unitM: number;
}

export interface Found {
  readonly member: string;
  readonly score: number;
  readonly place: Place;
  /** In the unit of the request. */
  readonly distance: number;
}

function numberFrom(text: string, otherwise?: string): number {
  const value = parseDouble(text);
  if (value === null) throw otherwise === undefined ? refuse('NOT_FLOAT') : refuse('ERR', otherwise);
  return value;
}

export function readPlace(longitudeText: string, latitudeText: string): Place {
  const longitude = numberFrom(longitudeText);
  const latitude = numberFrom(latitudeText);
  if (Math.abs(longitude) > LONGITUDE_MAX || Math.abs(latitude) > LATITUDE_MAX) {
    throw refuse('ERR', `invalid longitude,latitude pair ${formatFixed(longitude, 6)},${formatFixed(latitude, 6)}`);
  }
  return { longitude, latitude };
}

export function readUnit(text: string): number {
  const unit = Object.hasOwn(UNITS, text.toUpperCase()) ? UNITS[text.toUpperCase()] : undefined;
  if (unit === undefined) throw refuse('ERR', 'unsupported unit provided. please use M, KM, FT, MI');
  return unit;
}

export function readRadius(radiusText: string, unitText: string): Extent {
  const radius = numberFrom(radiusText, 'need numeric radius');
  if (radius < 0) throw refuse('ERR', 'radius cannot be negative');
  return { kind: 'circle', halfWidth: radius, halfHeight: radius, unitM: readUnit(unitText) };
}

function readBox(widthText: string, heightText: string, unitText: string): Extent {
  const width = numberFrom(widthText, 'need numeric width');
  const height = numberFrom(heightText, 'need numeric height');
  if (width < 0 || height < 0) throw refuse('ERR', 'height or width cannot be negative');
  return { kind: 'box', halfWidth: width / 2, halfHeight: height / 2, unitM: readUnit(unitText) };
}

export function placeOfMember(value: SortedSetValue, member: string): Place {
  const score = value.score(member);
  if (score === undefined) throw refuse('ERR', 'could not decode requested zset member');
  return placeAt(score);
}

function readCount(text: string): number {
  const count = parseInteger(text);
  if (count === null) throw refuse('NOT_INTEGER');
  if (count <= 0) throw refuse('ERR', 'COUNT must be > 0');
  return count;
}

type Draft = { -readonly [K in keyof Wish]: Wish[K] };

interface Token {
  /** Words that must follow. */
  readonly takes: number;
  readonly forms: readonly Form[];
  /** False: not beside what was said before it. */
  apply(draft: Draft, words: readonly string[], value: SortedSetValue | undefined): void;
  allowed?(said: ReadonlySet<string>): boolean;
}

const ALL: readonly Form[] = ['radius', 'radius-read', 'search', 'search-store'];
const SEARCHES: readonly Form[] = ['search', 'search-store'];

const TOKENS: Readonly<Record<string, Token>> = {
  WITHDIST: { takes: 0, forms: ALL, apply: (draft) => (draft.withDistance = true) },
  WITHHASH: { takes: 0, forms: ALL, apply: (draft) => (draft.withScore = true) },
  WITHCOORD: { takes: 0, forms: ALL, apply: (draft) => (draft.withPlace = true) },
  ANY: { takes: 0, forms: ALL, apply: (draft) => (draft.any = true) },
  ASC: { takes: 0, forms: ALL, apply: (draft) => (draft.order = 'asc') },
  DESC: { takes: 0, forms: ALL, apply: (draft) => (draft.order = 'desc') },
  COUNT: { takes: 1, forms: ALL, apply: (draft, [count]) => (draft.count = readCount(count!)) },
  STORE: {
    takes: 1,
    forms: ['radius'],
    apply(draft, [destination]) {
      draft.store = destination!;
      draft.storeDistance = false;
    },
  },
  FROMMEMBER: {
    takes: 1,
    forms: SEARCHES,
    allowed: (said) => !said.has('FROMLONLAT'),
    apply(draft, [member], value) {
      if (value !== undefined) draft.center = placeOfMember(value, member!);
    },
  },
  FROMLONLAT: {
    takes: 2,
    forms: SEARCHES,
    allowed: (said) => !said.has('FROMMEMBER'),
    apply: (draft, [longitude, latitude]) => (draft.center = readPlace(longitude!, latitude!)),
  },
  BYRADIUS: {
    takes: 2,
    forms: SEARCHES,
    allowed: (said) => !said.has('BYBOX'),
    apply: (draft, [radius, unit]) => (draft.extent = readRadius(radius!, unit!)),
  },
  BYBOX: {
    takes: 3,
    forms: SEARCHES,
    allowed: (said) => !said.has('BYRADIUS'),
    apply: (draft, [width, height, unit]) => (draft.extent = readBox(width!, height!, unit!)),
  },
};

/** With a destination behind it in GEORADIUS, alone in GEOSEARCHSTORE. */
const STOREDIST: Readonly<Partial<Record<Form, Token>>> = {
  radius: {
    takes: 1,
    forms: ['radius'],
    apply(draft, [destination]) {
      draft.store = destination!;
      draft.storeDistance = true;
    },
  },
  'search-store': { takes: 0, forms: ['search-store'], apply: (draft) => (draft.storeDistance = true) },
};

export interface Given {
  readonly form: Form;
  /** As the request names the command. */
  readonly name: string;
  readonly center: Place | null;
  readonly extent: Extent | null;
  readonly store: string | null;
}

/** Reads the options of a request; `value` is what the source key holds. */
export function readWish(given: Given, words: readonly string[], value: SortedSetValue | undefined): Wish {
  const { form, name, center, extent, store } = given;
  const draft: Draft = {
    withDistance: false,
    withScore: false,
    withPlace: false,
    order: null,
    count: 0,
    any: false,
    store,
    storeDistance: false,
    center,
    extent,
  };
  const said = new Set<string>();
  for (let at = 0; at < words.length;) {
    const word = words[at]!.toUpperCase();
    const token = word === 'STOREDIST' ? STOREDIST[form] : Object.hasOwn(TOKENS, word) ? TOKENS[word] : undefined;
    const following = words.length - at - 1;
    if (token === undefined || !token.forms.includes(form) || following < token.takes) throw refuse('SYNTAX');
    if (token.allowed?.(said) === false) throw refuse('SYNTAX');
    token.apply(draft, words.slice(at + 1, at + 1 + token.takes), value);
    said.add(word);
    at += 1 + token.takes;
  }
  if (draft.store !== null && (draft.withDistance || draft.withScore || draft.withPlace)) {
    const what = form === 'search-store' ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
    throw refuse('ERR', `${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
  }
  if (SEARCHES.includes(form)) {
    if (!said.has('FROMMEMBER') && !said.has('FROMLONLAT'))
      throw refuse('ERR', `exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`);
    if (!said.has('BYRADIUS') && !said.has('BYBOX'))
      throw refuse('ERR', `exactly one of BYRADIUS and BYBOX can be specified for ${name}`);
  }
  if (draft.any && draft.count === 0) throw refuse('ERR', 'the ANY argument requires COUNT argument');
  return draft;
}

/** Finds members in the shape; a limited search that names no order wants the nearest. */
export function search(value: SortedSetValue, wish: Wish): Found[] {
  const { halfWidth, halfHeight, unitM, kind } = wish.extent!;
  const shape: Shape = { center: wish.center!, kind, halfWidthM: halfWidth * unitM, halfHeightM: halfHeight * unitM };
  const limit = wish.any ? wish.count : Infinity;
  const found: Found[] = [];
  for (const cell of cellsOf(shape)) {
    if (found.length >= limit) break;
    const [from, before] = scoresOf(cell);
    const first = value.countWhile((score) => score < from);
    const end = value.countWhile((score) => score < before);
    value.walk(first, end - first, false, (member, score) => {
      if (found.length >= limit) return;
      const place = placeAt(score);
      const metres = distanceWithin(shape, place);
      if (metres !== null) found.push({ member, score, place, distance: metres });
    });
  }
  const order = wish.order ?? (wish.count > 0 && !wish.any ? 'asc' : null);
  if (order === 'asc') found.sort((a, b) => a.distance - b.distance);
  else if (order === 'desc') found.sort((a, b) => b.distance - a.distance);
  const kept = wish.count > 0 ? found.slice(0, wish.count) : found;
  return kept.map((each) => ({ ...each, distance: each.distance / unitM }));
}

/**
 * Stores what was found and says how many that were. Replicated is the result and not the search: another server's sine may
 * differ in the last bit.
 */
export function store(context: CommandContext, wish: Wish, found: readonly Found[]): number {
  const { keyspace } = context;
  const destination = wish.store!;
  if (found.length === 0) {
    if (keyspace.remove(destination)) context.replicateAs('DEL', destination);
    return 0;
  }
  const members = found.map(({ member }) => member);
  const scores = found.map(({ distance, score }) => (wish.storeDistance ? distance : score));
  keyspace.put(destination, SortedSetValue.from(members, scores, keyspace.limits));
  keyspace.recount(members.length - 1);
  context.replicateAs('DEL', destination);
  for (let at = 0; at < members.length; at += REPLICATED_MEMBERS_MAX) {
    const pairs = members
      .slice(at, at + REPLICATED_MEMBERS_MAX)
      .flatMap((member, i) => [formatDouble(scores[at + i]!), member]);
    context.replicateAs('ZADD', destination, ...pairs);
  }
  return found.length;
}
