import type { AccessPlan, ConsumerPlan, GrantPlan, RulePlan } from '../../../src/kernel/access.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Permit, type Decision } from '../../../src/kernel/permit.ts';
import { Principal, type Proven } from '../../../src/kernel/principal.ts';
import type { Target, TargetKind } from '../../../src/kernel/target.ts';
import { Policy } from '../../../src/policy/policy.ts';

/** A Wednesday, 23:15:30 local time. */
export const NIGHT = new Date(2026, 6, 15, 23, 15, 30).getTime();

const ALL: GrantPlan = { id: 'permissions.default', base: 'allow', allow: [], block: [] };

/** A rule that selects everything, but for what is given. */
export function rule(id: string, fields: Partial<RulePlan> = {}): RulePlan {
  return {
    id,
    effect: 'deny',
    mode: 'enforce',
    consumers: undefined,
    groups: undefined,
    clients: undefined,
    scopes: undefined,
    servers: undefined,
    annotations: undefined,
    tools: undefined,
    prompts: undefined,
    resources: undefined,
    asks: undefined,
    toolGroups: undefined,
    when: undefined,
    ...fields,
  };
}

/** A rule that allows. */
export function allow(id: string, fields: Partial<RulePlan> = {}): RulePlan {
  return rule(id, { effect: 'allow', ...fields });
}

type Services = Readonly<Record<string, '*' | readonly string[]>>;

/** What a plan of the tests says, where it is not that everybody may do everything. */
export interface Parts {
  readonly default?: Partial<GrantPlan>;
  readonly consumers?: Readonly<Record<string, Partial<GrantPlan> & { memberOf?: string }>>;
  readonly clientNames?: Readonly<Record<string, Partial<GrantPlan>>>;
  readonly groups?: Readonly<Record<string, Services>>;
  readonly rules?: readonly RulePlan[];
}

/** An entry of permissions: what is not given is empty; `allow` alone blocks all else, as in the newest form. */
function grantOf(id: string, { base, allow = [], block = [] }: Partial<GrantPlan>): GrantPlan {
  return { id, base: base ?? (allow.length > 0 ? 'block' : 'allow'), allow, block };
}

function mapped<T, U>(
  record: Readonly<Record<string, T>> | undefined,
  map: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(
    Object.entries(record ?? {}).map(([name, value]) => [name, map(value, name)]),
  );
}

/** A plan for access. */
export function access(parts: Parts): AccessPlan {
  return {
    default: parts.default === undefined ? ALL : grantOf(ALL.id, parts.default),
    consumers: mapped(parts.consumers, ({ memberOf, ...given }, name): ConsumerPlan => {
      const isGiven = Object.keys(given).length > 0;
      return { memberOf, grant: isGiven ? grantOf(`consumers.${name}`, given) : undefined };
    }),
    clientNames: mapped(parts.clientNames, (given, name) => grantOf(`clients.${name}`, given)),
    groups: mapped(parts.groups, (services, name) => ({ name, services })),
    rules: parts.rules ?? [],
    tests: [],
  };
}

/** A policy, at night unless told otherwise. */
export function policyOf(parts: Parts, isOn = true, now: () => number = () => NIGHT): Policy {
  return new Policy(access(parts), { isOn }, { now });
}

/** A caller with a key of its own. */
export function caller(proven: Partial<Proven> = {}, client?: string): Principal {
  const whole = { credential: 'key:1', proof: 'api-key', ...proven } as const;
  return Principal.prove(whole).withClient(client);
}

/** A caller with a token. */
export function bearer(proven: Partial<Proven> = {}): Principal {
  return caller({ credential: 'token:a', proof: 'token', scopes: [], ...proven });
}

/** A target by `server/name`. */
export function target(kind: TargetKind, label: string, more: Partial<Target> = {}): Target {
  const slash = label.indexOf('/');
  const upstream = label.slice(0, slash);
  const name = label.slice(slash + 1);
  return { kind, upstream, name, publicName: `${upstream}__${name}`, ...more };
}

/** A tool by `server/name`. */
export function tool(label: string, annotations?: JsonObject): Target {
  return target('tool', label, annotations && { item: { name: label, annotations } });
}

/** A custom tool by its own name, made from the tool `server/name`. */
export function child(name: string, parent: string, annotations?: JsonObject): Target {
  const shown = annotations && { shown: { name, annotations } };
  return target('tool', parent, { shape: { name, params: {} }, item: { name: parent }, ...shown });
}

/** Whether a decision permits, and by what. */
export function told(decision: Decision): string {
  return `${decision instanceof Permit ? 'allow' : 'deny'} ${decision.rule}`;
}

/** Whether a decision permits. */
export function isPermitted(decision: Decision): boolean {
  return decision instanceof Permit;
}
