/**
 * When a snapshot is made: `save` says after how many seconds a snapshot is made if at least so many changes were
 * made. Pure. [redis config.c setConfigSaveOption]
 */

export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/** Null: not pairs of whole numbers. */
export const savePoints = (text: string): readonly SavePoint[] | null => {
  const words = text.split(' ').filter((word) => word !== '' && word !== '""');
  if (words.length % 2 !== 0 || !words.every((word) => /^\d{1,10}$/.test(word))) return null;
  const points: SavePoint[] = [];
  for (let at = 0; at < words.length; at += 2) {
    const point = { seconds: Number(words[at]), changes: Number(words[at + 1]) };
    if (point.seconds < 1) return null;
    points.push(point);
  }
  return points;
};

export const canonicalSavePoints = (points: readonly SavePoint[]): string =>
  points.map(({ seconds, changes }) => `${seconds} ${changes}`).join(' ');

export const snapshotIsDue = (points: readonly SavePoint[], changesMade: number, sinceMs: number): boolean =>
  points.some(({ seconds, changes }) => changesMade >= Math.max(1, changes) && sinceMs >= seconds * 1000);
