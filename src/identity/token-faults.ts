import { invalidCredential, unauthenticated } from './unauthenticated.ts';
import type { Fault } from './verified.ts';

/** Codes of jose's errors that say something about the token, and not about the issuer. */
const ABOUT_THE_TOKEN = new Set([
  'ERR_JOSE_ALG_NOT_ALLOWED',
  'ERR_JOSE_NOT_SUPPORTED',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWS_INVALID',
  'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  'ERR_JWT_INVALID',
]);

/** A claim is looked at only after the signature was found good: these tokens are no guesses. */
const BY_CLAIM: Readonly<Record<string, string>> = {
  aud: 'The token is not meant for this gateway. Ask for one with its audience.',
  exp: 'The token does not say when it expires.',
  nbf: 'The token is not valid yet. Wait, or mend the clocks.',
  sub: 'The token names no subject.',
};

/** Whether an error leaves open if the token is good: its issuer does not answer, or answers with something else than keys. */
export function isUnjudged(error: unknown): boolean {
  const code = codeOf(error);
  const isAboutClaims = code === 'ERR_JWT_EXPIRED' || code === 'ERR_JWT_CLAIM_VALIDATION_FAILED';
  return !isAboutClaims && !ABOUT_THE_TOKEN.has(code);
}

/** What is wrong with a token, by the error its verification ended with. */
export function tokenFault(error: unknown): Fault {
  const code = codeOf(error);
  if (code === 'ERR_JWT_EXPIRED') return stale('The token has expired. Ask for a new one.');
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') {
    const { claim } = error as { readonly claim?: unknown };
    return stale(BY_CLAIM[String(claim)] ?? 'A claim of the token is not valid.');
  }
  // A key that is new at its issuer may not be known here yet: its tokens are no guesses, and nothing is fetched for them.
  const isGuess = code !== 'ERR_JWKS_NO_MATCHING_KEY';
  return { refusal: invalidCredential('The token is not valid.'), isGuess };
}

/** Refuses a token whose issuer cannot be asked now; it may be good, so the client should keep it. */
export function cannotJudge(): Fault {
  const detail = 'The token cannot be verified now: its issuer does not answer. Try again later.';
  return { refusal: unauthenticated(detail, { description: detail }), isGuess: false };
}

function stale(reason: string): Fault {
  return { refusal: invalidCredential(reason), isGuess: false };
}

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | undefined)?.code);
}
