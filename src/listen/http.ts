import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal, REFUSALS } from '../kernel/refusals.ts';
import type { Gate } from '../spine/ports.ts';
import { errorText, wireError } from './answer.ts';
import { refusalHeaders, RESOURCE_METADATA, resourceMetadata } from './challenge.ts';
import { eraOf, isModernBatch, messageOf, parseBody } from './classify.ts';
import { corsHeaders, Doors, preflightHeaders } from './doors.ts';
import {
  credentialsOf,
  headerOf,
  sendEarly,
  sendJson,
  type HttpExchange,
} from './http-exchange.ts';
import { createServer, renewCertificate } from './http-server.ts';
import { identified } from './identified.ts';
import { LegacyHttp } from './legacy-http.ts';
import { ModernHttp } from './modern-http.ts';
import type { Page } from './page.ts';
import { readBody } from './read-body.ts';
import { routeOf } from './route.ts';
import { SseDoor } from './sse.ts';

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
const DRAIN_POLL_MS = 20;
const SLOW_BODY_MS = 1000;

/** Binds the port. Rejects when it cannot be bound. */
export async function listenHttp(terms: HttpTerms): Promise<HttpListener> {
  const listener = new Listener(terms);
  await listener.bind();
  return listener;
}

class Listener implements HttpListener {
  readonly #terms: HttpTerms;
  readonly #server: Server;
  readonly #legacy: LegacyHttp;
  readonly #modern: ModernHttp;
  readonly #sse: SseDoor;
  readonly #routes: ReadonlyMap<string, (http: HttpExchange) => void>;
  #doors: Doors;
  #maxBodyBytes: number;
  #open = 0;
  #isClosing = false;

  constructor(terms: HttpTerms) {
    this.#terms = terms;
    const plan = terms.gate.plan();
    this.#doors = new Doors(plan.server, terms.host);
    this.#maxBodyBytes = plan.server.maxBodyBytes;
    this.#legacy = new LegacyHttp(terms.gate);
    this.#modern = new ModernHttp(terms.gate);
    this.#sse = new SseDoor(terms.gate);
    this.#routes = this.#createRoutes();
    this.#server = createServer(
      plan.server,
      { maxHeaderSize: plan.server.maxHeaderBytes, keepAliveTimeout: KEEP_ALIVE_MS },
      (request, response) => this.#onRequest(request, response),
    );
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

  apply(plan: Plan): void {
    this.#doors = new Doors(plan.server, this.#terms.host);
    this.#maxBodyBytes = plan.server.maxBodyBytes;
    renewCertificate(this.#server, plan.server);
  }

  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#modern.close();
    await this.#quiet(drainMs);
    this.#sse.close();
    for (const session of this.#terms.gate.sessions.all()) session.standalone.end();
    this.#server.closeIdleConnections();
    const force = setTimeout(() => this.#server.closeAllConnections(), 250);
    await closed;
    clearTimeout(force);
  }

  /** Resolves when nothing waits for an answer any more, or after so long. */
  async #quiet(withinMs: number): Promise<void> {
    const end = performance.now() + withinMs;
    while (this.#isBusy() && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  #isBusy(): boolean {
    if (this.#open > 0) return true;
    for (const session of this.#terms.gate.sessions.all())
      if (session.inFlight.size > 0) return true;
    return false;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/';
    const cut = url.indexOf('?');
    const path = cut === -1 ? url : url.slice(0, cut);
    if (path === '/healthcheck') {
      sendJson({ response, headers: NO_HEADERS }, 200, '{"status":"OK"}');
      return;
    }
    let http: HttpExchange | undefined;
    try {
      const { address, origin } = this.#doors.check(request);
      if (request.method === 'OPTIONS') {
        response.writeHead(204, preflightHeaders(request, origin)).end();
        return;
      }
      const query = cut === -1 ? '' : url.slice(cut + 1);
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

  #route(http: HttpExchange): void {
    const metadata = this.#metadataOf(http);
    if (metadata !== undefined) {
      sendJson(http, 200, metadata);
      return;
    }
    const serve = this.#routes.get(`${http.request.method} ${http.route}`);
    if (serve === undefined) refusePath(http);
    else serve(http);
  }

  /** The metadata of this protected resource need no key (docs/rules.md R18). */
  #metadataOf({ request, path }: HttpExchange): string | undefined {
    if (request.method !== 'GET' || !path.startsWith(RESOURCE_METADATA)) return undefined;
    const base = new URL(this.#terms.gate.plan().server.publicUrl ?? 'http://localhost').pathname;
    const rest = path.slice(RESOURCE_METADATA.length);
    const prefix = base.replace(/\/$/u, '');
    const resource = prefix !== '' && rest.startsWith(prefix) ? rest.slice(prefix.length) : rest;
    const isKnown = resource === '' || this.#routes.has(`GET ${routeOf(resource).route}`);
    return isKnown ? resourceMetadata(this.#terms.gate.plan(), resource) : undefined;
  }

  #createRoutes(): ReadonlyMap<string, (http: HttpExchange) => void> {
    const { pages } = this.#terms;
    return new Map<string, (http: HttpExchange) => void>([
      ['POST /mcp', (http) => this.#post(http, (...args) => this.#onMcp(http, ...args))],
      ['GET /mcp', (http) => this.#as(http, (caller) => this.#legacy.get(http, caller))],
      ['DELETE /mcp', (http) => this.#as(http, (caller) => this.#legacy.delete(http, caller))],
      ['GET /sse', (http) => this.#as(http, (caller) => this.#sse.open(http, caller))],
      ['POST /messages', (http) => this.#message(http)],
      ...[...pages].map(
        ([path, page]) => [`GET ${path}`, (http: HttpExchange) => this.#page(http, page)] as const,
      ),
    ]);
  }

  /** The stream a message belongs to says which endpoint its client uses. */
  #message(http: HttpExchange): void {
    const endpoint = this.#sse.endpointOf(http);
    const { credentials } = http;
    this.#post({ ...http, credentials: { ...credentials, endpoint } }, async (caller, text) =>
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
    const write = async (caller?: Principal): Promise<void> => {
      const { contentType, text } = await page.make({
        query: new URLSearchParams(http.query),
        caller,
      });
      http.response.writeHead(200, { ...http.headers, 'content-type': contentType }).end(text);
    };
    if (page.isPublic()) write().catch((error: unknown) => this.#refuse(http, error));
    else
      this.#as(http, async (caller) => {
        page.admit(caller);
        await write(caller);
      });
  }

  /** Proven first: the body of a caller nobody knows is not read. */
  #post(http: HttpExchange, serve: (caller: Principal, text: string) => Promise<void>): void {
    if (this.#isClosing) {
      http.response.setHeader('connection', 'close');
      throw new Refusal('SHUTTING_DOWN');
    }
    this.#as(http, async (caller) => {
      this.#open += 1;
      try {
        if (http.request.headers.expect !== undefined) http.response.writeContinue();
        const startedAt = performance.now();
        const text = await readBody(http.request, this.#maxBodyBytes);
        if (performance.now() - startedAt > SLOW_BODY_MS) await this.#proveAgain(http, caller);
        await serve(caller, text);
      } finally {
        this.#open -= 1;
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
    if (Array.isArray(value)) {
      if (isModernBatch(value, headerOf(http.request, 'mcp-protocol-version'))) {
        throw new Refusal('BATCH_UNSUPPORTED');
      }
      await this.#legacy.postBatch(http, principal, value);
      return;
    }
    const message = messageOf(value);
    const isModern = eraOf(message, headerOf(http.request, 'mcp-protocol-version')) === 'modern';
    await (isModern
      ? this.#modern.post(http, principal, message)
      : this.#legacy.post(http, principal, message));
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

const ALLOWED: Readonly<Record<string, string>> = {
  '/mcp': 'GET, POST, DELETE, OPTIONS',
  '/sse': 'GET, OPTIONS',
  '/messages': 'POST, OPTIONS',
};

function refusePath(http: HttpExchange): void {
  const allow = ALLOWED[http.route];
  if (allow === undefined) throw new Refusal('PATH_UNKNOWN');
  http.response.setHeader('allow', allow);
  throw new Refusal('HTTP_METHOD_UNSUPPORTED');
}

/** Bytes that are not HTTP, or headers above the bound, never become a request: the answer is written by hand. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? 'HEADERS_TOO_LARGE' : 'MALFORMED_HTTP';
  const wire = wireError(new Refusal(code), 'legacy');
  const body = wire === undefined ? '' : errorText(null, wire.error);
  const status = REFUSALS[code].http;
  const reason = status === 431 ? 'Request Header Fields Too Large' : 'Bad Request';
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
