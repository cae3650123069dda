import { diffPlans } from '../config/plan-diff.ts';
import type { GatewayEvent } from '../kernel/entry.ts';
import type { UpstreamState } from '../kernel/inventory.ts';
import type { KeyRecord } from '../kernel/key-record.ts';
import type { Plan } from '../kernel/plan.ts';

/** Nobody is asked who edits a file: what is known is that it changed. */
const BY_FILE = 'configuration files';

/** The gateway was started. */
export function startedEvent(version: string, plan: Plan): GatewayEvent {
  const servers = plan.servers.map(({ name }) => name);
  return { event: 'gateway-started', by: undefined, details: { version, servers } };
}

/** The gateway is told to end. */
export const STOPPED: GatewayEvent = { event: 'gateway-stopped', by: undefined, details: {} };

/** Another plan is in force; undefined where nothing in it is different. */
export function changedEvent(before: Plan, after: Plan): GatewayEvent | undefined {
  const changes = diffPlans(before, after).map(({ path, before: was, after: is }) => ({
    path,
    ...(was === undefined ? {} : { before: was }),
    ...(is === undefined ? {} : { after: is }),
  }));
  if (changes.length === 0) return undefined;
  return { event: 'config-changed', by: BY_FILE, details: { changes } };
}

/** What became of a named key: made or revoked by somebody, or used for the first time. */
export function keyEvent(
  event: 'key-created' | 'key-revoked' | 'key-used-first',
  { id, name, consumer }: KeyRecord,
  by?: string,
): GatewayEvent {
  return { event, by, details: { id, name, consumer } };
}

/** A server is in another state. */
export function stateEvent(state: UpstreamState): GatewayEvent {
  const { name, phase, reason, era, version } = state;
  const known = Object.entries({ reason, era, version }).filter(([, value]) => value !== undefined);
  const details = { server: name, phase, ...(Object.fromEntries(known) as Record<string, string>) };
  return { event: 'server-state', by: undefined, details };
}
