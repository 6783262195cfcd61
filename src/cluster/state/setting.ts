/**
 * Tables of plain settings, declared under the names of the REST API: what kinds of value there are, what is wrong with a value, and
 * what an edit makes of the settings. Pure; the tables themselves are `database-settings.ts` and `cluster-settings.ts`.
 */

import type { ProblemCode } from './change.ts';

interface Common {
  /** Decided when the thing is created. */
  readonly fixed?: true;
  /** Kept and shown, and nothing here depends on it: FIDELITY.md lists these. */
  readonly inert?: true;
  /** Of a value that is not allowed. Absent: the schema of the API refuses it, other callers hear `invalid_setting`. */
  readonly code?: ProblemCode;
}

/** What a text must look like, and the same in words. */
export interface Form {
  readonly pattern: RegExp;
  readonly words: string;
}

export type Setting = Common &
  (
    | { readonly kind: 'flag'; readonly fallback: boolean }
    | { readonly kind: 'whole'; readonly fallback: number; readonly min: number; readonly max: number }
    | { readonly kind: 'choice'; readonly fallback: string; readonly values: readonly string[] }
    /** Without a form: anything. */
    | { readonly kind: 'text'; readonly fallback: string; readonly lengthMax: number; readonly form?: Form }
    /** Of texts of one form. */
    | { readonly kind: 'list'; readonly fallback: readonly string[]; readonly form: Form; readonly entriesMax: number }
  );

export type SettingTable = Readonly<Record<string, Setting>>;

export const WHOLE_MAX = 2 ** 31 - 1;

export const flag = (fallback: boolean) => ({ kind: 'flag', fallback }) as const;

export const whole = (fallback: number, min = 0, max = WHOLE_MAX) => ({ kind: 'whole', fallback, min, max }) as const;

export const choice = <const Values extends readonly string[]>(fallback: Values[number], values: Values) =>
  ({ kind: 'choice', fallback, values }) as const;

export const text = (fallback: string, lengthMax = 1_024, form?: Form) =>
  ({ kind: 'text', fallback, lengthMax, ...(form === undefined ? {} : { form }) }) as const;

export const list = (form: Form, entriesMax = 100) =>
  ({ kind: 'list', fallback: [] as readonly string[], form, entriesMax }) as const;

export const fixed = <Given extends Setting>(setting: Given) => ({ ...setting, fixed: true }) as const;

export const inert = <Given extends Setting>(setting: Given) => ({ ...setting, inert: true }) as const;

export const refusedAs = <Given extends Setting>(code: ProblemCode, setting: Given) => ({ ...setting, code }) as const;

type ValueOf<Given extends Setting> = Given extends { readonly kind: 'flag' }
  ? boolean
  : Given extends { readonly kind: 'whole' }
    ? number
    : Given extends { readonly kind: 'choice'; readonly values: readonly (infer Value)[] }
      ? Value
      : Given extends { readonly kind: 'list' }
        ? readonly string[]
        : string;

export type SettingsOf<Table extends SettingTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> };

/** Values are checked when they are applied: a caller may have any. */
export type EditOf<Table extends SettingTable> = {
  readonly [Name in keyof Table]?: string | number | boolean | readonly string[] | undefined;
};

export const fallbacksOf = <Table extends SettingTable>(table: Table): SettingsOf<Table> =>
  Object.fromEntries(Object.entries(table).map(([name, { fallback }]) => [name, fallback])) as SettingsOf<Table>;

/** What is wrong with a value; null: nothing. */
export const valueTrouble = (name: string, setting: Setting, value: unknown): string | null => {
  const shown = `${name} ${JSON.stringify(value)}`;
  switch (setting.kind) {
    case 'flag':
      return typeof value === 'boolean' ? null : `${shown} is not true or false`;
    case 'whole':
      return Number.isInteger(value) && (value as number) >= setting.min && (value as number) <= setting.max
        ? null
        : `${shown} is not a whole number from ${setting.min} to ${setting.max}`;
    case 'choice':
      return setting.values.includes(value as string) ? null : `${shown} is not one of ${setting.values.join(', ')}`;
    case 'text':
      if (typeof value !== 'string' || value.length > setting.lengthMax) {
        return `${shown} is not a text of at most ${setting.lengthMax} characters`;
      }
      return setting.form === undefined || setting.form.pattern.test(value)
        ? null
        : `${shown} is not ${setting.form.words}`;
    case 'list':
      return Array.isArray(value) &&
        value.length <= setting.entriesMax &&
        value.every((each) => typeof each === 'string' && setting.form.pattern.test(each))
        ? null
        : `${shown} is not a list of at most ${setting.entriesMax}, each ${setting.form.words}`;
  }
};

export type SettingsOutcome<Settings> =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly code: ProblemCode; readonly trouble: string };

/** The settings after an edit. `refuse` is asked about values that are right by themselves. */
export const editTable = <Table extends SettingTable>(
  table: Table,
  settings: SettingsOf<Table>,
  edit: EditOf<Table>,
  refuse: (name: string, value: unknown) => string | null,
): SettingsOutcome<SettingsOf<Table>> => {
  const next: Record<string, unknown> = { ...settings };
  for (const [name, setting] of Object.entries(table)) {
    const value: unknown = edit[name];
    if (value === undefined || value === next[name]) continue;
    const trouble = valueTrouble(name, setting, value) ?? refuse(name, value);
    if (trouble !== null) return { ok: false, code: setting.code ?? 'invalid_setting', trouble };
    next[name] = value;
  }
  return { ok: true, settings: next as SettingsOf<Table> };
};
