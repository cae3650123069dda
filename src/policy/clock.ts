import type { CelMap } from './cel/value.ts';
import type { ClockUnit } from './condition.ts';

const MINUTE_MS = 60_000;

/** The values of the last minute that was asked for: they are the same all through it. */
let last: { readonly minute: number; readonly values: CelMap } | undefined;

/** The moment as conditions know it: `now`, in the local time of the process. */
export function clockValues(now: number): CelMap {
  const minute = Math.floor(now / MINUTE_MS);
  if (last?.minute !== minute) last = { minute, values: valuesAt(now) };
  return last.values;
}

function valuesAt(now: number): CelMap {
  const date = new Date(now);
  const month = date.getMonth() + 1;
  return {
    hour: BigInt(date.getHours()),
    minute: BigInt(date.getMinutes()),
    day: BigInt(date.getDate()),
    month: BigInt(month),
    year: BigInt(date.getFullYear()),
    weekday: BigInt(date.getDay() === 0 ? SUNDAY : date.getDay()),
    date: `${date.getFullYear()}-${two(month)}-${two(date.getDate())}`,
    time: `${two(date.getHours())}:${two(date.getMinutes())}`,
  };
}

/** When a unit of the local clock next turns, in milliseconds since the epoch. */
export function nextTurn(now: number, unit: ClockUnit): number {
  const date = new Date(now);
  if (unit === 'minute') return date.setSeconds(60, 0);
  if (unit === 'hour') return date.setMinutes(60, 0, 0);
  return date.setHours(24, 0, 0, 0);
}

/** Where the specification's weeks end (ISO 8601). */
const SUNDAY = 7;

function two(number: number): string {
  return String(number).padStart(2, '0');
}
