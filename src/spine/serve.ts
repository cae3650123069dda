import { Cancelled, RemoteError, type Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import type { Entry, Outcome } from '../kernel/entry.ts';
import { stringAt } from '../kernel/json.ts';
import { METHODS, type Method, type Road } from '../kernel/methods.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import { serveCall } from './call.ts';
import { serveList } from './list.ts';
import type { SpinePorts } from './ports.ts';
import { serveSession } from './session.ts';
import { serveSubscription } from './subscription.ts';

/** What an exchange learned on its way, for its record. */
export interface Trail {
  readonly principal: Principal;
  target?: Target;
  rule?: string;
}

type Serve = (arrival: Arrival, trail: Trail, ports: SpinePorts) => Promise<Answer>;

const ROADS: Readonly<Record<Exclude<Road, 'signal'>, Serve>> = {
  call: serveCall,
  list: serveList,
  subscription: serveSubscription,
  session: serveSession,
};

/** The whole life of a request with an answer: its road by its method, and exactly one Entry whatever happens. */
export async function serve(
  arrival: Arrival,
  principal: Principal,
  ports: SpinePorts,
): Promise<Answer> {
  const startedAt = performance.now();
  const trail: Trail = { principal };
  try {
    const method = methodOf(arrival);
    const road =
      method.road === 'signal' ? unknownMethod(arrival.request.method) : ROADS[method.road];
    const answer = await road(arrival, trail, ports);
    ports.record(entryOf(arrival, trail, startedAt, outcomeOf(answer)));
    return answer;
  } catch (error) {
    const refusal = refusalOf(error, ports);
    const ending = failureOf(refusal);
    const failure = refusal === error ? ending.failure : `${refusal.message} ${textOf(error)}`;
    ports.record(entryOf(arrival, trail, startedAt, { ...ending, failure }));
    throw refusal;
  }
}

/** The row of the method table; a method of another era does not exist in this one. */
function methodOf({ request, era }: Arrival): Method {
  const method = METHODS.get(request.method);
  return method?.eras.includes(era) === true ? method : unknownMethod(request.method);
}

function unknownMethod(name: string): never {
  throw new Refusal('METHOD_UNKNOWN', `Method not found: ${name.slice(0, 100)}`);
}

/** What a caller may be told: our own no, what its server answered, or nothing but an id that is also in the log. */
function refusalOf(error: unknown, ports: SpinePorts): Error {
  if (error instanceof Refusal || error instanceof Cancelled || error instanceof RemoteError)
    return error;
  return new Refusal('INTERNAL', `Something went wrong inside the gateway (${ports.newToken()}).`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

type Ending = Pick<Entry, 'outcome' | 'code' | 'failure'>;

function outcomeOf(answer: Answer): Ending {
  if ('error' in answer)
    return { outcome: 'error', code: String(answer.error.code), failure: undefined };
  const isFailed = 'result' in answer && answer.result['isError'] === true;
  return { outcome: isFailed ? 'tool-error' : 'ok', code: undefined, failure: undefined };
}

function failureOf(error: Error): Ending {
  if (error instanceof RemoteError)
    return { outcome: 'error', code: String(error.error.code), failure: undefined };
  if (!(error instanceof Refusal))
    return { outcome: 'cancelled', code: undefined, failure: undefined };
  const outcome: Outcome = error.code === 'INTERNAL' ? 'crashed' : 'refused';
  return { outcome, code: error.code, failure: error.message };
}

function entryOf(arrival: Arrival, trail: Trail, startedAt: number, ending: Ending): Entry {
  const { request, era, transport, exchange } = arrival;
  return {
    method: METHODS.has(request.method) ? request.method : 'other',
    era,
    transport,
    principal: trail.principal.key,
    client: stringAt(exchange.owner.clientInfo, 'name'),
    upstream: trail.target?.upstream,
    target: trail.target?.item === undefined ? undefined : trail.target.name,
    rule: trail.rule,
    durationMs: performance.now() - startedAt,
    ...ending,
  };
}
