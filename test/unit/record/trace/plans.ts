import type { TracingPlan } from '../../../../src/kernel/record-plan.ts';

/** A plan that traces everything, with what a test wants to be otherwise. */
export function tracingPlan(changes: Partial<TracingPlan> = {}): TracingPlan {
  return {
    isOn: true,
    endpoint: 'http://127.0.0.1:4318/v1/traces',
    headers: {},
    sampleRatio: 1,
    followsParent: true,
    serviceName: 'mcpx',
    timeoutMs: 2000,
    maxQueue: 2048,
    ...changes,
  };
}
