import type { JsonObject } from '../kernel/json.ts';
import type { Principal, Proof } from '../kernel/principal.ts';

/** Who a decision is about, as far as it may depend on it. */
export interface Caller {
  readonly proof: Proof;
  readonly name: string;
  readonly consumer: string | undefined;
  /** The group its consumer is a member of. */
  readonly memberOf: string | undefined;
  /** That group and those of its token. */
  readonly groups: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly endpoint: string | undefined;
  readonly client: string | undefined;
  readonly claims: JsonObject | undefined;
}

/** A principal with the group its consumer is a member of. */
export function callerOf(principal: Principal, memberOf: string | undefined): Caller {
  const { proof, name, consumer, scopes, endpoint, client, claims } = principal;
  const groups = memberOf === undefined ? principal.groups : [memberOf, ...principal.groups];
  return { proof, name, consumer, memberOf, groups, scopes, endpoint, client, claims };
}

/** The same caller with a token of more scopes. */
export function withScopes(caller: Caller, scopes: readonly string[]): Caller {
  return { ...caller, scopes: [...new Set([...(caller.scopes ?? []), ...scopes])] };
}
