import type { Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import { roadFor, type Road } from '../kernel/methods.ts';
import { serveCall } from './call.ts';
import { serveList } from './list.ts';
import type { SpinePorts } from './ports.ts';
import { unknownMethod } from './resolve.ts';
import { serveSession } from './session.ts';
import { serveSubscription } from './subscription.ts';
import { originOf, Trail } from './trail.ts';

type Serve = (arrival: Arrival, trail: Trail, ports: SpinePorts) => Promise<Answer>;

const ROADS: Readonly<Record<Exclude<Road, 'signal'>, Serve>> = {
  call: serveCall,
  list: serveList,
  subscription: serveSubscription,
  session: serveSession,
};

/** The whole life of a request with an answer: its road by its method, and exactly one Entry whatever happens. */
export async function serve(arrival: Arrival, ports: SpinePorts): Promise<Answer> {
  const trail = new Trail(originOf(arrival), arrival.exchange.owner.principal, ports);
  try {
    const answer = await roadOf(arrival)(arrival, trail, ports);
    const written = trail.written(answer);
    trail.ended(answer, 'text' in written ? written.text.length : undefined);
    return written;
  } catch (error) {
    throw trail.failed(error);
  }
}

/** A method of another era does not exist in this one; a signal is no request. */
function roadOf({ request, era }: Arrival): Serve {
  const road = roadFor(request.method, era);
  if (road === undefined) throw unknownMethod(request.method);
  return ROADS[road];
}
