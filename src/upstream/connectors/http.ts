import { MODERN_VERSION } from '../../kernel/era.ts';
import type { Message, RequestId } from '../../kernel/json-rpc.ts';
import { HOUSEKEEPING } from '../../kernel/methods.ts';
import type { RemoteEndpoint, UpstreamLimits } from '../../kernel/plan.ts';
import { Transients } from '../../kernel/transients.ts';
import { LunarOutlet, type LunarTerms } from '../lunar/lunar-outlet.ts';
import { writeMessage, type Wire, type WireEvents, type WireFailure } from '../wire.ts';
import { Answering, type AnswerListener } from './answering.ts';
import { openSse } from './sse.ts';
import { SessionHeaders } from './session-headers.ts';
import type { FetchSink, Fetching } from './http-fetch.ts';
import { Noise } from './noise.ts';
import { DirectOutlet, type Outlet } from './outlet.ts';
import { bodyModeOf } from './response-head.ts';
import {
  answerTo,
  begun,
  boundedRetry,
  eventIdHeader,
  FRESH,
  hasNoStream,
  pauseAfter,
  RETRY_MS,
  type ResumeState,
} from './resuming.ts';

/** What one wire over HTTP needs. */
export interface HttpWireTerms {
  readonly limits: UpstreamLimits;
  readonly events: WireEvents;
  log(level: 'debug' | 'info' | 'warn', message: string): void;
}

/** The same, with what all wires to one server share. */
export interface HttpTerms extends HttpWireTerms {
  readonly endpoint: RemoteEndpoint;
  readonly outlet: Outlet;
}

const MAX_RESUMES = 10;
const GOODBYE_MS = 1000;
/** How long other requests of a lost session may take to hear of it. */
const LOSING_MS = 5000;
const NO_ANSWER: WireFailure = {
  kind: 'protocol',
  message: 'ended the response without an answer',
};
const LOST: WireFailure = { kind: 'session-lost', message: 'has forgotten the session' };
const LISTEN_WAIT_MS = 1000;
const SERVER_ERROR = -32000;
const NOT_STARTED: Fetching = { abort: () => undefined };

/** Reaches one server over HTTP, by either transport and in either era. */
export class HttpConnectors {
  readonly #endpoint: RemoteEndpoint;
  readonly #outlet: Outlet;

  constructor(endpoint: RemoteEndpoint, limits: UpstreamLimits, lunar?: LunarTerms) {
    this.#endpoint = endpoint;
    const { origin } = new URL(endpoint.url);
    this.#outlet =
      lunar === undefined
        ? new DirectOutlet(limits, origin)
        : new LunarOutlet(lunar, limits, origin);
  }

  openStreamable(terms: HttpWireTerms): Wire {
    return new HttpWire(this.#with(terms));
  }

  openSse(terms: HttpWireTerms): Wire {
    return openSse(this.#with(terms));
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#outlet.close();
  }

  #with(terms: HttpWireTerms): HttpTerms {
    return { ...terms, endpoint: this.#endpoint, outlet: this.#outlet };
  }
}

class HttpWire implements Wire {
  readonly needsCancelMessage = false;
  readonly #terms: HttpTerms;
  readonly #url: URL;
  readonly #fetching = new Transients<RequestId, Fetching>();
  readonly #noise: Noise;
  readonly #session: SessionHeaders;
  readonly #listener: AnswerListener = {
    hasSession: () => this.#session.id !== undefined,
    onSession: (id) => this.#noteSession(id),
    isAboutSession: (message) => this.#isAboutSession(message),
    onMessage: (message, id) => this.#onOwnMessage(message, id),
    onNoise: (what) => this.#noise.heard(what),
    onEnd: (answering, failure) => this.#onAnswerEnd(answering, failure),
  };
  #stream: Fetching | undefined;
  /** Resolves when the server has taken the latest message that has no answer. */
  #toldLast: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(terms: HttpTerms) {
    this.#terms = terms;
    this.#noise = new Noise((what) => terms.log('warn', what));
    this.#url = new URL(terms.endpoint.url);
    this.#session = new SessionHeaders(terms.endpoint.headers);
  }

  send(message: Message, headers?: Readonly<Record<string, string>>, consumer?: string): void {
    if (this.#isClosed) return;
    const body = writeMessage(message, this.#terms.events);
    if (body === undefined) return;
    const id = 'method' in message && 'id' in message ? message.id : undefined;
    // The gateway's own requests wait for nobody: a server that holds every place could not be asked how it is.
    const isBounded = id !== undefined && 'method' in message && !HOUSEKEEPING.has(message.method);
    // In place before anything can fail: what ends at once must be told like what ends later.
    if (id !== undefined) this.#fetching.set(id, NOT_STARTED);
    const fetching = this.#terms.outlet.start({
      isBounded,
      // Nobody waits for what answers no request, so nobody would give it up.
      headersMs: id === undefined ? this.#terms.limits.listTimeoutMs : undefined,
      url: this.#url,
      method: 'POST',
      headers: this.#session.ofMessage(headers),
      body,
      consumer,
      sink: id === undefined ? this.#sinkOfOneWay() : new Answering(this.#listener, id, consumer),
    });
    if (id !== undefined && this.#fetching.has(id)) this.#fetching.set(id, fetching);
  }

  abandon(id: RequestId): void {
    const fetching = this.#fetching.get(id);
    this.#fetching.delete(id);
    fetching?.abort();
  }

  settled(version: string): void {
    // The modern protocol says its version with every request.
    if (version !== MODERN_VERSION) this.#session.note('mcp-protocol-version', version);
  }

  async listen(): Promise<void> {
    const late = new Promise<void>((resolve) => {
      setTimeout(resolve, LISTEN_WAIT_MS).unref();
    });
    // The server must have taken notifications/initialized before it is listened to.
    await Promise.race([this.#toldLast, late]);
    const standing = new Promise<void>((resolve) => this.#listen(undefined, RETRY_MS, resolve));
    await Promise.race([standing, late]);
  }

  async close(): Promise<void> {
    const wasOpen = !this.#isClosed;
    this.#shut('stopped');
    if (wasOpen && this.#session.id !== undefined) await this.#sayGoodbye();
  }

  /** On the response to a request only its own answer may come: another's, believed, would reach another client. */
  #onOwnMessage(message: Message, id: RequestId): void {
    const answer = answerTo(message, id);
    if (answer === undefined && !('method' in message)) {
      this.#noise.heard(`answered request ${id} with an answer to ${String(message.id)}`);
      return;
    }
    const fetching = this.#fetching.get(id);
    if (answer === undefined) {
      if ('id' in message) fetching?.giveWay?.();
    } else {
      this.#fetching.delete(id);
      fetching?.answered?.();
    }
    this.#terms.events.onMessage(answer ?? message, id);
  }

  /** Of what is cut off by the end of the connection, that end tells; not of what was never sent. */
  #isToldByEnd(failure: WireFailure | undefined): boolean {
    return this.#isClosed && failure?.kind !== 'unsent';
  }

  #onAnswerEnd(answering: Answering, failure: WireFailure | undefined): void {
    const { id } = answering;
    if (!this.#fetching.has(id) || this.#isToldByEnd(failure)) return;
    if (this.#canResume(answering, failure)) {
      answering.resumes += 1;
      const resume = (): void => this.#fetching.set(id, this.#get(answering, answering));
      const timer = setTimeout(resume, answering.namedMs ?? RETRY_MS);
      this.#fetching.set(id, { abort: () => clearTimeout(timer) });
      return;
    }
    this.#fetching.delete(id);
    const why = answering.isLost ? LOST : (failure ?? NO_ANSWER);
    this.#terms.events.onFailure(id, answering.isBegun ? begun(why) : why);
    if (answering.isLost) this.#lose();
    // Those under way show that the server is there, and hear themselves what becomes of them.
    else if (why.kind === 'refused' && this.#fetching.size === 0) this.#shut(why.message);
  }

  /** Only where the server gave its events ids, and where nothing but the connection failed. */
  #canResume({ lastEventId, resumes }: ResumeState, failure: WireFailure | undefined): boolean {
    if (lastEventId === undefined || resumes >= MAX_RESUMES) return false;
    if (this.#session.id === undefined) return false;
    return failure === undefined || failure.kind === 'broken';
  }

  /** The session is gone. Requests under way hear so themselves, each according to whether the server had begun to answer. */
  #lose(): void {
    clearTimeout(this.#timer);
    this.#stream?.abort();
    if (this.#fetching.size === 0) this.#shut(LOST.message);
    else this.#timer = setTimeout(() => this.#shut(LOST.message), LOSING_MS);
  }

  /** Many servers say 400, not 404, when they do not know a session any more. */
  #isAboutSession(message: Message): boolean {
    if (this.#session.id === undefined || 'method' in message) return false;
    return message.error?.code === SERVER_ERROR && /session/iu.test(message.error.message);
  }

  /** Notifications and answers bring nothing back; that one is refused is worth a line. */
  #sinkOfOneWay(): FetchSink {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#toldLast = promise;
    return {
      onEnd: (failure) => {
        resolve();
        if (failure === undefined) return;
        this.#terms.log('debug', `did not take a message: ${failure.message}`);
      },
    };
  }

  /** The stream for what belongs to no request (spec 2025-11-25, "Listening for Messages from the Server"). */
  #listen(lastEventId: string | undefined, waitedMs: number, onStanding?: () => void): void {
    if (this.#isClosed) {
      onStanding?.();
      return;
    }
    const state: ResumeState = { ...FRESH, lastEventId };
    this.#stream = this.#get(state, {
      onHeaders: (status, headers) => {
        state.status = status;
        state.isBegun = bodyModeOf(status, headers) === 'sse';
        onStanding?.();
      },
      onMessage: (message) => this.#terms.events.onMessage(message, undefined),
      onId: (eventId) => {
        state.lastEventId = eventId;
      },
      onRetry: (ms) => {
        state.namedMs = boundedRetry(ms);
      },
      onNoise: (what) => this.#noise.heard(`on a stream: ${what}`),
      onEnd: (failure) => {
        onStanding?.();
        this.#onStreamEnd(state, waitedMs, failure);
      },
    });
  }

  #onStreamEnd(state: ResumeState, waitedMs: number, failure: WireFailure | undefined): void {
    this.#stream = undefined;
    if (this.#isClosed || hasNoStream(state, failure)) return;
    if (failure?.status === 404 && this.#session.id !== undefined) {
      this.#shut('has forgotten the session');
    } else if (failure?.kind === 'refused') {
      this.#shut(failure.message);
    } else {
      const waitMs = pauseAfter(state, waitedMs, failure);
      this.#timer = setTimeout(() => this.#listen(state.lastEventId, waitMs), waitMs);
    }
  }

  #get({ lastEventId, consumer }: ResumeState, sink: FetchSink): Fetching {
    const resume: Record<string, string> =
      lastEventId === undefined ? {} : { 'last-event-id': eventIdHeader(lastEventId) };
    return this.#terms.outlet.start({
      isBounded: false,
      url: this.#url,
      method: 'GET',
      headers: {
        ...this.#session.all,
        ...resume,
        accept: 'text/event-stream',
      },
      body: undefined,
      consumer,
      sink,
    });
  }

  #noteSession(id: string | string[] | undefined): void {
    if (typeof id === 'string' && this.#session.id === undefined)
      this.#session.note('mcp-session-id', id);
  }

  #shut(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#stream?.abort();
    for (const fetching of this.#fetching.values()) fetching.abort();
    this.#fetching.clear();
    this.#terms.events.onClosed(reason);
  }

  #sayGoodbye(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => fetching.abort(), GOODBYE_MS);
      const fetching = this.#terms.outlet.start({
        isBounded: false,
        url: this.#url,
        method: 'DELETE',
        headers: this.#session.all,
        body: undefined,
        sink: {
          onEnd: () => {
            clearTimeout(timer);
            resolve();
          },
        },
      });
    });
  }
}
