import type { LogLevel } from '../kernel/record-plan.ts';

/** Every level of the log, the most talkative first. */
export const LOG_LEVELS = [
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'fatal',
  'silent',
] as const satisfies readonly LogLevel[];
