/** How a figure went over time: least squares, with the interval that holds the slope in 95 of 100 cases. */
export interface Slope {
  /** Per unit of time. */
  readonly slope: number;
  readonly low: number;
  readonly high: number;
  /** Its mean, for comparison. */
  readonly mean: number;
}

/** Fits a line. Samples that follow one another are alike; the interval is made wider by as much as they are. */
export function slopeOf(times: readonly number[], values: readonly number[]): Slope {
  const count = times.length;
  const [x, y] = [meanOf(times), meanOf(values)];
  const spreadOfX = sum(times.map((time) => (time - x) ** 2));
  const slope =
    sum(times.map((time, index) => (time - x) * ((values[index] ?? 0) - y))) / spreadOfX;
  const rest = values.map((value, index) => value - y - slope * ((times[index] ?? 0) - x));
  const squares = sum(rest.map((each) => each ** 2));
  const alike =
    squares === 0 ? 0 : sum(rest.slice(1).map((each, at) => each * (rest[at] ?? 0))) / squares;
  const kinship = Math.min(0.95, Math.max(0, alike));
  const independent = Math.max(3, (count * (1 - kinship)) / (1 + kinship));
  const error = Math.sqrt(squares / Math.max(1, independent - 2) / spreadOfX);
  const reach = quantile(independent - 2) * error;
  return { slope, low: slope - reach, high: slope + reach, mean: y };
}

/** Of Student's distribution, two-sided 95 %, close enough from three degrees of freedom on. */
function quantile(freedom: number): number {
  return 1.96 + 2.37 / freedom + 2.8 / freedom ** 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function meanOf(values: readonly number[]): number {
  return sum(values) / values.length;
}
