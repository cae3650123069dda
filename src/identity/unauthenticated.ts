import { Refusal } from '../kernel/refusals.ts';

/** What a `WWW-Authenticate` header tells beyond the scheme (RFC 6750, section 3). */
export interface Challenge {
  /** Absent where no credential was sent, or where it could not be judged. */
  readonly error?: 'invalid_token';
  /** Safe in a quoted string of a header. */
  readonly description?: string;
  /** Scopes to ask the issuer for, separated by spaces. */
  readonly scope?: string;
}

/** Refuses a caller that is not proven, with `data.challenge` for the `WWW-Authenticate` header. */
export function unauthenticated(detail: string, challenge: Challenge = {}): Refusal {
  return new Refusal('UNAUTHENTICATED', detail, { challenge });
}

/** Refuses a credential that proves nobody. The reason must hold nothing of the credential, no quotes and no backslash. */
export function invalidCredential(reason: string): Refusal {
  return unauthenticated(reason, { error: 'invalid_token', description: reason });
}
