import type { BudgetPlan } from '../../kernel/limits-plan.ts';

/** The kinds of calendar windows. */
export type SpanUnit = BudgetPlan['window'];

/** One calendar window in UTC, in milliseconds since the epoch; its end is outside. */
export interface Span {
  readonly startsAt: number;
  readonly endsAt: number;
}

const FIXED_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** The window a moment is in. */
export function spanAt(unit: SpanUnit, now: number): Span {
  if (unit === 'month') {
    const date = new Date(now);
    const year = date.getUTCFullYear();
    const month = date.getUTCMonth();
    return { startsAt: Date.UTC(year, month), endsAt: Date.UTC(year, month + 1) };
  }
  const length = FIXED_MS[unit];
  const startsAt = Math.floor(now / length) * length;
  return { startsAt, endsAt: startsAt + length };
}

/**
 * The window to count in, after the one counted in so far. A clock that is set back into the window before goes on with the
 * present one, for what was used there must not be had again; one that is set back further was wrong before.
 */
export function nextSpan(unit: SpanUnit, now: number, present: Span): Span {
  if (now >= present.startsAt) return now < present.endsAt ? present : spanAt(unit, now);
  const before = spanAt(unit, present.startsAt - 1);
  return now >= before.startsAt ? present : spanAt(unit, now);
}
