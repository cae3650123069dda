import { Refusal } from '../kernel/refusals.ts';
import type { Gate } from '../spine/ports.ts';
import type { HttpExchange } from './http-exchange.ts';
import { Pipe } from './pipe.ts';
import { SseWriter } from './sse-writer.ts';

interface Connection {
  readonly pipe: Pipe;
  readonly principal: string;
  readonly writer: SseWriter;
}

/** HTTP+SSE, the transport of 2024-11-05: one stream for all that goes to the client, one URL for all it sends. */
export class SseDoor {
  readonly #gate: Gate;
  readonly #connections = new Map<string, Connection>();

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  /** GET /sse: opens the stream and names the URL to post to. */
  open(http: HttpExchange): void {
    const principal = this.#gate.identify(http.credentials);
    const { sse } = this.#gate.plan();
    const terms = { keepAliveMs: sse.keepAliveMs, maxBehindBytes: sse.maxStoredBytes };
    const writer = new SseWriter(http.response, terms, http.headers);
    const pipe = new Pipe(this.#gate, {
      transport: 'sse',
      credentials: http.credentials,
      write: (text) => writer.raw(`event: message\ndata: ${text}\n\n`),
    });
    const token = this.#gate.newToken();
    this.#connections.set(token, { pipe, principal: principal.key, writer });
    writer.raw(`event: endpoint\ndata: /messages?sessionId=${token}\n\n`);
    http.response.on('close', () => {
      this.#connections.delete(token);
      pipe.close();
    });
  }

  /** POST /messages: one message of a client whose stream is open. */
  post(http: HttpExchange, body: string): void {
    const token = new URLSearchParams(http.query).get('sessionId');
    if (token === null)
      throw new Refusal('SESSION_REQUIRED', 'The query parameter sessionId is missing.');
    const connection = this.#connections.get(token);
    const principal = this.#gate.identify(http.credentials);
    if (connection?.principal !== principal.key) throw new Refusal('SESSION_UNKNOWN');
    http.response.writeHead(202, http.headers).end();
    connection.pipe.receive(body);
  }

  close(): void {
    for (const { writer } of this.#connections.values()) writer.end();
  }
}
