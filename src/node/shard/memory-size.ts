/** Amounts of memory as configuration writes them: `100`, `1k` (1000), `1kb` (1024), `64mb` … [redis util.c memtoull]. */

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1e3,
  kb: 1024,
  m: 1e6,
  mb: 1024 ** 2,
  g: 1e9,
  gb: 1024 ** 3,
};

export function parseBytes(raw: string): number | null {
  const parts = /^(\d+)(b|k|kb|m|mb|g|gb)?$/i.exec(raw);
  return parts === null ? null : Number(parts[1]) * UNITS[(parts[2] ?? 'b').toLowerCase()]!;
}

/** `967.67K`, as INFO shows amounts for people [redis util.c bytesToHuman]. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  const unit = Math.min(4, Math.floor(Math.log(bytes) / Math.log(1024)));
  return `${(bytes / 1024 ** unit).toFixed(2)}${'BKMGT'[unit]}`;
}

/** In the largest unit that divides it, as CONFIG REWRITE says amounts [redis config.c rewriteConfigFormatMemory]. */
export function shortBytes(bytes: number): string {
  const unit = ['gb', 'mb', 'kb'].find((each) => bytes > 0 && Number.isInteger(bytes / UNITS[each]!));
  return unit === undefined ? String(bytes) : `${bytes / UNITS[unit]!}${unit}`;
}
