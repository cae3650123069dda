import { RemoteError, type Answer } from '../kernel/answer.ts';
import type { Exchange, Owner } from '../kernel/exchange.ts';
import { objectAt, type JsonObject } from '../kernel/json.ts';
import {
  errorOf,
  notification,
  type Notification,
  type RequestId,
  type Response,
} from '../kernel/json-rpc.ts';
import { Transients } from '../kernel/transients.ts';

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
  /** Whether its timer is set for less than `timeoutMs`: part of that had passed before it was sent. */
  isLate: boolean;
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
  /** What is left of that, where it has waited before. */
  readonly leftMs?: number | undefined;
}

/** The requests in flight on one link: ids, timers, progress. */
export class Flights {
  readonly #byId = new Transients<number, Flight>();
  readonly #onTimeout: (flight: Flight) => void;
  readonly #onAsking: (isAsking: boolean) => void;
  #lastId: number;
  #calls = 0;

  /** `onAsking` is told when a client's call begins to wait for its client alone, and when it does not any more. */
  constructor(
    onTimeout: (flight: Flight) => void,
    firstId = 1,
    onAsking: (isAsking: boolean) => void = () => undefined,
  ) {
    this.#onTimeout = onTimeout;
    this.#onAsking = onAsking;
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
    const { method, exchange, progressToken, timeoutMs, leftMs = timeoutMs } = terms;
    const flight: Flight = {
      id,
      method,
      exchange,
      progressToken,
      timeoutMs,
      settle,
      timer: undefined,
      isLate: leftMs < timeoutMs,
      questions: 0,
      askingSince: undefined,
    };
    this.#arm(flight, leftMs);
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
    if (flight.progressToken === undefined || flight.exchange === undefined) return;
    tell(
      flight.exchange,
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
      if (flight.questions === 0) this.#asking(flight);
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
    if (this.#byId.get(flight.id) !== flight) return;
    if (flight.exchange !== undefined) this.#onAsking(false);
    this.#arm(flight);
  }

  #take(id: RequestId | null | undefined): Flight | undefined {
    if (typeof id !== 'number') return undefined;
    const flight = this.#byId.get(id);
    if (flight === undefined) return undefined;
    this.#byId.delete(id);
    clearTimeout(flight.timer);
    if (flight.exchange !== undefined) {
      this.#calls -= 1;
      if (flight.questions > 0) this.#onAsking(false);
      flight.exchange.cancellation.listen(undefined);
    }
    return flight;
  }

  #asking(flight: Flight): void {
    if (flight.exchange === undefined) return;
    flight.exchange.isBegun = true;
    if (this.#byId.get(flight.id) === flight) this.#onAsking(true);
  }

  #arm(flight: Flight, ms = flight.timeoutMs): void {
    if (ms === 0 || flight.questions > 0) return;
    if (flight.timer !== undefined && !flight.isLate) {
      flight.timer.refresh();
      return;
    }
    clearTimeout(flight.timer);
    flight.isLate = ms < flight.timeoutMs;
    flight.timer = setTimeout(() => this.#onTimeout(flight), ms);
  }
}

/** Tells a client what its server sent before the answer to its call. */
export function tell(exchange: Exchange, message: Notification): void {
  exchange.isBegun = true;
  exchange.notify(message);
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
