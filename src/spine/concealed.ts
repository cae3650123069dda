import type { Arrival } from '../kernel/arrival.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { SpinePorts } from './ports.ts';
import { resolveConcealed } from './resolve.ts';
import { argumentsOf } from './to-upstream.ts';
import type { Trail } from './trail.ts';

/** Whether a request named what is not there for its caller. */
export function isUnknown(error: unknown): error is Refusal {
  return error instanceof Refusal && error.code !== 'PARAMS_INVALID';
}

/** What is hidden is answered as unknown, and the record says what it was and by which rule. */
export function concealed(
  error: Refusal,
  arrival: Arrival,
  trail: Trail,
  ports: SpinePorts,
): Refusal {
  const { request, exchange } = arrival;
  const view = ports.view(trail.principal, exchange.owner);
  const target = resolveConcealed(request, view);
  if (target === undefined) return error;
  trail.target = target;
  trail.conceal(
    ports.decide(trail.principal, target, argumentsOf(request, target), request.method),
  );
  return error;
}
