/** Name of one file of a chain. */
export interface SegmentName {
  /** UTC, `YYYY-MM-DD`. */
  readonly date: string;
  /** 16 hexadecimal digits. */
  readonly chain: string;
  /** Counts from 0 within the chain. */
  readonly number: number;
}

const DIGITS = 4;
const NAME = /^(\d{4}-\d\d-\d\d)-([0-9a-f]{16})-(\d{4,9})\.jsonl$/;
/** Files of earlier versions, one a day, whose lines are not chained. */
const PLAIN = /^audit-(\d{4}-\d\d-\d\d)\.jsonl$/;

/** `<date>-<chain>-<number>.jsonl` */
export function segmentFile({ date, chain, number }: SegmentName): string {
  return `${date}-${chain}-${String(number).padStart(DIGITS, '0')}.jsonl`;
}

/** The parts of a file's name; undefined where it is no segment's. */
export function parseSegmentFile(file: string): SegmentName | undefined {
  const [, date, chain, digits] = NAME.exec(file) ?? [];
  if (date === undefined || chain === undefined) return undefined;
  const name = { date, chain, number: Number(digits) };
  return segmentFile(name) === file ? name : undefined;
}

/** The day of a file whose lines are not chained; undefined where it is none. */
export function plainFileDate(file: string): string | undefined {
  return PLAIN.exec(file)?.[1];
}

/** The day (UTC) of a moment in milliseconds since the epoch. */
export function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
