import type { LoadFigures } from './load.ts';
import type { Series } from './rounds.ts';

/** Median and extremes over the rounds. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

export interface Side {
  name: string;
  callsPerSecond: Spread;
  cpuMicrosecondsPerCall: Spread;
  /** What the load process itself spent per call: when this comes near the measured figure, the machine is the limit. */
  clientMicrosecondsPerCall: Spread;
  residentMebibytes: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  calls: number;
  errors: number;
  firstError?: string;
}

/** The gateway in terms of the floor, each of its rounds against the floor's round just before it. */
export interface Ratios {
  throughput: Spread;
  cpuPerCall: Spread;
}

function spread(values: number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return {
    median: (at(Math.ceil(middle) - 1) + at(Math.floor(middle))) / 2,
    low: at(0),
    high: at(sorted.length - 1),
  };
}

const callsPerSecond = (round: LoadFigures): number => round.calls / round.seconds;
const cpuPerCall = (round: LoadFigures): number =>
  (round.cpuMicroseconds ?? Number.NaN) / round.calls;

/** The figures of one side over all its rounds. */
export function sideOf({ name, rounds }: Series): Side {
  const over = (figure: (round: LoadFigures) => number): Spread => spread(rounds.map(figure));
  const total = (figure: (round: LoadFigures) => number): number =>
    rounds.reduce((sum, round) => sum + figure(round), 0);
  const firstError = rounds.find((round) => round.firstError !== undefined)?.firstError;
  return {
    name,
    callsPerSecond: over(callsPerSecond),
    cpuMicrosecondsPerCall: over(cpuPerCall),
    clientMicrosecondsPerCall: over((round) => round.clientMicroseconds / round.calls),
    residentMebibytes: over((round) => round.residentMebibytes ?? Number.NaN),
    p50Ms: over((round) => round.p50Ms),
    p99Ms: over((round) => round.p99Ms),
    calls: total((round) => round.calls),
    errors: total((round) => round.errors),
    ...(firstError !== undefined && { firstError }),
  };
}

/** Median, lowest and highest of the pairwise figures of two series. */
function paired(
  floor: Series,
  gateway: Series,
  figure: (floor: LoadFigures, gateway: LoadFigures) => number,
): Spread {
  return spread(
    gateway.rounds.flatMap((round, index) =>
      floor.rounds[index] ? [figure(floor.rounds[index], round)] : [],
    ),
  );
}

export function ratiosOf(floor: Series, gateway: Series): Ratios {
  return {
    throughput: paired(floor, gateway, (a, b) => callsPerSecond(b) / callsPerSecond(a)),
    cpuPerCall: paired(floor, gateway, (a, b) => cpuPerCall(b) / cpuPerCall(a)),
  };
}

/** What the gateway adds to the median time of a call, in milliseconds. */
export function addedP50Ms(floor: Series, gateway: Series): Spread {
  return paired(floor, gateway, (a, b) => b.p50Ms - a.p50Ms);
}
