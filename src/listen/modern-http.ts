import type { Arrival } from '../kernel/arrival.ts';
import { META } from '../kernel/era.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Message, Request } from '../kernel/json-rpc.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Gate } from '../spine/ports.ts';
import { answerStatus, errorText, responseText, wireError } from './answer.ts';
import { refusalHeaders } from './challenge.ts';
import { circumstancesOf } from './circumstances.ts';
import { bytesOf, headerOf, sendJson, type HttpExchange } from './http-exchange.ts';
import { HttpReply } from './http-reply.ts';
import { senderOf } from './modern-checks.ts';
import { modernExchange } from './modern-exchange.ts';
import type { SseWriter } from './sse-writer.ts';
import type { Streams } from './streams.ts';

/** Streamable HTTP as the modern protocol has it: every POST stands alone (spec 2026-07-28, transports). */
export class ModernHttp {
  readonly #gate: Gate;
  readonly #streams: Streams;

  constructor(gate: Gate, streams: Streams) {
    this.#gate = gate;
    this.#streams = streams;
  }

  async post(http: HttpExchange, principal: Principal, message: Message): Promise<void> {
    if (!('method' in message) || !('id' in message)) {
      http.response.writeHead(202, http.headers).end();
      return;
    }
    try {
      if (message.method === 'subscriptions/listen') this.#listen(http, principal, message);
      else await this.#serve(http, principal, message);
    } catch (error) {
      const wire = wireError(error, 'modern');
      if (wire === undefined) throw error;
      this.#gate.refused(error, http.credentials.address, principal);
      const headers = { ...http.headers, ...this.#challenge(error, http) };
      sendJson({ ...http, headers }, wire.status, errorText(message.id, wire.error));
    }
  }

  async #serve(http: HttpExchange, principal: Principal, request: Request): Promise<void> {
    const header = (name: string): string | undefined => headerOf(http.request, name);
    const sender = senderOf(request, header);
    const exchange = modernExchange(sender, principal, (text) => reply.write(text));
    const { sse } = this.#gate.plan();
    const reply = new HttpReply({
      response: http.response,
      expected: 1,
      isBatch: false,
      afterMs: sse.afterMs,
      traffic: this.#streams.traffic,
      headers: http.headers,
      openChannel: () => {
        const writer = this.#writer(http);
        return { write: (text) => writer.write(0, text), end: () => writer.end() };
      },
      onGone: () => exchange.cancellation.cancel('the client closed the stream'),
    });
    try {
      const { version } = sender;
      const answer = await this.#gate.serve({
        era: 'modern',
        transport: 'http',
        version,
        request,
        exchange,
        header,
        circumstances: circumstancesOf(http, bytesOf(http)),
      });
      reply.answer(request.id, answer, answerStatus(answer, 'modern'));
    } catch (error) {
      this.#gate.refused(error, http.credentials.address, principal);
      const wire = wireError(error, 'modern');
      if (wire === undefined) reply.skip();
      else
        reply.finish(errorText(request.id, wire.error), wire.status, this.#challenge(error, http));
    }
  }

  #listen(http: HttpExchange, principal: Principal, request: Request): void {
    const sender = senderOf(request, (name) => headerOf(http.request, name));
    const exchange = modernExchange(sender, principal, () => undefined);
    const arrival: Arrival = {
      era: 'modern',
      transport: 'http',
      version: sender.version,
      request,
      exchange,
      circumstances: circumstancesOf(http, bytesOf(http)),
    };
    let writer: SseWriter | undefined;
    let stop = (): void => undefined;
    // Opened by the first message, which comes once the request is granted: a refusal must still choose its status.
    const write = (text: string): void => {
      writer ??= this.#writer(http);
      writer.write(0, text);
    };
    const end = (farewell?: string): void => {
      stop();
      write(responseText(request.id, { result: endOfListen(request) }));
      if (farewell !== undefined) writer?.raw(farewell);
      writer?.end();
    };
    const leave = this.#streams.enter(principal, end);
    try {
      stop = this.#gate.listen(arrival, (told) => write(JSON.stringify(told)));
    } catch (error) {
      leave();
      throw error;
    }
    const unwatch = this.#gate.whenLapsed(principal, end);
    http.response.on('close', () => {
      unwatch();
      leave();
      stop();
    });
  }

  #challenge(error: unknown, { path }: HttpExchange): Readonly<Record<string, string>> {
    return refusalHeaders(error, this.#gate.plan(), path);
  }

  #writer(http: HttpExchange): SseWriter {
    if (http.response.destroyed) throw new Refusal('SHUTTING_DOWN');
    return this.#streams.write(http);
  }
}

/** The answer to a listen request is the end of its stream (spec 2026-07-28, subscriptions). */
function endOfListen(request: Request): JsonObject {
  return { resultType: 'complete', _meta: { [META.subscriptionId]: request.id } };
}
