import type { Gate, SpinePorts } from './ports.ts';
import { serve } from './serve.ts';
import { initialize } from './session.ts';
import { signal } from './signal.ts';
import { openListen } from './subscription.ts';

/** The door of the spine, for listeners. */
export function createGate(ports: SpinePorts): Gate {
  return {
    plan: () => ports.plan(),
    sessions: ports.sessions,
    newToken: () => ports.newToken(),
    identify: (credentials) => ports.identify(credentials),
    serve: (arrival, principal) => serve(arrival, principal, ports),
    initialize: (principal, request) => initialize(principal, request, ports),
    signal: (session, message) => signal(session, message, ports),
    listen: (arrival, principal, deliver) => openListen(arrival, principal, ports, deliver),
  };
}
