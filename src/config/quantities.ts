import { z } from 'zod';

/** A timer set for longer than this fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** The longest text the runtime can hold. */
const MAX_TEXT_BYTES = 2 ** 29 - 24;

/** A time that a timer is set to, in milliseconds. */
export function timer(fallback: number, meaning: string, least = 0, most = MAX_TIMER_MS) {
  return z.int().min(least).max(most).describe(meaning).default(fallback);
}

/** A time that is compared with a clock, in milliseconds. */
export function age(fallback: number, meaning: string) {
  return z.int().min(0).describe(meaning).default(fallback);
}

/** Bytes of something that is held in memory. */
export function bytes(fallback: number, meaning: string, least = 0) {
  return z.int().min(least).max(MAX_TEXT_BYTES).describe(meaning).default(fallback);
}

/** How many there may be. */
export function count(
  fallback: number,
  meaning: string,
  least = 1,
  most = Number.MAX_SAFE_INTEGER,
) {
  return z.int().min(least).max(most).describe(meaning).default(fallback);
}

/** A share, 0 to 1. */
export function share(fallback: number, meaning: string) {
  return z.number().min(0).max(1).describe(meaning).default(fallback);
}
