import {
  ROLLUPS,
  seriesKey,
  usageSum,
  type Rollup,
  type UsageBatch,
  type UsageItem,
} from '../../kernel/usage.ts';
import type { Retention } from './usage-store.ts';

const DAY_MS = 86_400_000;

/** How long each rollup is, in milliseconds. */
export const LENGTH_MS: Readonly<Record<Rollup, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
};

/** When the minute, hour or day of a moment begins (UTC). */
export function startOf(moment: number, rollup: Rollup): number {
  return Math.floor(moment / LENGTH_MS[rollup]) * LENGTH_MS[rollup];
}

/** Where the minute, hour or day of a moment ends; the moment itself, where it is such an end. */
export function endOf(moment: number, rollup: Rollup): number {
  return Math.ceil(moment / LENGTH_MS[rollup]) * LENGTH_MS[rollup];
}

/** When the oldest rollup begins that is kept. */
export function keptSince(rollup: Rollup, now: number, retention: Retention): number {
  return startOf(now - retention[rollup] * DAY_MS, rollup);
}

/** The items of a batch by the minute, the hour and the day; each series and time once. */
export function rolledUp({ items }: UsageBatch): ReadonlyMap<Rollup, readonly UsageItem[]> {
  return new Map(ROLLUPS.map((rollup) => [rollup, merged(items, rollup)] as const));
}

function merged(items: readonly UsageItem[], rollup: Rollup): UsageItem[] {
  const byKey = new Map<string, UsageItem>();
  for (const item of items) {
    const start = startOf(item.start, rollup);
    const key = `${start}\n${seriesKey(item.series)}`;
    const present = byKey.get(key);
    byKey.set(key, present === undefined ? { ...item, start } : usageSum(present, item));
  }
  return [...byKey.values()];
}
