import type { Answer } from '../kernel/answer.ts';
import { LATEST_LEGACY_VERSION, LEGACY_VERSIONS } from '../kernel/era.ts';
import { Cancellation, isWanted, type Exchange } from '../kernel/exchange.ts';
import type { Json } from '../kernel/json.ts';
import type { Message, Request } from '../kernel/json-rpc.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Gate, Session } from '../spine/ports.ts';
import { answerStatus, errorText, responseText, wireError } from './answer.ts';
import { refusalHeaders } from './challenge.ts';
import { circumstancesOf } from './circumstances.ts';
import { messageOf } from './classify.ts';
import { bytesOf, headerOf, sendJson, type HttpExchange } from './http-exchange.ts';
import { HttpReply, type Channel } from './http-reply.ts';
import type { Streams } from './streams.ts';

const BATCH_VERSION = '2025-03-26';
const MAX_BATCH = 100;

/** Streamable HTTP as the legacy protocol has it: sessions, streams that can be resumed (spec 2025-11-25, transports). */
export class LegacyHttp {
  readonly #gate: Gate;
  readonly #streams: Streams;

  constructor(gate: Gate, streams: Streams) {
    this.#gate = gate;
    this.#streams = streams;
  }

  /** Whether a message comes of a client whose requests are being answered. */
  isBusy({ request }: HttpExchange): boolean {
    const id = headerOf(request, 'mcp-session-id');
    return id !== undefined && this.#gate.sessions.isBusy(id);
  }

  /** POST of one message; a promise where it has to be waited for. */
  post(http: HttpExchange, principal: Principal, message: Message): void | Promise<void> {
    if ('method' in message && message.method === 'initialize' && 'id' in message) {
      this.#initialize(http, principal, message);
      return undefined;
    }
    const session = this.#sessionOf(http, principal);
    if ('method' in message && 'id' in message) {
      const reply = this.#replyOf(http, session, [message], false);
      return this.#serve(session, message, reply, http);
    }
    this.#gate.signal(session, message);
    http.response.writeHead(202, http.headers).end();
    return undefined;
  }

  /** POST of several messages at once, which protocol version 2025-03-26 alone has. */
  async postBatch(http: HttpExchange, principal: Principal, batch: readonly Json[]): Promise<void> {
    const session = this.#sessionOf(http, principal);
    if (session.version !== BATCH_VERSION) throw new Refusal('BATCH_UNSUPPORTED');
    if (batch.length === 0) throw new Refusal('MALFORMED_MESSAGE');
    // All answers of a batch may have to be kept until the last one is there.
    if (batch.length > MAX_BATCH) throw new Refusal('BATCH_TOO_LONG');
    const requests: Request[] = [];
    for (const message of batch.map((each) => messageOf(each))) {
      if ('method' in message && 'id' in message) requests.push(message);
      else this.#gate.signal(session, message);
    }
    if (requests.length === 0) {
      http.response.writeHead(202, http.headers).end();
      return;
    }
    const reply = this.#replyOf(http, session, requests, true);
    await Promise.all(requests.map((request) => this.#serve(session, request, reply, http)));
  }

  /** GET: the stream for what belongs to no request, or a broken stream taken up again. */
  get(http: HttpExchange, principal: Principal): void {
    requireEventStream(http);
    const session = this.#sessionOf(http, principal);
    const lastEventId = headerOf(http.request, 'last-event-id');
    const resumed = lastEventId === undefined ? undefined : session.resume(lastEventId);
    const stream = resumed?.stream ?? session.standalone;
    const leave = this.#streams.enter(principal, (farewell) => {
      writer.raw(farewell);
      writer.end();
    });
    const writer = this.#streams.write(http, this.#headers(http, session), String(stream.id));
    writer.raw(`retry: ${this.#gate.plan().sse.retryMs}\n\n`);
    const release = session.hold();
    const detach = stream.attach(writer, resumed?.afterEvent);
    const unwatch = this.#gate.whenLapsed(principal, () => writer.end());
    http.response.on('close', () => {
      leave();
      unwatch();
      detach(writer.isTaken);
      release();
    });
  }

  /** DELETE: the client is done with its session. */
  delete(http: HttpExchange, principal: Principal): void {
    this.#gate.sessions.end(this.#sessionOf(http, principal));
    http.response.writeHead(204, http.headers).end();
  }

  #initialize(http: HttpExchange, principal: Principal, request: Request): void {
    const present = headerOf(http.request, 'mcp-session-id');
    if (present !== undefined && this.#gate.sessions.find(present, principal) !== undefined) {
      throw new Refusal('DUPLICATE_INITIALIZE');
    }
    const { session, result } = this.#gate.initialize(
      principal,
      request,
      'http',
      circumstancesOf(http, bytesOf(http)),
    );
    const headers = { ...http.headers, 'mcp-session-id': session.id };
    sendJson({ response: http.response, headers }, 200, responseText(request.id, { result }));
  }

  #sessionOf({ request }: HttpExchange, principal: Principal): Session {
    const id = headerOf(request, 'mcp-session-id');
    if (id === undefined) throw new Refusal('SESSION_REQUIRED');
    const session = this.#gate.sessions.find(id, principal);
    if (session === undefined) throw new Refusal('SESSION_UNKNOWN');
    const version = headerOf(request, 'mcp-protocol-version');
    if (version !== undefined && !LEGACY_VERSIONS.includes(version)) {
      throw new Refusal('VERSION_HEADER_UNSUPPORTED', undefined, {
        supported: [...LEGACY_VERSIONS],
      });
    }
    session.touch();
    return session;
  }

  async #serve(
    session: Session,
    request: Request,
    reply: HttpReply,
    http: HttpExchange,
  ): Promise<void> {
    const { id } = request;
    if (session.inFlight.has(id)) {
      this.#finish(reply, request, new Refusal('DUPLICATE_ID'), http);
      return;
    }
    const exchange = exchangeOf(session, reply);
    session.inFlight.set(id, exchange.cancellation);
    try {
      const { version } = session;
      const answer = await this.#gate.serve({
        era: 'legacy',
        transport: 'http',
        version,
        request,
        exchange,
        circumstances: circumstancesOf(http, reply.isBatch ? undefined : bytesOf(http)),
      });
      finishWith(reply, request, answer);
    } catch (error) {
      this.#finish(reply, request, error, http);
    } finally {
      session.inFlight.delete(id);
    }
  }

  /**
   * SDK clients take any status but 2xx for a broken transport: an error of a request is told in the body alone. Only a
   * lack of scope is told by the status, for that is what has them ask for a better token (spec: authorization).
   */
  #finish(reply: HttpReply, request: Request, error: unknown, http: HttpExchange): void {
    this.#gate.refused(error, http.credentials.address);
    const wire = wireError(error, 'legacy');
    if (wire === undefined) {
      reply.skip();
      return;
    }
    // Not for a batch: its client would send all of it again.
    const isScope =
      !reply.isBatch && error instanceof Refusal && error.code === 'INSUFFICIENT_SCOPE';
    const headers = isScope ? refusalHeaders(error, this.#gate.plan(), http.path) : undefined;
    reply.finish(errorText(request.id, wire.error), isScope ? wire.status : 200, headers);
  }

  #replyOf(
    http: HttpExchange,
    session: Session,
    requests: readonly Request[],
    isBatch: boolean,
  ): HttpReply {
    const { sse } = this.#gate.plan();
    return new HttpReply({
      response: http.response,
      expected: requests.length,
      isBatch,
      afterMs: sse.afterMs,
      traffic: this.#streams.traffic,
      headers: http.headers,
      openChannel: () => this.#openChannel(http, session),
      // Legacy work goes on when a connection breaks: only a message cancels it.
      onGone: () => undefined,
    });
  }

  #openChannel(http: HttpExchange, session: Session): Channel {
    const { sse } = this.#gate.plan();
    const stream = session.openStream();
    const writer = this.#streams.write(http, this.#headers(http, session), String(stream.id));
    // Clients before 2025-11-25 do not know events without data.
    if (session.version === LATEST_LEGACY_VERSION)
      writer.raw(`id: ${stream.id}_0\nretry: ${sse.retryMs}\ndata: \n\n`);
    const detach = stream.attach(writer, 0);
    http.response.on('close', () => detach(writer.isTaken));
    return stream;
  }

  #headers(http: HttpExchange, session: Session): Readonly<Record<string, string>> {
    return { ...http.headers, 'mcp-session-id': session.id };
  }
}

function finishWith(reply: HttpReply, request: Request, answer: Answer): void {
  reply.answer(request.id, answer, answerStatus(answer, 'legacy'));
}

function exchangeOf(session: Session, reply: HttpReply): Exchange {
  return {
    era: 'legacy',
    owner: session,
    cancellation: new Cancellation(),
    notify: (message) => {
      if (isWanted(message, session, false)) reply.write(JSON.stringify(message));
    },
    // Where the answer's stream is lost before it began, the session's own stream still reaches the client.
    ask: (question, signal) =>
      session.askOn(reply.isLost ? session.standalone : reply, question, signal),
  };
}

function requireEventStream({ request }: HttpExchange): void {
  if (/text\/event-stream|text\/\*|\*\/\*/iu.test(request.headers.accept ?? '*/*')) return;
  const message =
    'A GET here is answered with text/event-stream, which the Accept header excludes.';
  throw new Refusal('NOT_ACCEPTABLE', message);
}
