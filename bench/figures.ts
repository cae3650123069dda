import type { LoadFigures } from './load/main.ts';
import type { Series } from './rounds.ts';

/** Median and extremes over the rounds. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** The figures of one side over all its rounds. */
export interface Side {
  name: string;
  callsPerSecond: Spread;
  cpuMicrosecondsPerCall: Spread;
  /** What the load process itself spent per call: when this comes near the measured figure, the machine is the limit. */
  clientMicrosecondsPerCall: Spread;
  residentMegabytes: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  children: Spread;
  calls: number;
  errors: number;
  stuck: number;
  firstError?: string;
}

/** One figure of one round. */
export type Figure = (round: LoadFigures) => number;

export const callsPerSecond: Figure = (round) => round.calls / round.seconds;
export const cpuPerCall: Figure = (round) => round.cpuMicroseconds / round.calls;
export const p50: Figure = (round) => round.p50Ms;

/** Median, lowest and highest. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return {
    median: (at(Math.ceil(middle) - 1) + at(Math.floor(middle))) / 2,
    low: at(0),
    high: at(sorted.length - 1),
  };
}

/** One figure over the rounds of a series. */
export function over({ rounds }: Series, figure: Figure): Spread {
  return spread(rounds.map(figure));
}

/** Two series compared round by round, each with the one of the other that ran just before or after it. */
export function paired(
  series: Series,
  yardstick: Series,
  compare: (round: LoadFigures, yardstick: LoadFigures) => number,
): Spread {
  return spread(
    series.rounds.flatMap((round, index) => {
      const other = yardstick.rounds[index];
      return other === undefined ? [] : [compare(round, other)];
    }),
  );
}

/** All figures of a series. */
export function sideOf(series: Series): Side {
  const { name, rounds } = series;
  const total = (figure: Figure): number => rounds.reduce((sum, round) => sum + figure(round), 0);
  const firstError = rounds.find((round) => round.firstError !== undefined)?.firstError;
  return {
    name,
    callsPerSecond: over(series, callsPerSecond),
    cpuMicrosecondsPerCall: over(series, cpuPerCall),
    clientMicrosecondsPerCall: over(series, (round) => round.clientMicroseconds / round.calls),
    residentMegabytes: over(series, (round) => round.residentMegabytes),
    p50Ms: over(series, p50),
    p99Ms: over(series, (round) => round.p99Ms),
    children: over(series, (round) => round.children),
    calls: total((round) => round.calls),
    errors: total((round) => round.errors),
    stuck: total((round) => round.stuck),
    ...(firstError !== undefined && { firstError }),
  };
}
