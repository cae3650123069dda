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

/** What a figure is to be; where that is no bound of the figure itself, in words. */
export type Target = { atLeast: number } | { atMost: number } | { words: string };

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
  { unit = '', target, isReached = false }: Judged = {},
): Line {
  if (target === undefined) return { item, what, value, unit };
  return { item, what, value, unit, target, reached: isReached || isWithin(value, target) };
}

function isWithin({ median }: Spread, target: Target): boolean {
  if ('words' in target) return false;
  return 'atLeast' in target ? median >= target.atLeast : median <= target.atMost;
}

/** What a line has besides its value. */
export interface Judged {
  unit?: string;
  target?: Target;
  /** For a target in words. */
  isReached?: boolean;
}

/** A value that was taken once. */
export function once(value: number): Spread {
  return { median: value, low: value, high: value };
}
