import type { Caller } from './caller.ts';
import type { CallerGap, Rule, TargetGap } from './rule.ts';
import { labelOf, type Subject } from './subject.ts';

/** Why a rule is not for a caller. */
export function callerSentence({ plan }: Rule, gap: CallerGap, caller: Caller): string {
  const { consumer, client, groups, scopes } = caller;
  switch (gap) {
    case 'claimed':
      return 'it allows by what a client calls itself, which counts for nothing while authentication is on';
    case 'consumers':
      return `it is for the consumers ${list(plan.consumers)}, and the caller is ${consumer ?? 'no consumer'}`;
    case 'groups':
      return `it is for the groups ${list(plan.groups)}, and the caller is in ${list(groups)}`;
    case 'clients':
      return `it is for the clients ${list(plan.clients)}, and the caller's is ${client ?? 'unknown'}`;
    case 'scopes':
      return `it needs the scopes ${list(plan.scopes)}, and the caller has ${list(scopes)}`;
  }
}

/** Why a rule is not for a target. */
export function targetSentence(
  { plan }: Rule,
  gap: TargetGap | undefined,
  subject: Subject,
): string {
  switch (gap) {
    case 'servers':
      return `its servers are ${list(plan.servers)}, not ${subject.upstream}`;
    case 'annotations':
      return `its annotations ${JSON.stringify(plan.annotations)} are not those of ${labelOf(subject)}`;
    case 'names':
      return `none of its ${namesOf(plan)} is ${labelOf(subject)}`;
    case undefined:
      return 'tasks and questions go with their server, and no rule allows them alone';
  }
}

const SELECTORS = ['tools', 'prompts', 'resources', 'asks', 'toolGroups'] as const;

function namesOf(plan: Rule['plan']): string {
  return SELECTORS.filter((each) => plan[each] !== undefined)
    .map((each) => `${each} ${list(plan[each])}`)
    .join(' and ');
}

function list(names: readonly string[] | undefined): string {
  return names === undefined || names.length === 0 ? 'none' : names.join(', ');
}
