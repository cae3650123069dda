import type { Side, Spread } from './figures.ts';
import type { ProfileRow } from './profile.ts';

/** A figure with what it is to be. */
export interface Line {
  /** The point of "Done when" that demands it; empty where none does. */
  item: string;
  what: string;
  value: Spread;
  unit: string;
  target?: Target;
  /** Absent without a target. */
  reached?: boolean;
}

export type Target = { atLeast: number } | { atMost: number };

/** What one scenario found. */
export interface Outcome {
  lines: Line[];
  sides: Side[];
  notes: string[];
  profile?: ProfileRow[];
  /** What the picture or a reader may want besides. */
  data?: unknown;
}

/** What is written to the file of a scenario. */
export interface ScenarioResult extends Outcome {
  scenario: string;
  what: string;
  when: string;
  node: string;
  machine: string;
  pace: { rounds: number; seconds: number };
}

/** A line, its target judged by the median. */
export function line(
  item: string,
  what: string,
  value: Spread,
  { unit = '', target }: { unit?: string; target?: Target } = {},
): Line {
  if (target === undefined) return { item, what, value, unit };
  const reached =
    'atLeast' in target ? value.median >= target.atLeast : value.median <= target.atMost;
  return { item, what, value, unit, target, reached };
}

/** A value that was taken once. */
export function once(value: number): Spread {
  return { median: value, low: value, high: value };
}
