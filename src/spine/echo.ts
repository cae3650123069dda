import type { Arrival } from '../kernel/arrival.ts';
import { isObject, stringAt, type JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { bindingOf } from './passage.ts';
import type { Echo, SpinePorts } from './ports.ts';
import type { Trail } from './trail.ts';

/** Requests that a server may answer with questions (spec 2026-07-28, MRTR, "Supported Requests"). */
export const MULTI_ROUND: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
]);

/**
 * What a modern client goes on with, by the requestState it echoes; undefined for a call that begins. Throws PARAMS_INVALID
 * where the state is not for this call, or the answers are none.
 */
export function echoOf(
  { request, era }: Arrival,
  { principal }: Trail,
  ports: SpinePorts,
): Echo | undefined {
  if (era === 'legacy' || !MULTI_ROUND.has(request.method)) return undefined;
  requireResponses(request.params);
  if (request.params?.['requestState'] === undefined) return undefined;
  const sealed = stringAt(request.params, 'requestState') ?? '';
  const echo = ports.openState(bindingOf(request, principal), sealed);
  // Before anything is charged for it; it is taken up where the first request was sent.
  if (echo.kind === 'parked' && !ports.parking.has(echo.id)) throw callIsOver();
  return echo;
}

/** Whether the answers to the last questions are there, and each is one (spec 2026-07-28, MRTR, "Error Handling"). */
function requireResponses(params: JsonObject | undefined): void {
  const responses = params?.['inputResponses'];
  if (responses === undefined) return;
  if (!isObject(responses))
    throw new Refusal('PARAMS_INVALID', 'params.inputResponses must be an object.');
  if (Object.values(responses).every((response) => isObject(response))) return;
  throw new Refusal('PARAMS_INVALID', 'Each value of params.inputResponses must be an object.');
}

/** A caller who may not go on with its call has it ended at the server too. */
export function endDenied(echo: Echo, trail: Trail, ports: SpinePorts): void {
  if (echo.kind === 'parked' && trail.isDenied) ports.parking.deny(echo.id);
}

/** What a state is answered with that was used, or whose call is over. */
export function callIsOver(): Refusal {
  const message = 'params.requestState was used already, or its call has ended.';
  return new Refusal('PARAMS_INVALID', message);
}

/** What a state of another call is answered with. */
export function notMadeForThis(): Refusal {
  return new Refusal('PARAMS_INVALID', 'params.requestState was not made for this call.');
}
