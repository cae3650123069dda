import { Cancelled, RemoteError, type Answer } from '../kernel/answer.ts';
import { missingFor } from '../kernel/capabilities.ts';
import { Cancellation, type Exchange, type Owner, type Question } from '../kernel/exchange.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import { notification, type Notification, type RequestId } from '../kernel/json-rpc.ts';
import { CLIENT_FEATURES } from '../kernel/methods.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import { KeptMessages } from './kept-messages.ts';
import { LatestOwner } from './latest-owner.ts';
import { sizeOf } from './size.ts';

/** What a client is asked before its call goes on: the server's requests by keys of ours. */
export interface Asked {
  readonly asked: JsonObject;
}

/** One request of the client, which takes part in the call while it is open. */
export interface Turn {
  readonly exchange: Exchange;
  readonly progressToken: RequestId | undefined;
}

/** What a call is about, for as long as it lasts. */
export interface Subject {
  /** Id of its first exchange. */
  readonly callId: string;
  readonly target: Target;
  /** Arguments that were judged and sent, where they are not those its client sent. */
  readonly args: JsonObject | undefined;
}

interface Open {
  readonly question: Question;
  readonly size: number;
  settle(outcome: JsonObject | Error): void;
}

interface Waiting {
  resolve(outcome: Answer | Asked): void;
  reject(error: Error): void;
}

type Outcome =
  | { readonly answer: Answer; readonly error?: undefined }
  | { readonly answer?: undefined; readonly error: Error };

/**
 * A modern client's call as its server sees it: one call, however many requests of the client it takes. What a legacy server
 * asks in mid-call ends the client's request with `input_required`, and its retry goes on (spec 2026-07-28, multi round-trip
 * requests; docs/rules.md R3).
 */
export class RoundTrip implements Exchange {
  readonly era = 'modern';
  readonly owner: Owner;
  readonly subject: Subject;
  readonly cancellation = new Cancellation();
  /** What its user must agree to before it is sent anew, by our keys; undefined while it is at its server. */
  consents: JsonObject | undefined;
  /** Told when more is kept for a client that is away. */
  onGrown: (() => void) | undefined;
  readonly #gatherMs: number;
  /** The request that began the call, or the latest since. */
  readonly #latest: LatestOwner;
  #turn: Turn | undefined;
  #waiting: Waiting | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #open: Map<string, Open> | undefined;
  #kept: KeptMessages | undefined;
  #outcome: Outcome | undefined;
  #onLevel: ((level: string) => void) | undefined;
  #asked = 0;
  #size = 0;

  constructor(exchange: Exchange, subject: Subject, gatherMs: number) {
    this.subject = subject;
    this.#gatherMs = gatherMs;
    this.#latest = new LatestOwner(exchange.owner, this);
    this.owner = this.#latest;
  }

  /** Follows the call at its server. */
  follow(call: Promise<Answer>): void {
    this.consents = undefined;
    this.#outcome = undefined;
    call.then(
      (answer) => this.#end({ answer }),
      (error: unknown) =>
        this.#end({ error: error instanceof Error ? error : new Error(String(error)) }),
    );
  }

  /** Takes a request of the client in; resolves when the call is answered, or its client must be asked. Rejects as the call does. */
  next(turn: Turn): Promise<Answer | Asked> {
    const { exchange } = turn;
    this.#turn = turn;
    this.#latest.owner = exchange.owner;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      exchange.cancellation.listen((reason) => this.giveUp(reason));
      if (exchange.owner.logLevel !== undefined) this.#onLevel?.(exchange.owner.logLevel);
      for (const message of this.#kept?.take() ?? []) this.#tell(message);
      this.#settle();
    });
  }

  onLevel(listener: (level: string) => void): void {
    this.#onLevel = listener;
  }

  /** Hands the client's answers to the server; those to nothing that is asked are ignored. */
  answer(responses: JsonObject): void {
    for (const [key, response] of Object.entries(responses))
      if (isObject(response)) this.#open?.get(key)?.settle(response);
  }

  /** Ends the call, at its server too. */
  giveUp(reason: string): void {
    this.cancellation.cancel(reason);
    this.#end({ error: new Cancelled(reason) });
  }

  /** What is kept for a client that is away, in characters of JSON. */
  get size(): number {
    return this.#size + (this.#kept?.size ?? 0);
  }

  notify(message: Notification): void {
    if (this.#turn !== undefined) {
      this.#tell(message);
    } else if (this.#outcome === undefined) {
      this.#kept ??= new KeptMessages();
      this.#kept.add(message);
      this.onGrown?.();
    }
  }

  ask(question: Question, signal: Cancellation): Promise<JsonObject> {
    const fault = this.#outcome === undefined ? faultOf(question) : overRefusal();
    if (fault !== undefined) return Promise.reject(fault);
    this.#asked += 1;
    const key = `${question.method.split('/', 1)[0] ?? ''}_${this.#asked}`;
    const open = (this.#open ??= new Map());
    const size = sizeOf(question.params ?? {});
    return new Promise((resolve, reject) => {
      const settle = (outcome: JsonObject | Error): void => {
        if (open.delete(key)) this.#size -= size;
        signal.listen(undefined);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      open.set(key, { question, size, settle });
      this.#size += size;
      signal.listen(() => settle(overRefusal()));
      this.#settle();
      this.onGrown?.();
    });
  }

  /** A server asked what the client did not declare: the call ends with that (docs/rules.md R16). */
  lacks(requiredCapabilities: JsonObject): void {
    this.#end({ error: new Refusal('CAPABILITY_MISSING', undefined, { requiredCapabilities }) });
    this.cancellation.cancel('it needs what the client did not declare');
  }

  #end(outcome: Outcome): void {
    if (this.#outcome !== undefined) return;
    // Nobody answers them any more, and the server must not wait for it.
    for (const open of [...(this.#open?.values() ?? [])]) open.settle(overRefusal());
    this.#outcome = this.#waiting === undefined ? this.#measured(outcome) : outcome;
    this.#settle();
    this.onGrown?.();
  }

  /** What is kept for a client that is away must be of a known size. */
  #measured(outcome: Outcome): Outcome {
    const size = sizeOf(outcome.answer ?? {});
    if (size === Infinity) return { error: new Refusal('UPSTREAM_PROTOCOL', UNWRITABLE) };
    this.#size += size;
    return outcome;
  }

  /** Tells the client's request what has become of the call; questions only once others have had time to join them. */
  #settle(): void {
    if (this.#waiting === undefined) return;
    if (this.#outcome !== undefined) {
      const waiting = this.#leave(this.#waiting);
      const { answer, error } = this.#outcome;
      if (answer === undefined) waiting.reject(error);
      else waiting.resolve(answer);
    } else if (this.#open !== undefined && this.#open.size > 0) {
      this.#gathering ??= setTimeout(() => this.#bring(), this.#gatherMs);
    }
  }

  #bring(): void {
    this.#gathering = undefined;
    // The server may have taken its questions back meanwhile.
    if (this.#waiting === undefined || this.#open === undefined || this.#open.size === 0) return;
    for (const { question } of this.#open.values()) {
      // What is open since an earlier request may be what this one did not declare.
      const missing = missingFor(question, this.owner.capabilities);
      if (missing !== undefined) return this.lacks(missing);
    }
    const asked = [...this.#open].map(([key, { question }]) => [key, requestOf(question)]);
    this.#leave(this.#waiting).resolve({ asked: Object.fromEntries(asked) as JsonObject });
  }

  #leave(waiting: Waiting): Waiting {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#turn?.exchange.cancellation.listen(undefined);
    this.#turn = undefined;
    this.#waiting = undefined;
    return waiting;
  }

  #tell(message: Notification): void {
    if (this.#turn === undefined) return;
    const { exchange, progressToken } = this.#turn;
    const own = ownProgress(message, progressToken);
    if (own !== undefined) exchange.notify(own);
  }
}

const UNWRITABLE = 'The answer cannot be written as JSON.';

/** Why a question cannot be asked at all: a result of the modern protocol has room for three kinds, as JSON. */
function faultOf(question: Question): Error | undefined {
  if (!CLIENT_FEATURES.has(question.method))
    return new RemoteError({ code: -32601, message: 'The client does not know this method.' });
  if (sizeOf(question.params ?? {}) < Infinity) return undefined;
  return new Refusal('UPSTREAM_PROTOCOL', 'The question cannot be written as JSON.');
}

function requestOf({ method, params }: Question): JsonObject {
  return params === undefined ? { method } : { method, params };
}

/** Progress goes under the token of the request that is open now; one that did not ask for any gets none. */
function ownProgress(
  message: Notification,
  progressToken: RequestId | undefined,
): Notification | undefined {
  if (message.method !== 'notifications/progress') return message;
  if (progressToken === undefined) return undefined;
  return notification(message.method, { ...message.params, progressToken });
}

function overRefusal(): Refusal {
  return new Refusal('CLIENT_UNREACHABLE', 'The call this is asked in is over.');
}
