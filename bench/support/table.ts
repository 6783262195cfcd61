/**
 * A table of measurements beside their reference, with the target where one was set, for people and as one line of JSON.
 *
 * Border: pure; measuring belongs to the tables. A row that could not be measured says why and is never left out.
 */

export interface Target {
  /** What is limited: our value, or its ratio to the reference. */
  readonly of: 'ratio' | 'ours';
  readonly max: number;
}

export interface Row {
  readonly what: string;
  readonly unit: string;
  /** Null: there is nothing to compare with. */
  readonly reference: number | null;
  readonly ours: number | null;
  /** Ours to the reference: the median of the rounds' ratios. */
  readonly ratio: number | null;
  readonly target: Target | null;
  /** Why there is no number. */
  readonly failure: string | null;
}

export interface Table {
  readonly name: string;
  readonly title: string;
  /** Names of the two columns. */
  readonly columns: { readonly reference: string; readonly ours: string };
  readonly rows: readonly Row[];
}

export type Verdict = 'met' | 'missed';

export const verdictOf = (row: Row): Verdict | null => {
  const value = row.target?.of === 'ratio' ? row.ratio : row.ours;
  if (row.target === null || value === null) return null;
  return value <= row.target.max ? 'met' : 'missed';
};

export const failedRow = (what: string, error: unknown): Row => ({
  what,
  unit: '',
  reference: null,
  ours: null,
  ratio: null,
  target: null,
  failure: error instanceof Error ? error.message : String(error),
});

const number = (value: number | null): string => {
  if (value === null) return '-';
  if (value >= 1000)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ' ');
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
};

const targetText = (row: Row): string => {
  if (row.target === null) return '';
  return row.target.of === 'ratio' ? `<= ${row.target.max} x` : `<= ${row.target.max} ${row.unit}`;
};

const isNumber = (column: number): boolean => column >= 2 && column <= 4;

export const tableText = (table: Table): string => {
  const { reference, ours } = table.columns;
  const header = ['', 'unit', reference, ours, 'ratio', 'target', ''];
  const measured = table.rows.filter((row) => row.failure === null);
  const cells = measured.map((row) => [
    row.what,
    row.unit,
    number(row.reference),
    number(row.ours),
    row.ratio === null ? '-' : row.ratio.toFixed(2),
    targetText(row),
    verdictOf(row) ?? '',
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...cells].map((line) => line[column]!.length)));
  const lines = [header, ...cells].map((line) =>
    line
      .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  const failures = table.rows.filter((row) => row.failure !== null).map((row) => `FAILED ${row.what}: ${row.failure}`);
  return [`## ${table.title}`, ...lines, ...failures, ''].join('\n');
};

/** On one line, as scripts read it; `about` is what holds for the whole run. */
export const tableJson = (table: Table, about: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    table: table.name,
    title: table.title,
    columns: table.columns,
    ...about,
    rows: table.rows.map((row) => ({ ...row, verdict: verdictOf(row) })),
  });
