import { z } from 'zod';
import type { LoggingPlan } from '../kernel/record-plan.ts';
import { LOG_LEVELS } from './log-levels.ts';

const LEVEL = z.enum(LOG_LEVELS);

/** What has a level of its own: parts of the gateway, and the line of each exchange. */
const LAYERS = z.strictObject({
  listen: LEVEL.optional(),
  identity: LEVEL.optional(),
  session: LEVEL.optional(),
  catalog: LEVEL.optional(),
  policy: LEVEL.optional(),
  guard: LEVEL.optional(),
  upstream: LEVEL.optional(),
  record: LEVEL.optional(),
  store: LEVEL.optional(),
  config: LEVEL.optional(),
  exchange: LEVEL.optional(),
});

/** The log. */
export const LOGGING = z.strictObject({
  level: LEVEL.describe(
    'The least level that is logged; that of the variable `LOG_LEVEL` when absent.',
  ).optional(),
  layers: LAYERS.describe(
    `Levels of single parts that differ: ${Object.keys(LAYERS.shape)
      .map((name) => `\`${name}\``)
      .join(', ')}. \`exchange\` is the line that each exchange leaves at level info.`,
  ).prefault({}),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .describe('How lines look; `auto` is pretty on a terminal and JSON elsewhere.')
    .default('auto'),
});

/** The log, from `logging` and the level of the environment. */
export function compileLogging(
  { level, layers, format }: z.output<typeof LOGGING>,
  environment: string,
): LoggingPlan {
  const fallback = LOG_LEVELS.find((name) => name === environment) ?? 'info';
  const levels = Object.entries(layers).flatMap(([name, own]) =>
    own === undefined ? [] : [[name, own] as const],
  );
  return { level: level ?? fallback, layers: Object.fromEntries(levels), format };
}
