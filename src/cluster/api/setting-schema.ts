/**
 * Settings of a table (`src/cluster/state/setting.ts`) as schemas. A value that a rule with a code of its own refuses is let through
 * here, so that the rule can say so; whatever else does not fit is refused by the schema with 400.
 */

import { z } from 'zod';
import type { Setting, SettingTable } from '../state/setting.ts';

const described = <Schema extends z.ZodType>(schema: Schema, setting: Setting): Schema => {
  const notes = [
    `Default: ${JSON.stringify(setting.fallback)}.`,
    ...(setting.kind === 'choice' && setting.code !== undefined ? [`One of ${setting.values.join(', ')}.`] : []),
    ...(setting.kind === 'whole' && setting.code !== undefined ? [`From ${setting.min} to ${setting.max}.`] : []),
    ...('form' in setting && setting.form !== undefined ? [`${setting.form.words}.`] : []),
    ...(setting.fixed ? ['Decided at creation.'] : []),
    ...(setting.inert ? ['Kept, and nothing depends on it here.'] : []),
  ];
  return schema.meta({ description: notes.join(' ') });
};

type SettingSchema = z.ZodType<boolean | number | string | string[]>;

const settingSchema = (setting: Setting): SettingSchema => {
  const ruled = setting.code !== undefined;
  switch (setting.kind) {
    case 'flag':
      return z.boolean();
    case 'whole':
      return ruled ? z.number().int() : z.number().int().min(setting.min).max(setting.max);
    case 'choice':
      return ruled ? z.string() : z.enum(setting.values as readonly [string, ...string[]]);
    case 'text': {
      const text = z.string();
      if (ruled) return text;
      return setting.form === undefined
        ? text.max(setting.lengthMax)
        : text.max(setting.lengthMax).regex(setting.form.pattern);
    }
    case 'list':
      return z.array(ruled ? z.string() : z.string().regex(setting.form.pattern)).max(setting.entriesMax);
  }
};

export const settingSchemas = <Table extends SettingTable>(
  table: Table,
): { readonly [Name in keyof Table]: SettingSchema } =>
  Object.fromEntries(
    Object.entries(table).map(([name, setting]) => [name, described(settingSchema(setting), setting)]),
  ) as { readonly [Name in keyof Table]: SettingSchema };
