import { RemoteError } from '../kernel/answer.ts';
import { LEGACY_VERSIONS } from '../kernel/era.ts';
import { isObject } from '../kernel/json.ts';

const UNSUPPORTED_VERSION = -32022;
/** Headers and body disagree, and a capability is missing. */
const MODERN_CODES: readonly number[] = [-32020, -32021];

/** The versions that a rejection for its version names; undefined for any other error (spec 2026-07-28, versioning). */
export function versionsNamedIn(error: unknown): readonly unknown[] | undefined {
  if (!(error instanceof RemoteError) || error.error.code !== UNSUPPORTED_VERSION) return undefined;
  const { data } = error.error;
  const supported = isObject(data) ? data['supported'] : undefined;
  return Array.isArray(supported) ? supported : [];
}

/** Whether an error is one that only modern servers give and that leads to no older version: no reason to try `initialize`. */
export function isModernError(error: unknown): boolean {
  if (error instanceof RemoteError && MODERN_CODES.includes(error.error.code)) return true;
  const named = versionsNamedIn(error);
  return named !== undefined && !named.some((version) => LEGACY_VERSIONS.includes(String(version)));
}
