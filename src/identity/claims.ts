import type { IssuerPlan } from '../kernel/access.ts';
import { isObject, type Json, type JsonObject, stringAt } from '../kernel/json.ts';
import type { Proven } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';

/** The claim under a name or a dotted path such as `realm_access.roles`; a name that holds dots itself goes first. */
export function claimAt(claims: JsonObject, path: string): Json | undefined {
  if (Object.hasOwn(claims, path)) return claims[path];
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    const inner = Object.hasOwn(claims, head) ? claims[head] : undefined;
    const found = isObject(inner) ? claimAt(inner, path.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The scopes of a token: `scope` (RFC 8693, section 4.2), and `scp` as some issuers have it. */
export function scopesOf(claims: JsonObject): readonly string[] {
  return [...new Set([...wordsOf(claims['scope']), ...wordsOf(claims['scp'])])];
}

/**
 * What the claims of a verified token prove under the issuer's entry, until a moment in milliseconds since the epoch.
 * Throws CONSUMER_REFUSED where they name a consumer they may not name, INSUFFICIENT_SCOPE where a scope of the entry is missing.
 */
export function provenBy(claims: JsonObject, plan: IssuerPlan, expiresAt: number): Proven {
  const scopes = scopesOf(claims);
  if (plan.requiredScopes.some((scope) => !scopes.includes(scope)))
    throw new Refusal('INSUFFICIENT_SCOPE', undefined, { scopes: plan.requiredScopes });
  const consumer = consumerOf(claims, plan);
  const subject = stringAt(claims, 'sub') ?? '';
  return {
    credential: `token:${JSON.stringify(plan.issuer)} ${JSON.stringify(subject)}`,
    proof: 'token',
    // Never a tag: it would let a proven subject go by another one's name.
    name: consumer ?? subject,
    consumer,
    groups: plan.groupsClaim === undefined ? [] : wordsOf(claimAt(claims, plan.groupsClaim)),
    scopes,
    claims,
    expiresAt,
  };
}

function consumerOf(claims: JsonObject, plan: IssuerPlan): string | undefined {
  if (plan.consumerClaim === undefined) return undefined;
  const name = claimAt(claims, plan.consumerClaim);
  if (name === undefined || name === null) return undefined;
  // Whatever cannot be read as a name must not fall back to what holds for callers without one.
  if (typeof name !== 'string' || name === '')
    throw new Refusal(
      'CONSUMER_REFUSED',
      'The token names its consumer by something that is no name.',
    );
  if (plan.consumers !== undefined && !plan.consumers.includes(name))
    throw new Refusal(
      'CONSUMER_REFUSED',
      'Tokens of this issuer may not name this consumer. Add it to consumers of the issuer in app.yaml.',
    );
  return name;
}

/** The strings of a list, or the words of a text separated by spaces. */
function wordsOf(value: Json | undefined): string[] {
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '');
  if (!Array.isArray(value)) return [];
  return value.filter((word) => typeof word === 'string' && word !== '') as string[];
}
