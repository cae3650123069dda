import type { LimitReport } from '../kernel/limit-report.ts';
import { Refusal } from '../kernel/refusals.ts';

/** The path of the limits. */
export const LIMITS_PATH = '/admin/limits';

/** What the page needs of the running gateway. */
export interface LimitReports {
  /** Every limit, with at most so many of its counts. */
  limits(top: number): readonly LimitReport[];
}

const USUAL_TOP = 100;
const MAX_TOP = 1000;

/**
 * The body of `GET /admin/limits`: each limit, and of its counts those nearest to it. Query parameters: `limit`, the id of one
 * of them; `top`, how many counts of each (100, at most 1000). Throws PARAMS_INVALID for any other.
 */
export function limitsBody(reports: LimitReports, query: URLSearchParams): string {
  for (const name of query.keys())
    if (name !== 'limit' && name !== 'top') refuse(name, 'is not known; known are limit and top.');
  const id = query.get('limit');
  const all = reports.limits(topIn(query));
  const limits = id === null ? all : all.filter((each) => each.id === id);
  if (id !== null && limits.length === 0) refuse('limit', 'names no limit of app.yaml.');
  return JSON.stringify({ limits });
}

function topIn(query: URLSearchParams): number {
  const text = query.get('top');
  if (text === null) return USUAL_TOP;
  const top = /^\d{1,4}$/u.test(text) ? Number(text) : Infinity;
  return top <= MAX_TOP ? top : refuse('top', `must be a number from 0 to ${MAX_TOP}.`);
}

function refuse(name: string, why: string): never {
  throw new Refusal('PARAMS_INVALID', `query parameter ${name.slice(0, 100)}: ${why}`);
}
