import { createHash } from 'node:crypto';
import { isObject } from '../kernel/json.ts';
import type { ServerPlan } from '../kernel/plan.ts';

/** What decides whether a running server still is the configured one. */
export type Identity = Pick<ServerPlan, 'endpoint' | 'isolation' | 'limits'>;

/** A hash that changes exactly when a server must be started anew; the order of keys does not matter. */
export function fingerprint({ endpoint, isolation, limits }: Identity): string {
  const text = JSON.stringify({ endpoint, isolation, limits }, (_key, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).toSorted(byKey)) : value,
  );
  return createHash('sha256').update(text).digest('base64url');
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
