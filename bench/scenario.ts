import type { Figure, Spread } from './figures.ts';
import { callsPerSecond, cpuPerCall, over, paired, p50, sideOf } from './figures.ts';
import type { Order } from './load/order.ts';
import { line, type Line, type Outcome, type Target } from './outcome.ts';
import { topFunctions } from './profile.ts';
import { interleave, reasonOf, type Series } from './rounds.ts';
import { startSide, type Place, type SideName } from './sides/sides.ts';
import type { Subject } from './sides/subject.ts';

/** How long and how often things are measured, and whether one side is profiled. */
export interface Pace {
  readonly isFull: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly profileFolder?: string | undefined;
  /** The one side to run; all when absent. */
  readonly side?: string | undefined;
  /** How long the soak goes on. */
  readonly minutes: number;
  /** What is changed of every load. */
  readonly load?: Partial<Order>;
}

/** One thing the bench measures. */
export interface Scenario {
  readonly name: string;
  readonly what: string;
  /** Whether `npm run bench` has it; `npm run bench:full` has all. */
  readonly isShort: boolean;
  run(pace: Pace): Promise<Outcome>;
}

/** Makes a line of the series of a scenario; nothing when a side it needs did not run. */
export type Goal = (all: readonly Series[]) => Line | undefined;

/** Several sides under the same load, in turn. */
export interface LoadRow {
  readonly name: string;
  readonly what: string;
  readonly isShort?: boolean;
  readonly sides: readonly SideName[];
  readonly load?: Partial<Order>;
  readonly place?: Partial<Place>;
  /** Fewer or more rounds, longer or shorter ones, than the pace has. */
  readonly rounds?: number;
  readonly seconds?: number;
  readonly goals?: readonly Goal[];
  /** Whether a side that cannot be had, or whose replies are wrong, is a note and no failure. */
  readonly isLenient?: boolean;
}

const WARM_UP_SECONDS = 2;
const PROFILE_ROWS = 40;

/** The scenario of a row. */
export function loadScenario(row: LoadRow): Scenario {
  const { name, what, isShort = false } = row;
  return { name, what, isShort, run: (pace) => runRow(row, pace) };
}

async function runRow(row: LoadRow, pace: Pace): Promise<Outcome> {
  const notes: string[] = [];
  const subjects = await startSides(row, pace, notes);
  let series: Series[];
  try {
    const load = { ...row.load, ...pace.load, seconds: (row.seconds ?? 1) * pace.seconds };
    const onBroken = (subject: Subject, reason: string): void =>
      void notes.push(`${subject.name} broke under the load: ${reason}`);
    const tell = row.isLenient === true ? onBroken : undefined;
    const warm = { count: 1, load: { ...load, seconds: WARM_UP_SECONDS } };
    const names = new Set((await interleave(subjects, warm, tell)).map(({ name }) => name));
    const ready = subjects.filter(({ name }) => names.has(name));
    const count = Math.max(1, Math.round((row.rounds ?? 1) * pace.rounds));
    series = await interleave(ready, { count, load }, tell);
  } finally {
    await stopAll(subjects, notes);
  }
  const lines = (row.goals ?? []).flatMap((goal) => goal(series) ?? []);
  const profile = profileOf(pace, subjects, series);
  const sides = series.map(sideOf);
  // The exit code is for what is wrong here, not for what others cannot do.
  const wrong = row.isLenient === true ? 'Wrong or missing' : 'WRONG';
  for (const { name, errors, firstError } of sides)
    if (errors > 0) notes.push(`${wrong}: ${name}, ${errors} replies; the first: ${firstError}`);
  return { lines, sides, notes, ...(profile && { profile }) };
}

async function startSides(row: LoadRow, pace: Pace, notes: string[]): Promise<Subject[]> {
  const place: Place = {
    server: 'stdio',
    tools: 1,
    ...row.place,
    profileFolder: pace.profileFolder,
  };
  const wanted = row.sides.filter((side) => pace.side === undefined || side === pace.side);
  const subjects: Subject[] = [];
  for (const side of wanted) {
    try {
      subjects.push(await startSide(side, place));
    } catch (error) {
      if (row.isLenient === true) {
        notes.push(`${side} could not be measured: ${reasonOf(error)}`);
        continue;
      }
      await stopAll(subjects, notes);
      throw error;
    }
  }
  return subjects;
}

async function stopAll(subjects: readonly Subject[], notes: string[]): Promise<void> {
  const codes = await Promise.all(subjects.map((subject) => subject.stop()));
  for (const [index, code] of codes.entries())
    if (code !== 0) notes.push(`${subjects[index]?.name} ended with ${code ?? 'a signal'}, not 0`);
}

/** Where the last side spent its time; it has left its profile when it ended. */
function profileOf(
  { profileFolder }: Pace,
  subjects: readonly Subject[],
  series: readonly Series[],
): Outcome['profile'] {
  const [subject, rounds] = [subjects.at(-1), series.at(-1)?.rounds];
  const [first, last] = [rounds?.at(0), rounds?.at(-1)];
  if (profileFolder === undefined || !subject || !first || !last) return undefined;
  return topFunctions(profileFolder, subject.pid, [first.window[0], last.window[1]], PROFILE_ROWS);
}

function pair(all: readonly Series[], names: readonly [string, string]): Series[] {
  return names.flatMap((name) => all.find((series) => series.name === name) ?? []);
}

/** What a goal demands, and of which point of "Done when". */
export interface Demand {
  readonly item?: string;
  readonly what: string;
  readonly target?: Target;
}

/** A figure of one side as a multiple of that of another. */
function ratio(
  { item = '', what, ...demand }: Demand,
  figure: Figure,
  names: readonly [side: SideName, yardstick: SideName],
): Goal {
  return (all) => {
    const [side, yardstick] = pair(all, names);
    if (!side || !yardstick) return undefined;
    const value = paired(side, yardstick, (a, b) => figure(a) / figure(b));
    return line(item, what, value, { ...demand, unit: 'x' });
  };
}

/** Throughput of one side as a multiple of another's. */
export function throughputOf(
  names: readonly [side: SideName, yardstick: SideName],
  demand: Demand,
): Goal {
  return ratio(demand, callsPerSecond, names);
}

/** CPU time per call of one side as a multiple of another's. */
export function cpuOf(names: readonly [side: SideName, yardstick: SideName], demand: Demand): Goal {
  return ratio(demand, cpuPerCall, names);
}

/** What one side adds to the median time of a call, in milliseconds. */
export function addedTo(
  names: readonly [side: SideName, yardstick: SideName],
  { item = '', what, ...demand }: Demand,
): Goal {
  return (all) => {
    const [side, yardstick] = pair(all, names);
    if (!side || !yardstick) return undefined;
    const value = paired(side, yardstick, (a, b) => p50(a) - p50(b));
    return line(item, what, value, { ...demand, unit: 'ms' });
  };
}

/** One figure of one side. */
export function figureOf(
  name: SideName,
  { item = '', what, ...demand }: Demand,
  take: { figure: Figure; unit: string },
): Goal {
  return (all) => {
    const side = all.find((series) => series.name === name);
    if (!side) return undefined;
    return line(item, what, over(side, take.figure), { ...demand, unit: take.unit });
  };
}

/** CPU time per call of one side in milliseconds. */
export function cpuMsOf(name: SideName, demand: Demand): Goal {
  return figureOf(name, demand, { figure: (round) => cpuPerCall(round) / 1000, unit: 'ms' });
}

/** Throughput of one side as a multiple of the best of several. */
export function bestOf(
  name: SideName,
  others: readonly SideName[],
  { item = '', what, ...demand }: Demand,
): Goal {
  return (all) => {
    const side = all.find((series) => series.name === name);
    const ratios = others.flatMap((other): Spread[] => {
      const yardstick = all.find((series) => series.name === other);
      if (!side || !yardstick) return [];
      return [paired(side, yardstick, (a, b) => callsPerSecond(a) / callsPerSecond(b))];
    });
    const least = ratios.sort((a, b) => a.median - b.median)[0];
    return least && line(item, what, least, { ...demand, unit: 'x' });
  };
}
