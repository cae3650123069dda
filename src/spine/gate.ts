import { objectAt, stringAt } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Gate, SpinePorts } from './ports.ts';
import { serve } from './serve.ts';
import { initialize } from './session.ts';
import { signal } from './signal.ts';
import { openListen } from './subscription.ts';
import { isRecorded, originOf, Trail, type Origin } from './trail.ts';

/** The door of the spine, for listeners. */
export function createGate(ports: SpinePorts): Gate {
  return {
    plan: () => ports.plan(),
    sessions: ports.sessions,
    newToken: () => ports.newToken(),
    identify: (credentials) => ports.identify(credentials),
    whenLapsed: (principal, end) => ports.whenLapsed(principal, end),
    refused: (error, address, principal) => {
      // What was on a road has left its entry there.
      if (error instanceof Refusal && !isRecorded(error))
        ports.turnedAway(error.code, address, principal?.key);
    },
    serve: (arrival) => serve(arrival, ports),
    initialize: (principal, request, transport, circumstances) => {
      const clientInfo = objectAt(request.params, 'clientInfo');
      const origin: Origin = {
        method: request.method,
        era: 'legacy',
        transport,
        meta: objectAt(request.params, '_meta'),
        circumstances,
      };
      const named = principal.withClient(stringAt(clientInfo, 'name'));
      const trail = new Trail(origin, named, ports);
      return onTrail(trail, () => {
        const begun = initialize(named, request, ports);
        trail.began(begun.session);
        return begun;
      });
    },
    signal: (session, message) => signal(session, message, ports),
    listen: (arrival, deliver) => {
      const { principal } = arrival.exchange.owner;
      return onTrail(new Trail(originOf(arrival), principal, ports), () =>
        openListen(arrival, principal, ports, deliver),
      );
    },
  };
}

/** Runs what is done at once, and records that it was. */
function onTrail<T>(trail: Trail, work: () => T): T {
  try {
    const outcome = work();
    trail.ended({ result: {} });
    return outcome;
  } catch (error) {
    throw trail.failed(error);
  }
}
