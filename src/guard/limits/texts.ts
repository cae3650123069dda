import type { Amounts } from '../../kernel/budget-row.ts';

const SECOND_MS = 1000;
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', SECOND_MS],
] as const;

/** A time as people say it, rounded up: `400 ms`, `1 second`, `3 hours 12 minutes`. */
export function durationText(ms: number): string {
  if (ms < SECOND_MS) return `${Math.ceil(ms)} ms`;
  const rounded = Math.ceil(ms / SECOND_MS) * SECOND_MS;
  const index = UNITS.findIndex(([, size]) => rounded >= size);
  const [unit, finer = unit] = UNITS.slice(index, index + 2);
  if (unit === undefined || finer === undefined) return `${Math.ceil(ms)} ms`;
  const total = Math.ceil(rounded / finer[1]) * finer[1];
  const rest = (total % unit[1]) / finer[1];
  const whole = countText(Math.floor(total / unit[1]), unit[0]);
  return rest === 0 ? whole : `${whole} ${countText(rest, finer[0])}`;
}

/** An amount of a budget as people say it. */
export function amountText(amount: keyof Amounts, value: number): string {
  return amount === 'cost' ? `${value} US dollars` : countText(value, amount.slice(0, -1));
}

function countText(value: number, word: string): string {
  return `${value} ${word}${value === 1 ? '' : 's'}`;
}
