import type { Target } from '../kernel/target.ts';
import { principalValue } from './facts.ts';
import type { Caller } from './caller.ts';
import type { Case } from './case.ts';
import type { ClockUnit } from './condition.ts';
import type { GrantSet, Grants } from './grants.ts';
import type { CallerGap, Rule } from './rule.ts';
import type { ToolGroup, ToolGroups } from './tool-group.ts';

/** What a policy has compiled. */
export interface Rulebook {
  readonly grants: Grants;
  readonly groups: ToolGroups;
  readonly rules: readonly Rule[];
}

/** The endpoint a caller uses; no group of that name: nothing is served there. */
export interface Endpoint {
  readonly name: string;
  readonly group: ToolGroup | undefined;
}

/** All of a policy that can matter to some callers, who are decided alike. */
export class CallerClass {
  readonly endpoint: Endpoint | undefined;
  readonly sets: readonly GrantSet[];
  /** Every rule there is, in order. */
  readonly all: readonly Rule[];
  /** Rules that select these callers. */
  readonly rules: readonly Rule[];
  /** Enforced rules that would if their tokens had more scopes. */
  readonly lacking: readonly Rule[];
  /** The finest unit of the clock that what these callers see depends on. */
  readonly clock: ClockUnit | undefined;
  /** Why the others do not. */
  readonly gaps: ReadonlyMap<Rule, CallerGap>;
  /** What was found out about targets; gone with the catalog they are of. */
  readonly cases: WeakMap<Target, Case> = new WeakMap();

  constructor(caller: Caller, { grants, groups, rules }: Rulebook) {
    const { endpoint } = caller;
    this.endpoint =
      endpoint === undefined ? undefined : { name: endpoint, group: groups.get(endpoint) };
    this.sets = grants.setsFor(caller);
    const gaps = new Map<Rule, CallerGap>();
    for (const rule of rules) {
      const gap = rule.callerGap(caller);
      if (gap !== undefined) gaps.set(rule, gap);
    }
    const hasToken = caller.proof === 'token';
    this.all = rules;
    this.gaps = gaps;
    this.rules = rules.filter((rule) => !gaps.has(rule));
    this.lacking = rules.filter(
      (rule) => hasToken && !rule.isShadow && gaps.get(rule) === 'scopes',
    );
    this.clock = clockOf([...this.rules, ...this.lacking]);
  }
}

function clockOf(rules: readonly Rule[]): ClockUnit | undefined {
  const units = rules.filter((rule) => !rule.isShadow).map((rule) => rule.condition?.clock);
  return (['minute', 'hour', 'day'] as const).find((unit) => units.includes(unit));
}

/** A text that is the same for callers of the same class: which entries and rules are for them, and what those depend on. */
export function signatureOf(
  caller: Caller,
  { sets, rules, lacking, endpoint }: CallerClass,
): string {
  const applied = sets.map((set) => set.map(({ grant }) => grant.id));
  const selected = [rules, lacking].map((each) => each.map(({ id }) => id));
  const wanted = new Set(lacking.flatMap(({ plan }) => plan.scopes ?? []));
  const scopes = (caller.scopes ?? []).filter((scope) => wanted.has(scope)).sort();
  const mentions = new Set(
    [...rules, ...lacking].flatMap(({ condition }) => [...(condition?.mentions ?? [])]),
  );
  const values = [...mentions].sort().map((mention) => [mention, valueOf(caller, mention)]);
  return JSON.stringify([endpoint?.name ?? null, applied, selected, scopes, values]);
}

/** What a caller has under a variable of conditions; none where it has nothing to do with the caller. */
function valueOf(caller: Caller, mention: string): unknown {
  const dot = mention.indexOf('.');
  const root = dot === -1 ? mention : mention.slice(0, dot);
  if (root === 'client') return [caller.client];
  if (root !== 'principal' && root !== 'claims') return [];
  const whole = root === 'claims' ? (caller.claims ?? {}) : principalValue(caller);
  if (dot === -1) return [whole];
  const field = mention.slice(dot + 1);
  return Object.hasOwn(whole, field) ? [whole[field]] : [];
}
