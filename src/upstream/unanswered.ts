import { Cancelled } from '../kernel/answer.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { Refusal, type RefusalCode } from '../kernel/refusals.ts';
import type { Flight } from './flights.ts';
import { OpenFailure, type WireFailure, type WireFailureKind } from './wire.ts';

/** Whether a call can be sent again: nothing of it was sent, it may have run, or there is no use in it. */
export type Fate = 'unsent' | 'lost' | 'over';

/** How a call ended without an answer. */
interface Ending {
  readonly fate: Fate;
  /** What the server did, where that speaks against it. */
  readonly fault?: string | undefined;
  /** How long the server asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** A call that its server did not answer. */
export class Unanswered extends Refusal {
  readonly fate: Fate;
  readonly fault: string | undefined;

  constructor(code: RefusalCode, message: string, { fate, fault, retryAfterMs }: Ending) {
    super(code, message, retryAfterMs === undefined ? undefined : { retryAfterMs });
    this.fate = fate;
    this.fault = fault;
  }
}

/** The server has forgotten its session with the gateway: the call did not run and can be sent in a new one. */
export class SessionLost extends Unanswered {
  constructor(upstream: string) {
    super('UPSTREAM_UNAVAILABLE', `Server "${upstream}" has forgotten the session.`, {
      fate: 'unsent',
    });
  }
}

/** The refusal for a flight that was not answered in time. */
export function timedOut(upstream: string, { method, timeoutMs }: Flight): Unanswered {
  const what = `did not answer ${method} within ${timeoutMs} ms`;
  const message = `Server "${upstream}" ${what}; the call was cancelled.`;
  return new Unanswered('UPSTREAM_TIMEOUT', message, { fate: 'over', fault: what });
}

/** What a flight fails with when its server did not answer. */
export function failureOf(upstream: string, flight: Flight, failure: WireFailure): Error {
  return flight.exchange === undefined ? new OpenFailure(failure) : refusalFor(upstream, failure);
}

/** The refusal for a call that its server did not answer: whether it can have run, or that what came was no answer. */
function refusalFor(upstream: string, failure: WireFailure): Unanswered {
  const { kind, message, isBegun = false, status, retryAfterMs } = failure;
  if (kind === 'session-lost')
    return isBegun ? lostWith(upstream, message) : new SessionLost(upstream);
  if (status === TOO_MANY_REQUESTS) return busy(upstream, failure);
  const { code, fate, isFault } = meaningOf(failure);
  const text = `Server "${upstream}" ${message}.`;
  return new Unanswered(code, text, { fate, fault: isFault ? message : undefined, retryAfterMs });
}

/** The refusal for a call that its server did not take up because there were too many (RFC 6585, 429). */
function busy(upstream: string, { message, retryAfterMs }: WireFailure): Unanswered {
  const when = retryAfterMs === undefined ? 'later' : `in ${Math.ceil(retryAfterMs / 1000)} s`;
  const text = `Server "${upstream}" ${message}: it gets too many requests. Try again ${when}.`;
  return new Unanswered('UPSTREAM_BUSY', text, { fate: 'over', retryAfterMs });
}

/** What a failure means for the call, and whether it speaks against the server. */
interface Meaning {
  readonly code: RefusalCode;
  readonly fate: Fate;
  readonly isFault: boolean;
}

function meaningOf({ kind, status = 0, retryAfterMs }: WireFailure): Meaning {
  const meaning = MEANINGS[kind];
  if (kind !== 'http') return meaning;
  // Below 500 it is the request that the server does not like: it is there, and would say the same again.
  if (status < SERVER_ERRORS) return { ...meaning, fate: 'over', isFault: false };
  return retryAfterMs === undefined ? meaning : { ...meaning, fate: 'over' };
}

const TOO_MANY_REQUESTS = 429;
const SERVER_ERRORS = 500;
const MEANINGS: Readonly<Record<WireFailureKind, Meaning>> = {
  'session-lost': { code: 'UPSTREAM_UNAVAILABLE', fate: 'unsent', isFault: false },
  refused: { code: 'UPSTREAM_UNAVAILABLE', fate: 'unsent', isFault: true },
  unsent: { code: 'UPSTREAM_UNAVAILABLE', fate: 'unsent', isFault: false },
  unauthorized: { code: 'UPSTREAM_UNAVAILABLE', fate: 'over', isFault: false },
  unwritable: { code: 'UPSTREAM_UNAVAILABLE', fate: 'over', isFault: false },
  protocol: { code: 'UPSTREAM_PROTOCOL', fate: 'over', isFault: true },
  http: { code: 'UPSTREAM_LOST', fate: 'lost', isFault: true },
  broken: { code: 'UPSTREAM_LOST', fate: 'lost', isFault: true },
  aborted: { code: 'UPSTREAM_LOST', fate: 'lost', isFault: false },
};

/** The refusal for a call that was under way when its link ended; no fault of the server where the gateway ended it. */
export function endedWith(
  upstream: string,
  { method }: Flight,
  reason: string,
  isOurs: boolean,
): Unanswered {
  const message = `Server "${upstream}" ${reason}; ${method} may or may not have run.`;
  if (isOurs) return new Unanswered('UPSTREAM_LOST', message, { fate: 'over' });
  return new Unanswered('UPSTREAM_LOST', message, { fate: 'lost', fault: reason });
}

/** The refusal for a call that had reached a session which its server has forgotten since. */
function lostWith(upstream: string, reason: string): Unanswered {
  const message = `Server "${upstream}" ${reason}; the call may or may not have run.`;
  return new Unanswered('UPSTREAM_LOST', message, { fate: 'lost' });
}

/** Why a call cannot be sent at all: its client has cancelled it, or the link is closed. */
export function whyUnsent(
  { cancellation }: Exchange,
  upstream: string,
  closedFor: string | undefined,
): Error | undefined {
  if (cancellation.reason !== undefined) return new Cancelled(cancellation.reason);
  if (closedFor === undefined) return undefined;
  return new Unanswered('UPSTREAM_UNAVAILABLE', `Server "${upstream}" ${closedFor}.`, {
    fate: 'unsent',
  });
}
