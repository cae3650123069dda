import type { HeaderLines } from './response-head.ts';

const SECOND_MS = 1000;
const MAX_MS = 3_600_000;

/**
 * How long a server asks to be left alone, in milliseconds; undefined where it does not say, an hour where it says more
 * (RFC 9110, Retry-After). A date is taken by the server's own clock, which is the `Date` of its answer.
 */
export function retryAfterMs(headers: HeaderLines): number | undefined {
  const said = headers['retry-after'];
  if (typeof said !== 'string') return undefined;
  const ms = /^\d+$/u.test(said)
    ? Number(said) * SECOND_MS
    : Date.parse(said) - Date.parse(String(headers['date']));
  return Number.isNaN(ms) ? undefined : Math.min(MAX_MS, Math.max(0, ms));
}
