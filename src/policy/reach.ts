import type { CallerClass } from './caller-class.ts';
import type { Caller } from './caller.ts';
import { Fuel } from './cel/fuel.ts';
import { TRUE } from './cel/value.ts';
import { Facts, type Known } from './facts.ts';
import { reachOfGrants } from './grants.ts';
import { denies, opens, type Mood } from './mood.ts';
import type { Rule } from './rule.ts';

/** Whether anything of a server can be reached, and what says so. */
export interface Reach {
  readonly isReached: boolean;
  readonly id: string;
}

/** Who wants to reach which server, with what is known. */
export interface ReachTerms {
  readonly callers: CallerClass;
  readonly caller: Caller;
  readonly known: Known;
  /** In lower case. */
  readonly server: string;
  readonly mood: Mood;
}

/** Whether a caller could reach anything of a server, whatever it would call with whatever arguments. */
export function reachOf(terms: ReachTerms): Reach {
  const { callers, caller, known, server, mood } = terms;
  const frame = { roots: new Facts(caller, known, undefined), fuel: new Fuel(), locals: [] };
  const outcomes = ({ condition }: Rule): number => condition?.outcomes(frame) ?? TRUE;
  const isHazy = ({ condition }: Rule): boolean =>
    mood === 'fear' && !known.hasClaims && condition?.uses('claims') === true;
  const granted = reachOfGrants(callers.sets, server);
  if (granted.stand === 'deny') return { isReached: false, id: granted.id };
  const enforced = callers.rules.filter((rule) => !rule.isShadow);
  const denier = enforced.find(
    (rule) => rule.isDeny && rule.coversAll(server) && denies(outcomes(rule), 'hope'),
  );
  if (denier !== undefined) return { isReached: false, id: denier.id };
  if (granted.stand === 'allow') return { isReached: true, id: granted.id };
  // Which arguments and which tools there are is asked of nobody: a rule that might allow some of them leads there.
  const opener = enforced.find(
    (rule) =>
      !rule.isDeny && rule.reaches(server) && !isHazy(rule) && opens(outcomes(rule), 'hope'),
  );
  return { isReached: opener !== undefined, id: opener?.id ?? granted.id };
}
