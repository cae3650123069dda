import { objectAt } from '../kernel/json.ts';
import type { Gate, SpinePorts } from './ports.ts';
import { serve } from './serve.ts';
import { initialize } from './session.ts';
import { signal } from './signal.ts';
import { openListen } from './subscription.ts';
import { originOf, Trail } from './trail.ts';

/** The door of the spine, for listeners. */
export function createGate(ports: SpinePorts): Gate {
  return {
    plan: () => ports.plan(),
    sessions: ports.sessions,
    newToken: () => ports.newToken(),
    identify: (credentials) => ports.identify(credentials),
    serve: (arrival, principal) => serve(arrival, principal, ports),
    initialize: (principal, request, transport) => {
      const clientInfo = objectAt(request.params, 'clientInfo');
      const origin = { method: request.method, era: 'legacy', transport, clientInfo } as const;
      return onTrail(new Trail(origin, principal, ports), () =>
        initialize(principal, request, ports),
      );
    },
    signal: (session, message) => signal(session, message, ports),
    listen: (arrival, principal, deliver) =>
      onTrail(new Trail(originOf(arrival), principal, ports), () =>
        openListen(arrival, principal, ports, deliver),
      ),
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
