/**
 * Places on earth as numbers: the world is halved again and again in longitude and latitude, the bits of both take turns in one
 * number of 52. Cells are what fewer steps of it cover. [redis geohash.c, geohash_helper.c]
 *
 * Pure. Distances are of a sphere. JavaScript's sine and the C library's may differ in the last bit of a distance.
 */

export const LONGITUDE_MAX = 180;
/** Mercator ends here. */
export const LATITUDE_MAX = 85.05112878;
const STEPS = 26;
const WORD = 2 ** 32;
const INT64_MIN = -(2 ** 63);
const UINT64_END = 2 ** 64;
const RADIAN = Math.PI / 180;
const EARTH_RADIUS_M = 6372797.560856;
/** Half of the earth's circumference as the projection has it. */
const MERCATOR_MAX_M = 20037726.37;
const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';
const HASH_CHARS = 11;

export interface Place {
  readonly longitude: number;
  readonly latitude: number;
}

/** Column and row at so many halvings. */
export interface Cell {
  readonly column: number;
  readonly row: number;
  readonly steps: number;
}

interface Area {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

const WORLD: Area = { west: -LONGITUDE_MAX, east: LONGITUDE_MAX, south: -LATITUDE_MAX, north: LATITUDE_MAX };
/** The one that GEOHASH's letters are of. */
const WHOLE_WORLD: Area = { ...WORLD, south: -90, north: 90 };

function cellOf({ longitude, latitude }: Place, steps: number, world = WORLD): Cell {
  const columns = 2 ** steps;
  return {
    column: Math.floor(((longitude - world.west) / (world.east - world.west)) * columns),
    row: Math.floor(((latitude - world.south) / (world.north - world.south)) * columns),
    steps,
  };
}

function areaOf({ column, row, steps }: Cell): Area {
  const columns = 2 ** steps;
  const width = WORLD.east - WORLD.west;
  const height = WORLD.north - WORLD.south;
  return {
    west: WORLD.west + (column / columns) * width,
    east: WORLD.west + ((column + 1) / columns) * width,
    south: WORLD.south + (row / columns) * height,
    north: WORLD.south + ((row + 1) / columns) * height,
  };
}

/** Every second bit of what a half word is spread over. */
function spread(half: number): number {
  let bits = half;
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

function gather(word: number): number {
  let bits = word & 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

/** Rows in the even bits, columns in the odd ones. */
function bitsOf({ column, row }: Cell): number {
  const high = (spread(row >>> 16) | (spread(column >>> 16) << 1)) >>> 0;
  const low = (spread(row & 0xffff) | (spread(column & 0xffff) << 1)) >>> 0;
  return high * WORD + low;
}

/** The score of a member at that place. */
export const scoreOf = (place: Place): number => bitsOf(cellOf(place, STEPS));

/** Scores of the members in a cell: from the first to before the second. */
export function scoresOf(cell: Cell): readonly [from: number, before: number] {
  const bits = bitsOf(cell);
  const size = 4 ** (STEPS - cell.steps);
  return [bits * size, (bits + 1) * size];
}

/** As the processor makes an unsigned word of a double: scores that no GEOADD made are places too. */
function wordsOf(score: number): readonly [high: number, low: number] {
  if (score >= 0 && score < Number.MAX_SAFE_INTEGER) return [Math.floor(score / WORD), score >>> 0];
  if (score >= UINT64_END) return [0, 0];
  if (score < INT64_MIN) return [WORD / 2, 0];
  const bits = BigInt.asUintN(64, BigInt(Math.trunc(score)));
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
}

const within = (value: number, max: number): number => Math.min(max, Math.max(-max, value));

/** The middle of the smallest cell. */
export function placeAt(score: number): Place {
  const [high, low] = wordsOf(score);
  const column = ((gather(high >>> 1) << 16) | gather(low >>> 1)) >>> 0;
  const row = ((gather(high) << 16) | gather(low)) >>> 0;
  const { west, east, south, north } = areaOf({ column, row, steps: STEPS });
  return {
    longitude: within((west + east) / 2, LONGITUDE_MAX),
    latitude: within((south + north) / 2, LATITUDE_MAX),
  };
}

/** The letters that other programs know the place by; the last one stands for bits that are not there. */
export function lettersOf(place: Place): string {
  const { column, row } = cellOf(place, STEPS, WHOLE_WORLD);
  let bits = BigInt(bitsOf({ column, row, steps: STEPS })) >> 2n;
  let letters = '0';
  for (let at = 1; at < HASH_CHARS; at++, bits >>= 5n) letters = ALPHABET[Number(bits & 31n)]! + letters;
  return letters;
}

const latitudeDistance = (a: number, b: number): number => EARTH_RADIUS_M * Math.abs(b * RADIAN - a * RADIAN);

/** Metres along a great circle. */
export function distance(a: Place, b: Place): number {
  const v = Math.sin((b.longitude * RADIAN - a.longitude * RADIAN) / 2);
  if (v === 0) return latitudeDistance(a.latitude, b.latitude);
  const from = a.latitude * RADIAN;
  const to = b.latitude * RADIAN;
  const u = Math.sin((to - from) / 2);
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(u * u + Math.cos(from) * Math.cos(to) * v * v));
}

/** What a search covers around its centre, in metres. */
export interface Shape {
  readonly center: Place;
  readonly kind: 'circle' | 'box';
  /** Half of a box's sides; a circle's radius twice. */
  readonly halfWidthM: number;
  readonly halfHeightM: number;
}

/** Metres from the centre; null when the place is outside. */
export function distanceWithin(shape: Shape, place: Place): number | null {
  const { center } = shape;
  if (shape.kind === 'circle') {
    const metres = distance(center, place);
    return metres > shape.halfWidthM ? null : metres;
  }
  if (latitudeDistance(place.latitude, center.latitude) > shape.halfHeightM) return null;
  const across = distance(place, { longitude: center.longitude, latitude: place.latitude });
  return across > shape.halfWidthM ? null : distance(center, place);
}

/** Bent in truth: the wider of the two ends counts. */
function boundsOf({ center: { longitude, latitude }, halfWidthM, halfHeightM }: Shape): Area {
  const up = halfHeightM / EARTH_RADIUS_M / RADIAN;
  const widest = latitude < 0 ? latitude - up : latitude + up;
  const aside = halfWidthM / EARTH_RADIUS_M / Math.cos(widest * RADIAN) / RADIAN;
  return { west: longitude - aside, east: longitude + aside, south: latitude - up, north: latitude + up };
}

/** How small cells may be for nine of them to cover what is looked for. */
function stepsFor(radiusM: number, latitude: number): number {
  if (radiusM === 0) return STEPS;
  let steps = -1;
  for (let metres = radiusM; metres < MERCATOR_MAX_M; metres *= 2) steps++;
  // Towards the poles cells are narrower
  if (Math.abs(latitude) > 66) steps--;
  if (Math.abs(latitude) > 80) steps--;
  return Math.min(STEPS, Math.max(1, steps));
}

function beside(cell: Cell, columns: number, rows: number): Cell {
  const count = 2 ** cell.steps;
  // What is not moved keeps its place, also that beyond the edge of the world
  const moved = (value: number, by: number): number => (by === 0 ? value : (value + by + count) % count);
  return { column: moved(cell.column, columns), row: moved(cell.row, rows), steps: cell.steps };
}

/** The cell of the centre and those around it, in Redis's order: columns and rows away. */
const AROUND = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
] as const;

/** The cells in which to look. One that comes twice in a row is left out, as in Redis; others may come twice. */
export function cellsOf(shape: Shape): Cell[] {
  const { center, kind, halfWidthM, halfHeightM } = shape;
  const bounds = boundsOf(shape);
  const radiusM = kind === 'circle' ? halfWidthM : Math.sqrt(halfWidthM * halfWidthM + halfHeightM * halfHeightM);
  let steps = stepsFor(radiusM, center.latitude);
  let cell = cellOf(center, steps);
  const isShort =
    areaOf(beside(cell, 0, 1)).north < bounds.north ||
    areaOf(beside(cell, 0, -1)).south > bounds.south ||
    areaOf(beside(cell, 1, 0)).east < bounds.east ||
    areaOf(beside(cell, -1, 0)).west > bounds.west;
  if (steps > 1 && isShort) cell = cellOf(center, --steps);
  const own = areaOf(cell);
  const isNeedless = (columns: number, rows: number): boolean =>
    steps >= 2 &&
    ((rows < 0 && own.south < bounds.south) ||
      (rows > 0 && own.north > bounds.north) ||
      (columns < 0 && own.west < bounds.west) ||
      (columns > 0 && own.east > bounds.east));
  const cells: Cell[] = [];
  let last: Cell | null = null;
  for (const [columns, rows] of AROUND) {
    if (isNeedless(columns, rows)) continue;
    const next = beside(cell, columns, rows);
    if (last !== null && last.column === next.column && last.row === next.row) continue;
    cells.push(next);
    if (columns !== 0 || rows !== 0) last = next;
  }
  return cells;
}
