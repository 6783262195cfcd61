/** `?interval=…&stime=…&etime=…` of the routes with numbers over time. [RS objects/statistics] */

import { z } from 'zod';
import { INTERVAL_NAMES, type IntervalName, type Sample, type SampleRings } from '../control/sample-rings.ts';
import { isoTime, type Call } from './route.ts';

export const timeText = z.string().refine((given) => !Number.isNaN(Date.parse(given)), 'an ISO 8601 time');

export const intervalQuery = { interval: z.enum(INTERVAL_NAMES), stime: timeText, etime: timeText } as const;

export const intervals = z.array(z.looseObject({ interval: z.string(), stime: z.string(), etime: z.string() }));

type Named = Readonly<Record<string, number | string>>;

/** What a query asks for; all intervals when it names none. */
export const askedSamples = (query: Call<unknown>['query']) => {
  const from = Date.parse(query('stime') ?? '1970-01-01T00:00:00Z');
  const to = Date.parse(query('etime') ?? '9999-12-31T00:00:00Z');
  const asked = query('interval');
  return {
    names: asked === null ? INTERVAL_NAMES : [asked as IntervalName],
    holds: ({ startMs, endMs }: Sample): boolean => endMs >= from && startMs <= to,
  };
};

/** The samples that the query asks for. */
export const samplesOf = (
  rings: SampleRings | undefined,
  query: Call<unknown>['query'],
  named: (values: readonly number[]) => Named,
): readonly Named[] => {
  const asked = askedSamples(query);
  return asked.names.flatMap((interval) =>
    (rings?.samples(interval) ?? [])
      .filter((sample) => asked.holds(sample))
      .map((sample) => ({
        interval,
        stime: isoTime(sample.startMs),
        etime: isoTime(sample.endMs),
        ...named(sample.values),
      })),
  );
};
