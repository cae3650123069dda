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
import { SseWriter } from './sse-writer.ts';

/** Streamable HTTP as the modern protocol has it: every POST stands alone (spec 2026-07-28, transports). */
export class ModernHttp {
  readonly #gate: Gate;
  readonly #listening = new Set<() => void>();

  constructor(gate: Gate) {
    this.#gate = gate;
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

  /** Ends all listen streams, as when the gateway shuts down. */
  close(): void {
    for (const end of [...this.#listening]) end();
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
    // Opened by the first message, which comes once the request is granted: a refusal must still choose its status.
    const write = (text: string): void => {
      writer ??= this.#writer(http);
      writer.write(0, text);
    };
    const stop = this.#gate.listen(arrival, (message) => write(JSON.stringify(message)));
    const end = (): void => {
      this.#listening.delete(end);
      stop();
      write(responseText(request.id, { result: endOfListen(request) }));
      writer?.end();
    };
    this.#listening.add(end);
    const unwatch = this.#gate.whenLapsed(principal, end);
    http.response.on('close', () => {
      unwatch();
      this.#listening.delete(end);
      stop();
    });
  }

  #challenge(error: unknown, { path }: HttpExchange): Readonly<Record<string, string>> {
    return refusalHeaders(error, this.#gate.plan(), path);
  }

  #writer(http: HttpExchange): SseWriter {
    if (http.response.destroyed) throw new Refusal('SHUTTING_DOWN');
    const { sse } = this.#gate.plan();
    return new SseWriter(
      http.response,
      { keepAliveMs: sse.keepAliveMs, maxBehindBytes: sse.maxStoredBytes },
      http.headers,
    );
  }
}

/** The answer to a listen request is the end of its stream (spec 2026-07-28, subscriptions). */
function endOfListen(request: Request): JsonObject {
  return { resultType: 'complete', _meta: { [META.subscriptionId]: request.id } };
}
