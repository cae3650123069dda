import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Gate } from '../spine/ports.ts';
import { errorText, wireError } from './answer.ts';
import { metadataAt, refusalHeaders } from './challenge.ts';
import { eraOf, isModernBatch, messageOf, parseBody } from './classify.ts';
import { Connections } from './connections.ts';
import { corsHeaders, Doors, preflightHeaders } from './doors.ts';
import {
  credentialsOf,
  headerOf,
  sendEarly,
  sendJson,
  type HttpExchange,
} from './http-exchange.ts';
import { createServer, cutOff, receiveWithin, renewCertificate } from './http-server.ts';
import { identified } from './identified.ts';
import { LegacyHttp } from './legacy-http.ts';
import { ModernHttp } from './modern-http.ts';
import { servePage, type Page } from './page.ts';
import { quiet } from './quiet.ts';
import { readBody } from './read-body.ts';
import { refuseRoute, routeOf } from './route.ts';
import { SseDoor } from './sse.ts';
import { Streams } from './streams.ts';
import { Traffic } from './traffic.ts';
import { Unread } from './unread.ts';
import { refuseUnreadable } from './unreadable.ts';

/** What the HTTP listener needs. */
export interface HttpTerms {
  readonly gate: Gate;
  readonly host: string;
  readonly port: number;
  /** What is served by GET besides MCP, by path. */
  readonly pages: ReadonlyMap<string, Page>;
  onCrash(error: unknown): string;
}

/** A bound HTTP listener. */
export interface HttpListener {
  readonly port: number;
  /** Takes a new plan's doors. */
  apply(plan: Plan): void;
  /** Stops accepting, lets open requests finish for so long, ends all streams. */
  close(drainMs: number): Promise<void>;
}

const KEEP_ALIVE_MS = 65_000;
const NO_HEADERS = {};
const SLOW_BODY_MS = 1000;
const CUT_OFF_MS = 250;

/** Binds the port. Rejects when it cannot be bound. */
export async function listenHttp(terms: HttpTerms): Promise<HttpListener> {
  const listener = new Listener(terms);
  await listener.bind();
  return listener;
}

/** What a request says of itself in its first line, and whether its connection is one too many. */
interface Asked {
  readonly path: string;
  readonly query: string;
  readonly isSurplus: boolean;
}

class Listener implements HttpListener {
  readonly #terms: HttpTerms;
  readonly #server: Server;
  readonly #connections: Connections;
  readonly #traffic: Traffic;
  readonly #unread: Unread;
  readonly #streams: Streams;
  readonly #legacy: LegacyHttp;
  readonly #modern: ModernHttp;
  readonly #sse: SseDoor;
  readonly #routes: ReadonlyMap<string, (http: HttpExchange) => void>;
  #doors: Doors;
  #maxBodyBytes: number;

  constructor(terms: HttpTerms) {
    this.#terms = terms;
    const { gate } = terms;
    const plan = gate.plan();
    this.#doors = new Doors(plan.server, terms.host);
    this.#maxBodyBytes = plan.server.maxBodyBytes;
    this.#traffic = new Traffic(plan.server);
    this.#unread = new Unread(plan.server);
    const [traffic, unread] = [this.#traffic, this.#unread];
    this.#streams = new Streams({ traffic, unread, plan: () => gate.plan() });
    this.#legacy = new LegacyHttp(gate, this.#streams);
    this.#modern = new ModernHttp(gate, this.#streams);
    this.#sse = new SseDoor(gate, this.#streams);
    this.#routes = this.#createRoutes();
    this.#server = createServer(
      plan.server,
      { maxHeaderSize: plan.server.maxHeaderBytes, keepAliveTimeout: KEEP_ALIVE_MS },
      (request, response) => this.#onRequest(request, response),
    );
    this.#connections = new Connections(this.#server, plan.server);
    // A client that asks first is invited to send its body only once it is proven.
    this.#server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      this.#onRequest(request, response),
    );
    this.#server.on('clientError', refuseUnreadable);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  bind(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#terms.port, this.#terms.host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  apply({ server }: Plan): void {
    this.#doors = new Doors(server, this.#terms.host);
    this.#maxBodyBytes = server.maxBodyBytes;
    this.#traffic.apply(server);
    this.#unread.apply(server);
    this.#connections.apply(server.maxConnections);
    receiveWithin(this.#server, server);
    renewCertificate(this.#server, server);
  }

  async close(drainMs: number): Promise<void> {
    // The port stays open: who comes now is told so, and not left with a broken connection.
    this.#traffic.close();
    await quiet(() => this.#traffic.inFlight > 0 || this.#unread.hasAnswers, drainMs);
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#streams.close();
    this.#server.closeIdleConnections();
    const force = setTimeout(() => cutOff(this.#server), CUT_OFF_MS);
    await closed;
    clearTimeout(force);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/';
    const cut = url.indexOf('?');
    const path = cut === -1 ? url : url.slice(0, cut);
    const isSurplus = this.#connections.isSurplus(request.socket);
    if (isSurplus || this.#traffic.isClosing) response.shouldKeepAlive = false;
    if (path === '/healthcheck') {
      this.#health(response);
      return;
    }
    const query = cut === -1 ? '' : url.slice(cut + 1);
    this.#enter(request, response, { path, query, isSurplus });
  }

  #enter(request: IncomingMessage, response: ServerResponse, asked: Asked): void {
    const { path, query, isSurplus } = asked;
    let http: HttpExchange | undefined;
    try {
      const { address, origin } = this.#doors.check(request);
      if (request.method === 'OPTIONS') {
        response.writeHead(204, preflightHeaders(request, origin)).end();
        return;
      }
      if (isSurplus && !this.#terms.pages.has(path)) throw new Refusal('OVERLOADED');
      const { route, endpoint } = routeOf(path);
      // What is no group's name is kept for nobody.
      const group = this.#isGroup(endpoint) ? endpoint : undefined;
      const credentials = credentialsOf(request, address, group);
      const headers = corsHeaders(origin);
      const arrivedAt = performance.now();
      const place = { path, route, endpoint, query };
      http = { request, response, ...place, headers, credentials, arrivedAt };
      this.#route(http);
    } catch (error) {
      // Who is turned away at the door is recorded too, though nobody knows who it was.
      const address = http?.credentials.address ?? this.#doors.addressOf(request);
      this.#terms.gate.refused(error, address);
      this.#refuse(http ?? { request, response, path, headers: NO_HEADERS }, error);
    }
  }

  /** Answered whatever else there is to do; who shares the load must not be sent more once the gateway ends. */
  #health(response: ServerResponse): void {
    const { isClosing } = this.#traffic;
    const status = isClosing ? 503 : 200;
    const body = isClosing ? '{"status":"SHUTTING_DOWN"}' : '{"status":"OK"}';
    sendJson({ response, headers: NO_HEADERS }, status, body);
  }

  #route(http: HttpExchange): void {
    const { request, route, response } = http;
    const metadata = request.method === 'GET' ? this.#metadata(http) : undefined;
    if (metadata !== undefined) {
      sendJson(http, 200, metadata);
      return;
    }
    const serve = this.#routes.get(`${request.method} ${route}`);
    if (serve === undefined) refuseRoute(route, response);
    serve(http);
  }

  #metadata({ path }: HttpExchange): string | undefined {
    const isServed = (at: string): boolean => this.#routes.has(`GET ${routeOf(at).route}`);
    return metadataAt(path, this.#terms.gate.plan(), isServed);
  }

  #createRoutes(): ReadonlyMap<string, (http: HttpExchange) => void> {
    return new Map<string, (http: HttpExchange) => void>([
      ['POST /mcp', (http) => this.#mcp(http)],
      ['GET /mcp', (http) => this.#stream(http, (caller) => this.#legacy.get(http, caller))],
      ['DELETE /mcp', (http) => this.#as(http, (caller) => this.#legacy.delete(http, caller))],
      ['GET /sse', (http) => this.#stream(http, (caller) => this.#sse.open(http, caller))],
      ['POST /messages', (http) => this.#message(http)],
      ...[...this.#terms.pages].map(
        ([path, page]) => [`GET ${path}`, (http: HttpExchange) => this.#page(http, page)] as const,
      ),
    ]);
  }

  #mcp(http: HttpExchange): void {
    // Answers to what a server asks, and cancellations, are part of what is under way already.
    if (!this.#traffic.hasRoom && !this.#legacy.isBusy(http)) this.#traffic.admit();
    this.#post(http, (caller, text) => this.#onMcp(http, caller, text));
  }

  /** What is being answered can still be listened to when the gateway ends; nothing new is opened. */
  #stream(http: HttpExchange, open: (caller: Principal) => void): void {
    const isResumed = headerOf(http.request, 'last-event-id') !== undefined;
    if (this.#traffic.isClosing && !isResumed) this.#traffic.admit();
    this.#as(http, open);
  }

  /** The stream a message belongs to says which endpoint its client uses. */
  #message(http: HttpExchange): void {
    if (!this.#traffic.hasRoom && !this.#sse.isBusy(http)) this.#traffic.admit();
    const endpoint = this.#sse.endpointOf(http);
    const { credentials } = http;
    this.#post({ ...http, credentials: { ...credentials, endpoint } }, (caller, text) =>
      this.#sse.post(http, caller, text),
    );
  }

  #as(http: HttpExchange, goOn: (caller: Principal) => void | Promise<void>): void {
    const { gate } = this.#terms;
    const checked = (caller: Principal): void | Promise<void> => {
      const { endpoint } = http;
      // While the caller was being proven the client may have gone: nothing would ever end what is opened for it.
      if (http.response.destroyed) return undefined;
      // Which groups there are is for callers to know that are proven.
      if (endpoint !== undefined && !this.#isGroup(endpoint)) throw new Refusal('PATH_UNKNOWN');
      return goOn(caller);
    };
    identified(gate, http.credentials, checked, (error) => this.#refuse(http, error));
  }

  #isGroup(endpoint: string | undefined): boolean {
    const { groups } = this.#terms.gate.plan().access;
    return endpoint !== undefined && Object.hasOwn(groups, endpoint);
  }

  #page(http: HttpExchange, page: Page): void {
    const { gate } = this.#terms;
    servePage(page, { ...http, gate, refuse: (error) => this.#refuse(http, error) });
  }

  /** Proven first: the body of a caller nobody knows is not read. */
  #post(http: HttpExchange, serve: (caller: Principal, text: string) => Promise<void>): void {
    this.#as(http, async (caller) => {
      if (http.request.headers.expect !== undefined) http.response.writeContinue();
      const startedAt = performance.now();
      const terms = { maxBytes: this.#maxBodyBytes, traffic: this.#traffic };
      const body = await readBody(http.request, terms);
      try {
        if (performance.now() - startedAt > SLOW_BODY_MS) await this.#proveAgain(http, caller);
        await serve(caller, body.text);
      } finally {
        this.#traffic.release(body.held);
        this.#unread.note(http.response);
      }
    });
  }

  /** What proved a caller may have ended while its body was on the way. */
  async #proveAgain({ credentials }: HttpExchange, caller: Principal): Promise<void> {
    const now = await this.#terms.gate.identify(credentials);
    if (!now.is(caller)) throw new Refusal('UNAUTHENTICATED');
  }

  async #onMcp(http: HttpExchange, principal: Principal, text: string): Promise<void> {
    const value = parseBody(text);
    const version = headerOf(http.request, 'mcp-protocol-version');
    if (Array.isArray(value)) {
      if (isModernBatch(value, version)) throw new Refusal('BATCH_UNSUPPORTED');
      this.#traffic.begin();
      try {
        await this.#legacy.postBatch(http, principal, value);
      } finally {
        this.#traffic.end();
      }
      return;
    }
    const message = messageOf(value);
    const era = eraOf(message, version) === 'modern' ? this.#modern : this.#legacy;
    if (!('method' in message) || !('id' in message)) {
      await era.post(http, principal, message);
      return;
    }
    this.#traffic.begin();
    try {
      await era.post(http, principal, message);
    } finally {
      this.#traffic.end();
    }
  }

  #refuse(
    http: Pick<HttpExchange, 'request' | 'response' | 'path' | 'headers'>,
    error: unknown,
  ): void {
    const known =
      error instanceof Refusal
        ? error
        : new Refusal(
            'INTERNAL',
            `Something went wrong inside the gateway (${this.#terms.onCrash(error)}).`,
          );
    const wire = wireError(known, 'legacy');
    if (wire === undefined) return;
    const challenge = refusalHeaders(known, this.#terms.gate.plan(), http.path);
    const headers = { ...http.headers, ...challenge };
    sendEarly({ ...http, headers }, wire.status, errorText(null, wire.error));
  }
}
