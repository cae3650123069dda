import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const FORM = /^([1-9]\d{0,5})([smhd])$/;
const WANTED = 'Give a time of a number and s, m, h or d, such as 30s, 1m or 1h.';

/** A time as people write it: `30s`, `1m`, `1h`, `1d`. */
export const DURATION = z.string(WANTED).regex(FORM, WANTED);

/** Milliseconds of a time as people write it. */
export function durationMs(text: string): number {
  const [, number = '', unit = ''] = FORM.exec(text) ?? [];
  return Number(number) * (UNITS[unit] ?? 0);
}
