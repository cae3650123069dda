import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import type { Plan } from '../kernel/plan.ts';
import { Refusal, REFUSALS } from '../kernel/refusals.ts';
import type { Gate } from '../spine/ports.ts';
import { errorText, wireError } from './answer.ts';
import { eraOf, isModernBatch, messageOf, parseBody } from './classify.ts';
import { corsHeaders, Doors, preflightHeaders } from './doors.ts';
import {
  credentialsOf,
  headerOf,
  sendEarly,
  sendJson,
  type HttpExchange,
} from './http-exchange.ts';
import { LegacyHttp } from './legacy-http.ts';
import { ModernHttp } from './modern-http.ts';
import type { MakePage } from './page.ts';
import { readBody } from './read-body.ts';
import { SseDoor } from './sse.ts';

/** What the HTTP listener needs. */
export interface HttpTerms {
  readonly gate: Gate;
  readonly host: string;
  readonly port: number;
  /** What is served by GET besides MCP, by path. */
  readonly pages: ReadonlyMap<string, MakePage>;
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
      { maxHeaderSize: plan.server.maxHeaderBytes, keepAliveTimeout: KEEP_ALIVE_MS },
      (request, response) => this.#onRequest(request, response),
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
      const origin = this.#doors.check(request);
      if (request.method === 'OPTIONS') {
        response.writeHead(204, preflightHeaders(request, origin)).end();
        return;
      }
      const query = cut === -1 ? '' : url.slice(cut + 1);
      http = {
        request,
        response,
        path,
        query,
        headers: corsHeaders(origin),
        credentials: credentialsOf(request),
      };
      this.#route(http);
    } catch (error) {
      this.#refuse(http ?? { request, response, headers: NO_HEADERS }, error);
    }
  }

  #route(http: HttpExchange): void {
    const serve = this.#routes.get(`${http.request.method} ${http.path}`);
    if (serve === undefined) refusePath(http);
    else serve(http);
  }

  #createRoutes(): ReadonlyMap<string, (http: HttpExchange) => void> {
    const { gate, pages } = this.#terms;
    return new Map<string, (http: HttpExchange) => void>([
      ['POST /mcp', (http) => this.#post(http, (text) => this.#onMcp(http, text))],
      ['GET /mcp', (http) => this.#legacy.get(http, gate.identify(http.credentials))],
      ['DELETE /mcp', (http) => this.#legacy.delete(http, gate.identify(http.credentials))],
      ['GET /sse', (http) => this.#sse.open(http)],
      ['POST /messages', (http) => this.#post(http, async (text) => this.#sse.post(http, text))],
      ...[...pages].map(
        ([path, make]) => [`GET ${path}`, (http: HttpExchange) => this.#page(http, make)] as const,
      ),
    ]);
  }

  #page(http: HttpExchange, make: MakePage): void {
    make().then(
      ({ contentType, text }) => {
        http.response.writeHead(200, { ...http.headers, 'content-type': contentType }).end(text);
      },
      (error: unknown) => this.#refuse(http, error),
    );
  }

  #post(http: HttpExchange, serve: (text: string) => Promise<void>): void {
    if (this.#isClosing) {
      http.response.setHeader('connection', 'close');
      throw new Refusal('SHUTTING_DOWN');
    }
    this.#open += 1;
    readBody(http.request, this.#maxBodyBytes)
      .then(serve)
      .catch((error: unknown) => this.#refuse(http, error))
      .finally(() => {
        this.#open -= 1;
      });
  }

  async #onMcp(http: HttpExchange, text: string): Promise<void> {
    const { gate } = this.#terms;
    const value = parseBody(text);
    const principal = gate.identify(http.credentials);
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

  #refuse(http: Pick<HttpExchange, 'request' | 'response' | 'headers'>, error: unknown): void {
    const known =
      error instanceof Refusal
        ? error
        : new Refusal(
            'INTERNAL',
            `Something went wrong inside the gateway (${this.#terms.onCrash(error)}).`,
          );
    const wire = wireError(known, 'legacy');
    if (wire === undefined) return;
    sendEarly(http, wire.status, errorText(null, wire.error));
  }
}

const ALLOWED: Readonly<Record<string, string>> = {
  '/mcp': 'GET, POST, DELETE, OPTIONS',
  '/sse': 'GET, OPTIONS',
  '/messages': 'POST, OPTIONS',
};

function refusePath(http: HttpExchange): void {
  const allow = ALLOWED[http.path];
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
