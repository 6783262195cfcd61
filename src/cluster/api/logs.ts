/** /v1/logs: the event log. [RS requests/logs] */

import { z } from 'zod';
import { defineRoute, isoTime, type Route } from './route.ts';
import { timeText } from './stats-query.ts';

const number = z.string().regex(/^\d{1,9}$/, 'a whole number');

const event = z.looseObject({ time: z.string(), type: z.string(), severity: z.string() });

export const logRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/logs',
    summary: 'The event log, the oldest first.',
    permission: 'view_logged_events',
    query: { stime: timeText, etime: timeText, order: z.enum(['asc', 'desc']), limit: number, offset: number },
    reply: z.array(event),
    run({ control, query }) {
      const from = Date.parse(query('stime') ?? '1970-01-01T00:00:00Z');
      const to = Date.parse(query('etime') ?? '9999-12-31T00:00:00Z');
      const events = control.events.events.filter(({ atMs }) => {
        // As they are shown: to the second.
        const second = Math.floor(atMs / 1_000) * 1_000;
        return second >= from && second <= to;
      });
      const offset = Number(query('offset') ?? 0);
      const limit = Number(query('limit') ?? events.length);
      return (query('order') === 'desc' ? events.toReversed() : events)
        .slice(offset, offset + limit)
        .map(({ atMs, type, severity, fields }) => ({ time: isoTime(atMs), type, severity, ...fields }));
    },
  }),
];
