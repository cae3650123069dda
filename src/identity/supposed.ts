import type { AuthPlan } from '../kernel/access.ts';
import { stringAt, type JsonObject } from '../kernel/json.ts';
import { Principal, type Proof, type Proven } from '../kernel/principal.ts';
import { provenBy } from './claims.ts';

/** What is supposed of a caller. */
export interface Supposition {
  readonly proof?: Proof | undefined;
  readonly name?: string | undefined;
  readonly consumer?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly claims?: JsonObject | undefined;
  readonly client?: string | undefined;
  readonly endpoint?: string | undefined;
}

/**
 * A caller that is only supposed, for explaining, simulating and testing decisions; no door lets one in. Claims whose `iss`
 * names an issuer of the plan say the rest, as they would in a token, where nothing else is said. Throws what such a token
 * would be refused with: CONSUMER_REFUSED or INSUFFICIENT_SCOPE.
 */
export function supposed(given: Supposition, auth: AuthPlan): Principal {
  const token = tokenOf(given.claims, auth);
  const told = {
    ...given,
    consumer: given.consumer ?? token?.consumer,
    groups: given.groups ?? token?.groups ?? [],
    scopes: given.scopes ?? token?.scopes,
  };
  const { consumer, groups, claims, endpoint, client } = told;
  const proof = given.proof ?? proofOf(told, auth);
  const scopes = proof === 'token' ? (told.scopes ?? []) : undefined;
  const name = nameOf(told, proof);
  const facts: Proven = { credential: 'supposed', proof, name, consumer, groups, scopes };
  return Principal.prove({ ...facts, claims, endpoint }).withClient(client);
}

function proofOf({ claims, scopes, groups = [], consumer }: Supposition, auth: AuthPlan): Proof {
  if (claims !== undefined || scopes !== undefined || groups.length > 0) return 'token';
  if (!auth.isOn) return 'local';
  return consumer === undefined ? 'shared-key' : 'api-key';
}

function nameOf({ name, consumer, claims }: Supposition, proof: Proof): string {
  return name ?? consumer ?? stringAt(claims, 'sub') ?? SHARED_NAMES[proof];
}

/** What callers without a name of their own are known by. */
const SHARED_NAMES: Readonly<Record<Proof, string>> = {
  local: 'local',
  'shared-key': 'shared',
  'api-key': '',
  token: '',
};

function tokenOf(claims: JsonObject | undefined, auth: AuthPlan): Proven | undefined {
  const plan = auth.issuers.find(({ issuer }) => issuer === claims?.['iss']);
  return plan === undefined || claims === undefined ? undefined : provenBy(claims, plan, Infinity);
}
