import { Cancellation, type Exchange, type Owner } from '../../src/kernel/exchange.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { Notification } from '../../src/kernel/json-rpc.ts';
import type { ParkingPlan } from '../../src/kernel/plan.ts';
import { Principal } from '../../src/kernel/principal.ts';
import type { Target } from '../../src/kernel/target.ts';

const TARGET: Target = { kind: 'tool', upstream: 'it', name: 't', publicName: 'it__t' };

export const SUBJECT = { callId: 'call', target: TARGET, args: undefined };

export const PARKING: ParkingPlan = {
  timeoutMs: 60_000,
  gatherMs: 1,
  maxCount: 100,
  maxPerPrincipal: 10,
  maxBytes: 1_000_000,
  maxBytesPerPrincipal: 100_000,
};

/** One request of a modern client, and what it was told. */
export interface TestExchange extends Exchange {
  readonly told: Notification[];
}

/** A request of a caller. */
export function exchangeOf(
  name: string,
  logLevel?: string,
  capabilities: JsonObject = { elicitation: {}, roots: {} },
): TestExchange {
  const told: Notification[] = [];
  const cannotAsk = (): Promise<never> => Promise.reject(new Error('asked itself'));
  const owner: Owner = {
    key: `exchange of ${name}`,
    principal: Principal.prove({ credential: name, proof: 'api-key' }),
    version: '2026-07-28',
    capabilities,
    clientInfo: undefined,
    hasLeft: false,
    isRestored: false,
    logLevel,
    notify: () => undefined,
    ask: cannotAsk,
  };
  return {
    era: 'modern',
    owner,
    cancellation: new Cancellation(),
    notify: (message) => told.push(message),
    ask: cannotAsk,
    told,
  };
}

/** A question for a form. */
export function form(message: string): { method: string; params: JsonObject } {
  return { method: 'elicitation/create', params: { message } };
}
