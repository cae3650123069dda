import { z } from 'zod';
import type { UsagePlan } from '../kernel/record-plan.ts';
import type { AppValues } from './app-values.ts';
import { count, timer } from './quantities.ts';
import { VALUE } from './value.ts';

const MAX_FLUSH_MS = 60_000;
const MAX_SERIES = 100_000;
const EXAMPLE = 'postgres://mcpx:password@db.example.com/mcpx';

/** The usage store. */
export const USAGE = z.strictObject({
  enabled: z
    .boolean()
    .describe('Whether it is kept who used what, how much and how fast.')
    .default(true),
  database: VALUE.describe(
    'Address of a PostgreSQL database, such as `${USAGE_DATABASE_URL}`; a file in the data folder when absent.',
  ).optional(),
  flushMs: timer(
    1000,
    'Longest time counts stay in memory alone; what is lost when the gateway is killed.',
    1,
    MAX_FLUSH_MS,
  ),
  retention: z
    .strictObject({
      minuteDays: count(2, 'Days for which counts by the minute are kept.'),
      hourDays: count(60, 'Days for which counts by the hour are kept.'),
      dayDays: count(730, 'Days for which counts by the day are kept.'),
    })
    .describe('How long counts are kept.')
    .prefault({}),
  maxSeries: count(
    1000,
    'Combinations of consumer, client, server, tool and outcome that are counted apart within a minute; further ones are counted as `other`.',
    1,
    MAX_SERIES,
  ),
});

/** The usage store, from `usage`. */
export function compileUsage(usage: z.output<typeof USAGE>, values: AppValues): UsagePlan {
  const { enabled, database, flushMs, maxSeries, retention } = usage;
  const spot = { path: ['usage', 'database'], isOn: enabled };
  return {
    isOn: enabled,
    database: database === undefined ? undefined : values.text(database, spot, databaseFault),
    flushMs,
    retention: {
      minute: retention.minuteDays,
      hour: retention.hourDays,
      day: retention.dayDays,
    },
    maxSeries,
  };
}

/** Never quotes the text: it holds a password. */
function databaseFault(text: string): string | undefined {
  const isKnown = URL.canParse(text) && /^postgres(?:ql)?:$/.test(new URL(text).protocol);
  return isKnown
    ? undefined
    : `This is no address of a PostgreSQL database; give one such as ${EXAMPLE}, or remove the key to keep a file in the data folder.`;
}
