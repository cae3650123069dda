import type { Rollup, UsageQuery } from '../../kernel/usage.ts';
import { endOf, keptSince, LENGTH_MS, startOf } from './rollups.ts';
import type { Retention } from './usage-store.ts';

/** Rollups of one length, from one beginning to before another. */
export interface Piece {
  readonly rollup: Rollup;
  readonly from: number;
  readonly to: number;
}

/** What is to be read for a query, and the time of which that tells. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly pieces: readonly Piece[];
  readonly notes: readonly string[];
}

/** Rollups read at once: what comes back of one reading stays small. */
const AT_ONCE: Readonly<Record<Rollup, number>> = { minute: 240, hour: 168, day: 31 };

/**
 * The rollups that a query is answered from: those of its step; for a total the longest ones, with shorter ones at both ends as
 * far as they are kept. The time is widened to whole ones.
 */
export function spanOf(query: UsageQuery, now: number, retention: Retention): Span {
  const isKept = (rollup: Rollup, at: number): boolean => at >= keptSince(rollup, now, retention);
  const { step } = query;
  const grain = (at: number): Rollup => {
    if (step !== 'total') return step;
    if (isKept('minute', at)) return 'minute';
    return isKept('hour', at) ? 'hour' : 'day';
  };
  // Nothing is kept of the future, so the day that is not over may be read as one.
  const to = endOf(query.to, step === 'total' && query.to >= now ? 'day' : grain(query.to));
  const wanted = startOf(query.from, grain(query.from));
  const oldest = keptSince(step === 'total' ? 'day' : step, now, retention);
  const from = Math.min(Math.max(wanted, oldest), to);
  const pieces = step === 'total' ? cover(from, to, 'day') : [{ rollup: step, from, to }];
  return {
    from,
    to: Math.max(query.to, Math.min(to, now)),
    pieces: pieces.filter((piece) => piece.from < piece.to).flatMap(split),
    notes: wanted < oldest ? [noteOf(step, oldest)] : [],
  };
}

function noteOf(step: UsageQuery['step'], oldest: number): string {
  const since = new Date(oldest).toISOString().slice(0, 16);
  const what = step === 'total' ? 'Usage' : `Usage by the ${step}`;
  return `${what} is kept since ${since}Z; what was before is not in this answer.`;
}

const SHORTER: Readonly<Record<Rollup, Rollup | undefined>> = {
  day: 'hour',
  hour: 'minute',
  minute: undefined,
};

/** Whole rollups of a length, and shorter ones before and after. */
function cover(from: number, to: number, rollup: Rollup): Piece[] {
  const shorter = SHORTER[rollup];
  if (shorter === undefined) return [{ rollup, from, to }];
  const begin = endOf(from, rollup);
  const end = startOf(to, rollup);
  if (begin >= end) return cover(from, to, shorter);
  return [
    ...cover(from, begin, shorter),
    { rollup, from: begin, to: end },
    ...cover(end, to, shorter),
  ];
}

function split({ rollup, from, to }: Piece): Piece[] {
  const most = AT_ONCE[rollup] * LENGTH_MS[rollup];
  const parts: Piece[] = [];
  for (let begin = from; begin < to; begin += most)
    parts.push({ rollup, from: begin, to: Math.min(begin + most, to) });
  return parts;
}
