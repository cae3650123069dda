import { isObject, stringAt } from '../kernel/json.ts';
import { fetchJson, isLoopback, isTrustworthy } from './bounded-fetch.ts';

/**
 * Where an issuer has its keys, found by OpenID Connect Discovery 1.0 (section 4) or else by RFC 8414 (section 3.1), within
 * one signal. Rejects with an Error when neither document is there, names another issuer, or puts the keys where nobody can
 * trust them.
 */
export async function discoverKeys(issuer: string, signal: AbortSignal): Promise<URL> {
  const failures: string[] = [];
  for (const place of placesOf(issuer)) {
    try {
      return keysUriOf(await fetchJson(place, signal), issuer);
    } catch (error) {
      failures.push(reasonOf(error));
    }
  }
  throw new Error(failures.join('; '));
}

function placesOf(issuer: string): URL[] {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, '');
  return [
    new URL(`${path}/.well-known/openid-configuration`, url.origin),
    new URL(`/.well-known/oauth-authorization-server${path}`, url.origin),
  ];
}

/**
 * Where the document of an issuer says that its keys are. Throws an Error when it names another issuer, or a place that somebody on
 * the way could speak for: http is for issuers on this machine.
 */
export function keysUriOf(document: unknown, issuer: string): URL {
  const metadata = isObject(document) ? document : {};
  // Or else one tenant of a host could speak for another one (RFC 8414, section 3.3).
  if (metadata['issuer'] !== issuer)
    throw new Error('the document of the issuer names another issuer');
  const uri = URL.parse(stringAt(metadata, 'jwks_uri') ?? '');
  const mayBeHttp = isLoopback(new URL(issuer));
  if (uri === null || (uri.protocol !== 'https:' && !(mayBeHttp && isTrustworthy(uri))))
    throw new Error('the document of the issuer has no jwks_uri that can be trusted');
  return uri;
}

/** What went wrong, with the cause that `fetch` hides. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
