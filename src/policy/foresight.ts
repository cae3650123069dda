import type { Known } from './facts.ts';
import type { Judgement } from './judgement.ts';
import type { Rule } from './rule.ts';

/** What a decision would be by what is known of the call. */
export interface Foresight {
  readonly decision: 'allow' | 'deny' | 'undecidable';
  /** Id of what decides, or of a rule that depends on what is not known. */
  readonly rule: string;
  /** One sentence. */
  readonly why: string;
}

/** Decided where every completion of what is known would be decided alike. */
export function foreseen(judgement: Judgement, known: Known): Foresight {
  const best = judgement.conclude('hope');
  if (!best.isAllowed) return { decision: 'deny', rule: best.id, why: `${best.id} refuses it.` };
  const worst = judgement.conclude('fear');
  if (worst.isAllowed) return { decision: 'allow', rule: worst.id, why: `${worst.id} allows it.` };
  const open = judgement.open();
  const rule = [worst.by, best.by].find((each) => each && open.includes(each)) ?? open[0];
  return { decision: 'undecidable', rule: rule?.id ?? worst.id, why: whyOpen(rule, known) };
}

function whyOpen(rule: Rule | undefined, { args, hasClaims }: Known): string {
  const condition = rule?.condition;
  const isArgs = args === undefined && condition?.uses('args') === true;
  const isClaims = !hasClaims && condition?.uses('claims') !== false;
  const missing = [...(isArgs ? ['arguments'] : []), ...(isClaims ? ['claims'] : [])];
  return `${rule?.id ?? 'What leads to its server'} depends on ${missing.join(' and ')}, which were not recorded.`;
}
