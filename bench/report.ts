import type { Side, Spread } from './figures.ts';
import type { Line, ScenarioResult, Target } from './outcome.ts';
import type { ProfileRow } from './profile.ts';

type Columns = Record<string, (side: Side) => string>;

const COLUMNS: Columns = {
  'calls/s': (side) => ranged(side.callsPerSecond),
  'CPU us/call': (side) => ranged(side.cpuMicrosecondsPerCall),
  'p50 ms': (side) => ranged(side.p50Ms),
  'p99 ms': (side) => ranged(side.p99Ms),
  'RSS MB': (side) => ranged(side.residentMegabytes),
  'load us/call': (side) => side.clientMicrosecondsPerCall.median.toFixed(1),
  calls: (side) => String(side.calls),
  errors: (side) => String(side.errors),
};

/** A number with as many digits as mean something. */
export function plain(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 1 ? 2 : 3);
}

/** The median, in parentheses the lowest and the highest round. */
export function ranged({ median, low, high }: Spread): string {
  if (low === high) return plain(median);
  return `${plain(median)} (${plain(low)}-${plain(high)})`;
}

/** What a figure is to be, in words. */
export function targetText(target: Target | undefined, unit: string): string {
  if (target === undefined) return '';
  if ('words' in target) return target.words;
  const after = unit === '' ? '' : ` ${unit}`;
  return 'atLeast' in target
    ? `at least ${plain(target.atLeast)}${after}`
    : `at most ${plain(target.atMost)}${after}`;
}

/** Whether a figure is what it is to be, in words. */
export function verdict({ reached }: Line): string {
  if (reached === undefined) return '';
  return reached ? 'reached' : 'NOT REACHED';
}

/** What one scenario found, for people. */
export function describe(result: ScenarioResult): string {
  const parts = [`== ${result.scenario}: ${result.what}`];
  if (result.sides.length > 0) parts.push(sidesTable(result.sides));
  if (result.lines.length > 0) parts.push(linesTable(result.lines));
  if (result.profile) parts.push(profileTable(result.profile));
  if (result.notes.length > 0) parts.push(result.notes.join('\n'));
  return `${parts.join('\n\n')}\n\n`;
}

/** Lines with their targets, one below the other. */
export function linesTable(lines: readonly Line[]): string {
  const rows = lines.map((each) => [
    each.item === '' ? '' : `Done when ${each.item}`,
    each.what,
    `${ranged(each.value)}${each.unit === '' ? '' : ` ${each.unit}`}`,
    targetText(each.target, each.unit),
    verdict(each),
  ]);
  return align(rows);
}

function sidesTable(sides: readonly Side[]): string {
  const heads = ['', ...Object.keys(COLUMNS)];
  const rows = sides.map((side) => [
    side.name,
    ...Object.values(COLUMNS).map((cell) => cell(side)),
  ]);
  return align([heads, ...rows]);
}

function profileTable(rows: readonly ProfileRow[]): string {
  const cells = rows.map((row) => [`${row.percent.toFixed(1)} %`, row.name, row.file]);
  return `Self time in the measured rounds, main thread\n${align([['busy', 'function', 'file'], ...cells])}`;
}

function align(rows: readonly string[][]): string {
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
