import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Gate } from '../spine/ports.ts';
import { circumstancesOf } from './circumstances.ts';
import { bytesOf, type HttpExchange } from './http-exchange.ts';
import { Pipe } from './pipe.ts';
import type { SseWriter } from './sse-writer.ts';
import type { Streams } from './streams.ts';

interface Connection {
  readonly pipe: Pipe;
  readonly principal: string;
  readonly endpoint: string | undefined;
  readonly writer: SseWriter;
  /** By whose proof the stream stays open: the latest. */
  proof: Principal;
  unwatch: () => void;
}

/** HTTP+SSE, the transport of 2024-11-05: one stream for all that goes to the client, one URL for all it sends. */
export class SseDoor {
  readonly #gate: Gate;
  readonly #streams: Streams;
  readonly #connections = new Map<string, Connection>();

  constructor(gate: Gate, streams: Streams) {
    this.#gate = gate;
    this.#streams = streams;
  }

  /** GET /sse: opens the stream and names the URL to post to. */
  open(http: HttpExchange, principal: Principal): void {
    const leave = this.#streams.enter(principal, (farewell) => {
      writer.raw(farewell);
      writer.end();
    });
    const writer = this.#streams.write(http);
    const pipe = new Pipe(this.#gate, {
      transport: 'sse',
      principal,
      traffic: this.#streams.traffic,
      write: (text) => writer.raw(`event: message\ndata: ${text}\n\n`),
    });
    const token = this.#gate.newToken();
    const { endpoint } = http;
    const unwatch = this.#gate.whenLapsed(principal, () => writer.end());
    const connection: Connection = {
      pipe,
      principal: principal.key,
      endpoint,
      writer,
      proof: principal,
      unwatch,
    };
    this.#connections.set(token, connection);
    writer.raw(`event: endpoint\ndata: /messages?sessionId=${token}\n\n`);
    http.response.on('close', () => {
      leave();
      connection.unwatch();
      this.#connections.delete(token);
      pipe.close();
    });
  }

  /** The endpoint of the client that a message says it comes from; undefined when there is no such client. */
  endpointOf(http: HttpExchange): string | undefined {
    return this.#connections.get(tokenOf(http) ?? '')?.endpoint;
  }

  /** Whether a message comes of a client whose requests are being answered. */
  isBusy(http: HttpExchange): boolean {
    return this.#connections.get(tokenOf(http) ?? '')?.pipe.isBusy === true;
  }

  /** POST /messages: one message of a client whose stream is open. Ends when what it asks is answered on that. */
  async post(http: HttpExchange, principal: Principal, body: string): Promise<void> {
    const token = tokenOf(http);
    if (token === null)
      throw new Refusal('SESSION_REQUIRED', 'The query parameter sessionId is missing.');
    const connection = this.#connections.get(token);
    if (connection?.principal !== principal.key) throw new Refusal('SESSION_UNKNOWN');
    this.#renew(connection, principal);
    http.response.writeHead(202, http.headers).end();
    await connection.pipe.receive(body, circumstancesOf(http, bytesOf(http)));
  }

  /** A stream lives as long as the newest token its client has sent. */
  #renew(connection: Connection, principal: Principal): void {
    if (connection.proof === principal) return;
    connection.unwatch();
    connection.proof = principal;
    connection.unwatch = this.#gate.whenLapsed(principal, () => connection.writer.end());
    connection.pipe.speak(principal);
  }
}

function tokenOf({ query }: HttpExchange): string | null {
  return new URLSearchParams(query).get('sessionId');
}
