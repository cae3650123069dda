import { COUNTS, DIMENSIONS, type Count, type UsageItem } from '../../kernel/usage.ts';

/** The columns of counts, in the order of COUNTS. */
export const COUNT_COLUMNS: readonly string[] = COUNTS.map(columnOf);
/** The columns that make a row one of its kind. */
export const KEY_COLUMNS: readonly string[] = ['start', ...DIMENSIONS];
/** Sketches of the times. */
export const SKETCH_COLUMNS = ['gateway_sketch', 'upstream_sketch'] as const;
/** All columns, in the order of `rowOf`. */
export const COLUMNS: readonly string[] = [...KEY_COLUMNS, ...COUNT_COLUMNS, ...SKETCH_COLUMNS];

const FRACTIONS: ReadonlySet<Count> = new Set(['gatewayMs', 'upstreamMs', 'cost']);

/** Whether a count may have a fraction. */
export function isFraction(count: Count): boolean {
  return FRACTIONS.has(count);
}

/** The column of a count. */
export function columnOf(count: Count): string {
  return count.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The values of an item, in the order of COLUMNS. */
export function rowOf({ start, series, counts, gateway, upstream }: UsageItem): Value[] {
  return [
    start,
    ...DIMENSIONS.map((dimension) => series[dimension]),
    ...COUNTS.map((count) => counts[count]),
    gateway,
    upstream,
  ];
}

/** What a column holds. */
export type Value = number | string | Uint8Array;
