import type { Exchange } from '../kernel/exchange.ts';
import { objectAt } from '../kernel/json.ts';
import type { Permit } from '../kernel/permit.ts';
import { TASKS_EXTENSION } from '../kernel/tasks.ts';
import type { UpstreamCall } from './ports.ts';

/** Methods that only read (spec 2025-11-25, server features). */
const READING: ReadonlySet<string> = new Set([
  'prompts/get',
  'resources/read',
  'completion/complete',
]);
/** What a call carries that goes on with an earlier one (spec 2026-07-28, MRTR): its server may have used it up. */
const ROUND_KEYS = ['requestState', 'inputResponses'];

/** Whether a call may be sent again though it may have run: it only reads, or its tool says that running twice is as good as once. */
export function isRepeatable(permit: Permit, call: UpstreamCall, exchange: Exchange): boolean {
  if (ROUND_KEYS.some((key) => call.params[key] !== undefined)) return false;
  if (READING.has(call.method)) return true;
  if (call.method !== 'tools/call' || mayMakeTask(exchange)) return false;
  const hints = objectAt(permit.target.item, 'annotations');
  return hints?.['readOnlyHint'] === true || hints?.['idempotentHint'] === true;
}

/** Whether a call asks for a task, which its client would know nothing of (spec 2025-11-25, tasks). */
export function asksForTask({ params }: UpstreamCall): boolean {
  return params['task'] !== undefined;
}

/** With the extension it is the server that decides what becomes a task (spec 2026-07-28, tasks). */
function mayMakeTask({ owner }: Exchange): boolean {
  return objectAt(objectAt(owner.capabilities, 'extensions'), TASKS_EXTENSION) !== undefined;
}
