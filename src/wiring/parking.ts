import type { Plan } from '../kernel/plan.ts';
import { newId } from '../seal/seal.ts';
import { Parking, type ParkedEnd } from '../session/parking.ts';
import type { RoundTrip } from '../session/round-trip.ts';
import type { Lapses } from './lapses.ts';
import type { Records } from './records.ts';

/** What parking is given. */
export interface ParkingWiring {
  readonly records: Records;
  readonly lapses: Lapses;
  plan(): Plan;
  onGone(ownerKey: string): void;
}

/** Where calls of modern clients wait for their clients, as the plan in force allows. */
export function createParking(wiring: ParkingWiring): Parking {
  const { records, lapses } = wiring;
  return new Parking({
    plan: () => wiring.plan().parking,
    newId,
    // States of calls that wait are timed by the same clock (`Sealed`): nobody sets it.
    now: () => performance.now(),
    whenLapsed: (principal, end) => lapses.watch(principal, end),
    onEnded: (how, trip) => noteEnd(records, how, trip),
    onGone: (key) => wiring.onGone(key),
  });
}

/** A call that is given up leaves a line of its own: no request of its client is there to say so. */
function noteEnd(records: Records, how: ParkedEnd, { owner, subject }: RoundTrip): void {
  records.parkedEnded(how);
  if (how === 'resumed') return;
  const { callId, target } = subject;
  const details = { callId, server: target.upstream, reason: how };
  records.event({ event: 'call-given-up', by: owner.principal.key, details });
}
