import type { Side, Spread, Ratios } from './figures.ts';
import type { ProfileRow } from './profile.ts';

/** Everything one run of the bench found; what is written to the results file. */
export interface BenchResult {
  when: string;
  node: string;
  settings: { rounds: number; seconds: number; sessions: number; bytes: number };
  sides: Side[];
  /** At one session. */
  singleSession: Side[];
  ratios?: Ratios;
  addedP50Ms?: Spread;
  profile?: ProfileRow[];
}

type Columns = Record<string, (side: Side) => string>;

const COLUMNS: Columns = {
  'calls/s': (side) => ranged(side.callsPerSecond, 0),
  'CPU us/call': (side) => ranged(side.cpuMicrosecondsPerCall, 1),
  'p50 ms': (side) => ranged(side.p50Ms, 2),
  'p99 ms': (side) => ranged(side.p99Ms, 2),
  'RSS MiB': (side) => ranged(side.residentMebibytes, 0),
  'load us/call': (side) => side.clientMicrosecondsPerCall.median.toFixed(1),
  calls: (side) => String(side.calls),
  errors: (side) => String(side.errors),
};

function ranged({ median, low, high }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}

/** The result as text for people: medians, in parentheses the lowest and the highest round. */
export function describe(result: BenchResult): string {
  const { rounds, seconds, sessions } = result.settings;
  const parts = [
    `${rounds} rounds of ${seconds} s each, ${sessions} sessions; Node ${result.node}`,
    table(result.sides, COLUMNS),
  ];
  if (result.singleSession.length > 0)
    parts.push('One session', table(result.singleSession, COLUMNS));
  if (result.ratios) {
    const [yardstick, measured] = result.sides.map(({ name }) => name);
    const pair = `${measured}/${yardstick}`;
    parts.push(
      `throughput   ${pair}  ${ranged(result.ratios.throughput, 2)}\n` +
        `CPU per call ${pair}  ${ranged(result.ratios.cpuPerCall, 2)}` +
        (result.addedP50Ms
          ? `\nadded p50 at one session   ${ranged(result.addedP50Ms, 3)} ms`
          : ''),
    );
  }
  if (result.profile) parts.push(profileTable(result.profile));
  const wrong = [...result.sides, ...result.singleSession].filter((side) => side.errors > 0);
  for (const side of wrong)
    parts.push(`WRONG: ${side.name}, ${side.errors} replies; the first: ${side.firstError ?? ''}`);
  return `${parts.join('\n\n')}\n`;
}

function table(sides: Side[], columns: Columns): string {
  const heads = ['', ...Object.keys(columns)];
  const rows = sides.map((side) => [
    side.name,
    ...Object.values(columns).map((cell) => cell(side)),
  ]);
  return align([heads, ...rows]);
}

function profileTable(rows: ProfileRow[]): string {
  const cells = rows.map((row) => [`${row.percent.toFixed(1)} %`, row.name, row.file]);
  return `Self time in the measured rounds, main thread\n${align([['busy', 'function', 'file'], ...cells])}`;
}

function align(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
