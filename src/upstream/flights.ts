import { Cancelled, RemoteError, type Answer } from '../kernel/answer.ts';
import type { Exchange, Owner } from '../kernel/exchange.ts';
import { objectAt, type JsonObject } from '../kernel/json.ts';
import { errorOf, notification, type RequestId, type Response } from '../kernel/json-rpc.ts';
import { Refusal } from '../kernel/refusals.ts';
import { Transients } from '../kernel/transients.ts';
import { OpenFailure, type WireFailure } from './wire.ts';

const TOO_MANY_REQUESTS = 429;

/** One request sent to a server and not yet answered. */
export interface Flight {
  readonly id: number;
  readonly method: string;
  /** The client's exchange; undefined for the gateway's own requests. */
  readonly exchange: Exchange | undefined;
  /** The token the client chose for progress, which stands in for ours. */
  readonly progressToken: RequestId | undefined;
  readonly timeoutMs: number;
  readonly settle: (outcome: Answer | Error) => void;
  timer: NodeJS.Timeout | undefined;
  /** Questions to its client that are open now. */
  questions: number;
  /** Since when it waits for its client, in milliseconds (monotonic). */
  askingSince: number | undefined;
}

/** What a request is sent with. */
export interface FlightTerms {
  readonly method: string;
  readonly exchange: Exchange | undefined;
  readonly progressToken?: RequestId | undefined;
  /** Zero: no limit. */
  readonly timeoutMs: number;
}

/** The requests in flight on one link: ids, timers, progress. */
export class Flights {
  readonly #byId = new Transients<number, Flight>();
  readonly #onTimeout: (flight: Flight) => void;
  #lastId: number;
  #calls = 0;

  constructor(onTimeout: (flight: Flight) => void, firstId = 1) {
    this.#onTimeout = onTimeout;
    this.#lastId = firstId - 1;
  }

  /** How many of them are clients' calls. */
  get calls(): number {
    return this.#calls;
  }

  /** Since when the one client's call in flight waits for its client alone, in milliseconds (monotonic). */
  get askingSince(): number | undefined {
    if (this.#calls !== 1) return undefined;
    return this.#byId.values().find(({ exchange }) => exchange !== undefined)?.askingSince;
  }

  /** Opens a flight; `settle` is called exactly once unless the flight is dropped. */
  open(terms: FlightTerms, settle: (outcome: Answer | Error) => void): Flight {
    this.#lastId += 1;
    const id = this.#lastId;
    const { method, exchange, progressToken, timeoutMs } = terms;
    const flight: Flight = {
      id,
      method,
      exchange,
      progressToken,
      timeoutMs,
      settle,
      timer: undefined,
      questions: 0,
      askingSince: undefined,
    };
    this.#arm(flight);
    this.#byId.set(id, flight);
    if (exchange !== undefined) this.#calls += 1;
    return flight;
  }

  get(id: RequestId | undefined): Flight | undefined {
    return typeof id === 'number' ? this.#byId.get(id) : undefined;
  }

  /** Delivers a response; false when nothing waits for it. */
  answer(response: Response): boolean {
    const flight = this.#take(response.id);
    if (flight === undefined) return false;
    const error = errorOf(response);
    flight.settle(error === undefined ? { result: response.result ?? {} } : { error });
    return true;
  }

  /** Ends one flight with an error. */
  fail(id: RequestId, error: Error): void {
    this.#take(id)?.settle(error);
  }

  /** Ends all flights, as when their link is gone. */
  failAll(make: (flight: Flight) => Error): void {
    for (const flight of this.#byId.values()) this.fail(flight.id, make(flight));
  }

  /** Passes a progress notification to the client that asked for it, under its own token. */
  progress(params: JsonObject | undefined, resetsTimeout: boolean): void {
    const flight = this.get(params?.['progressToken'] as RequestId | undefined);
    if (flight === undefined) return;
    if (resetsTimeout) this.#arm(flight);
    if (flight.progressToken === undefined) return;
    flight.exchange?.notify(
      notification('notifications/progress', { ...params, progressToken: flight.progressToken }),
    );
  }

  /** The exchanges now in flight, oldest first. */
  *exchanges(): Generator<Exchange> {
    for (const flight of this.#byId.values())
      if (flight.exchange !== undefined) yield flight.exchange;
  }

  /** The calls a question may be about: the one on whose stream it came, else all that its owner has in flight. */
  concerned(owner: Owner, origin: RequestId | undefined): readonly Flight[] {
    const flight = this.get(origin);
    if (flight !== undefined) return [flight];
    return this.#byId.values().filter(({ exchange }) => exchange?.owner.key === owner.key);
  }

  /** Stops the clocks of calls while their client is asked; returns what starts them anew. To be called once. */
  hold(flights: readonly Flight[]): () => void {
    for (const flight of flights) {
      flight.questions += 1;
      flight.askingSince ??= performance.now();
      clearTimeout(flight.timer);
      flight.timer = undefined;
    }
    return () => {
      for (const flight of flights) this.#release(flight);
    };
  }

  #release(flight: Flight): void {
    flight.questions -= 1;
    if (flight.questions > 0) return;
    flight.askingSince = undefined;
    if (this.#byId.get(flight.id) === flight) this.#arm(flight);
  }

  #take(id: RequestId | null | undefined): Flight | undefined {
    if (typeof id !== 'number') return undefined;
    const flight = this.#byId.get(id);
    if (flight === undefined) return undefined;
    this.#byId.delete(id);
    clearTimeout(flight.timer);
    if (flight.exchange !== undefined) {
      this.#calls -= 1;
      flight.exchange.cancellation.listen(undefined);
    }
    return flight;
  }

  #arm(flight: Flight): void {
    if (flight.timeoutMs === 0 || flight.questions > 0) return;
    if (flight.timer !== undefined) {
      flight.timer.refresh();
      return;
    }
    flight.timer = setTimeout(() => this.#onTimeout(flight), flight.timeoutMs);
  }
}

/** The result of an answer; throws what is not one. */
export function resultOf(outcome: Answer | Error): JsonObject {
  if (outcome instanceof Error) throw outcome;
  if ('error' in outcome) throw new RemoteError(outcome.error);
  return 'result' in outcome ? outcome.result : {};
}

/** Params with our flight id as the progress token, when the client asked for progress at all. */
export function withProgressToken(params: JsonObject, id: number): JsonObject {
  const meta = objectAt(params, '_meta');
  if (meta?.['progressToken'] === undefined) return params;
  return { ...params, _meta: { ...meta, progressToken: id } };
}

/** The refusal for a flight that was not answered in time. */
export function timedOut(upstream: string, flight: Flight): Refusal {
  return new Refusal(
    'UPSTREAM_TIMEOUT',
    `Server "${upstream}" did not answer ${flight.method} within ${flight.timeoutMs} ms; the call was cancelled.`,
  );
}

/** The server has forgotten its session with the gateway: the call did not run and can be sent in a new one. */
export class SessionLost extends Refusal {
  constructor(upstream: string) {
    super('UPSTREAM_UNAVAILABLE', `Server "${upstream}" has forgotten the session.`);
  }
}

/** What a flight fails with when its server did not answer. */
export function failureOf(upstream: string, flight: Flight, failure: WireFailure): Error {
  return flight.exchange === undefined ? new OpenFailure(failure) : refusalFor(upstream, failure);
}

/** The refusal for a call that its server did not answer: whether it can have run, or that what came was no answer. */
function refusalFor(upstream: string, failure: WireFailure): Refusal {
  const { kind, message, isBegun = false } = failure;
  if (kind === 'session-lost')
    return isBegun ? lostWith(upstream, message) : new SessionLost(upstream);
  if (failure.status === TOO_MANY_REQUESTS) return busy(upstream, failure);
  const text = `Server "${upstream}" ${message}.`;
  if (kind === 'protocol') return new Refusal('UPSTREAM_PROTOCOL', text);
  const isUnsent = kind === 'refused' || kind === 'unauthorized';
  const { retryAfterMs } = failure;
  const data = retryAfterMs === undefined ? undefined : { retryAfterMs };
  return new Refusal(isUnsent ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_LOST', text, data);
}

/** The refusal for a call that its server did not take up because there were too many (RFC 6585, 429). */
function busy(upstream: string, { message, retryAfterMs }: WireFailure): Refusal {
  const isTold = retryAfterMs !== undefined;
  const when = isTold ? `in ${Math.ceil(retryAfterMs / 1000)} s` : 'later';
  const text = `Server "${upstream}" ${message}: it gets too many requests. Try again ${when}.`;
  return new Refusal('UPSTREAM_BUSY', text, isTold ? { retryAfterMs } : undefined);
}

/** The refusal for a call that had reached a session which its server has forgotten since. */
function lostWith(upstream: string, message: string): Refusal {
  return new Refusal(
    'UPSTREAM_LOST',
    `Server "${upstream}" ${message}; the call may or may not have run.`,
  );
}

/** Why a call cannot be sent at all: its client has cancelled it, or the link is closed. */
export function whyUnsent(
  { cancellation }: Exchange,
  upstream: string,
  closedFor: string | undefined,
): Error | undefined {
  if (cancellation.reason !== undefined) return new Cancelled(cancellation.reason);
  if (closedFor === undefined) return undefined;
  return new Refusal('UPSTREAM_UNAVAILABLE', `Server "${upstream}" ${closedFor}.`);
}
