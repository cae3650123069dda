import type { Arrival } from '../kernel/arrival.ts';
import { isObject, type Json, type JsonObject } from '../kernel/json.ts';
import type { Request } from '../kernel/json-rpc.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';
import type { Echo, SpinePorts, View } from './ports.ts';

/** One call with all that translating between its two sides needs. */
export interface Passage {
  readonly arrival: Arrival;
  readonly target: Target;
  readonly principal: Principal;
  /** Arguments for the server, where they are not those the caller sent. */
  readonly args?: JsonObject | undefined;
  readonly view: View;
  readonly ports: SpinePorts;
  /** Id of the first exchange of the call. */
  readonly callId: string;
  /** What the client goes on with; undefined for a call that begins. */
  readonly echo?: Echo | undefined;
}

/** Parameters of a retry that are not part of what is asked (spec 2026-07-28, MRTR). */
const APART = new Set(['_meta', 'inputResponses', 'requestState']);

/** What a requestState is bound to: caller, method and what is asked (docs/rules.md R11). */
export function bindingOf({ method, params }: Request, principal: Principal): string {
  const asked = Object.fromEntries(Object.entries(params ?? {}).filter(([key]) => !APART.has(key)));
  return JSON.stringify([principal.key, method, sorted(asked)]);
}

/** The same value with the keys of all objects in order, so that equal values have equal texts. */
function sorted(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((each) => sorted(each) ?? null);
  if (!isObject(value)) return value;
  // Not by assignment, which would take a key `__proto__` for the prototype.
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  );
}
