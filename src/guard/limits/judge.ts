import { Refusal } from '../../kernel/refusals.ts';
import { ESTIMATED, type Limit, type Obstacle, type Weight } from './limit.ts';
import type { Moment } from './ports.ts';
import type { Applied } from './standing.ts';
import type { Tallies } from './tallies.ts';
import { durationText } from './texts.ts';
import type { Claim } from './ticket.ts';

/** What limits say of a call that they let through. */
export interface Judgement {
  /** Those that count it; ones in shadow mode that would have refused it do not. */
  readonly claims: readonly Claim[];
  readonly warnings: string[];
}

/**
 * Judges a call by all limits that are for it, before any of them counts it. Throws LIMITED: first for calls in flight, then for
 * rates, then for budgets.
 */
export function judge(
  applied: Applied,
  weight: Weight,
  moment: Moment,
  tallies: Tallies,
): Judgement {
  const claims: Claim[] = [];
  const shadows: Limit[] = [];
  let found: { readonly limit: Limit; readonly obstacle: Obstacle } | undefined;
  for (const use of applied.uses) {
    const { limit } = use;
    const meter = use.meter(moment);
    const obstacle = limit.obstacle(meter, weight, moment);
    if (obstacle === undefined) claims.push({ limit, meter });
    else if (limit.isShadow) shadows.push(limit);
    else if (found === undefined || obstacle.rank < found.obstacle.rank)
      found = { limit, obstacle };
  }
  if (found !== undefined) {
    tallies.hit(found.limit);
    throw refusalOf(found.limit, found.obstacle);
  }
  for (const limit of shadows) tallies.hit(limit);
  return { claims, warnings: shadows.map(({ id }) => `shadow ${id}`) };
}

function refusalOf({ id }: Limit, { rank, retryAfterMs, what }: Obstacle): Refusal {
  const about = rank === ESTIMATED ? 'about ' : '';
  return new Refusal(
    'LIMITED',
    `The limit "${id}" of ${what} is reached. Try again in ${about}${durationText(retryAfterMs)}.`,
    { limit: id, retryAfterMs },
  );
}
