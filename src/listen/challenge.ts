import { isObject, objectAt, stringAt, type Json } from '../kernel/json.ts';
import type { Plan } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';

const NONE: Readonly<Record<string, string>> = {};
const SOON: Readonly<Record<string, string>> = { 'retry-after': '1' };
const SECOND_MS = 1000;

/** Where the metadata of a protected resource are, before the path of the resource (RFC 9728, section 3). */
const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';

/** Headers that go with a refusal: what is to be proven, and where to learn how (RFC 6750, RFC 9728; spec: authorization). */
export function refusalHeaders(
  error: unknown,
  plan: Plan,
  path: string,
): Readonly<Record<string, string>> {
  if (!(error instanceof Refusal)) return NONE;
  switch (error.code) {
    case 'UNAUTHENTICATED':
      return { 'www-authenticate': unauthenticated(error, plan, path) };
    case 'INSUFFICIENT_SCOPE':
      return { 'www-authenticate': insufficientScope(error, plan, path) };
    case 'GUESSING':
      return { 'retry-after': String(Number(error.data?.['retryAfterSec'] ?? 1)) };
    case 'OVERLOADED':
    case 'SHUTTING_DOWN':
      return SOON;
    case 'LIMITED':
      return retryAfter(error.data?.['retryAfterMs']);
    default:
      return NONE;
  }
}

/** In whole seconds, rounded up (RFC 9110, section 10.2.3); none where nobody can tell. */
function retryAfter(ms: unknown): Readonly<Record<string, string>> {
  return typeof ms === 'number' ? { 'retry-after': String(Math.ceil(ms / SECOND_MS)) } : NONE;
}

function unauthenticated(error: Refusal, plan: Plan, path: string): string {
  const data = error.data as Json | undefined;
  const challenge = isObject(data) ? objectAt(data, 'challenge') : undefined;
  const scopes = plan.auth.issuers.flatMap(({ requiredScopes }) => requiredScopes);
  return bearer({
    realm: 'mcpx',
    error: stringAt(challenge, 'error'),
    error_description: stringAt(challenge, 'description'),
    scope: scopes.length === 0 ? undefined : [...new Set(scopes)].join(' '),
    resource_metadata: metadataUrl(plan, path),
  });
}

function insufficientScope(error: Refusal, plan: Plan, path: string): string {
  const scopes = error.data?.['scopes'];
  return bearer({
    error: 'insufficient_scope',
    error_description: 'The token lacks a scope this call needs.',
    scope: Array.isArray(scopes) ? scopes.join(' ') : undefined,
    resource_metadata: metadataUrl(plan, path),
  });
}

/** Undefined where no issuer of tokens is configured: then there is nothing to learn. */
function metadataUrl({ auth, server }: Plan, path: string): string | undefined {
  if (auth.issuers.length === 0 || server.publicUrl === undefined) return undefined;
  const resource = path.startsWith('/mcp') || path.startsWith('/sse') ? path : '';
  const { origin, pathname } = new URL(server.publicUrl);
  return `${origin}${RESOURCE_METADATA}${pathname.replace(/\/$/u, '')}${resource}`;
}

function bearer(parameters: Readonly<Record<string, string | undefined>>): string {
  const parts = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replaceAll(/["\\\r\n]/gu, '')}"`],
  );
  return `Bearer ${parts.join(', ')}`;
}

/** The metadata at a path of this gateway, as JSON text; undefined where there are none (docs/rules.md R18). */
export function metadataAt(
  path: string,
  plan: Plan,
  isServed: (path: string) => boolean,
): string | undefined {
  if (!path.startsWith(RESOURCE_METADATA)) return undefined;
  const base = new URL(plan.server.publicUrl ?? 'http://localhost').pathname;
  const rest = path.slice(RESOURCE_METADATA.length);
  const prefix = base.replace(/\/$/u, '');
  const resource = prefix !== '' && rest.startsWith(prefix) ? rest.slice(prefix.length) : rest;
  return resource === '' || isServed(resource) ? resourceMetadata(plan, resource) : undefined;
}

/** The metadata of the resource at a path of this gateway, as JSON text; undefined where there are none (RFC 9728, section 2). */
function resourceMetadata({ auth, server, access }: Plan, path: string): string | undefined {
  if (auth.issuers.length === 0 || server.publicUrl === undefined) return undefined;
  const base = server.publicUrl.replace(/\/$/u, '');
  const scopes = new Set([
    ...auth.issuers.flatMap(({ requiredScopes }) => requiredScopes),
    ...access.rules.flatMap((rule) => rule.scopes ?? []),
  ]);
  return JSON.stringify({
    resource: path === '' ? server.publicUrl : `${base}${path}`,
    authorization_servers: [...new Set(auth.issuers.map(({ issuer }) => issuer))],
    bearer_methods_supported: ['header'],
    resource_name: 'MCPX',
    ...(scopes.size === 0 ? {} : { scopes_supported: [...scopes] }),
  });
}
