import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { JsonObject } from './gateway-session.ts';

const LIMIT_MS = 60_000;

interface Ask {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: JsonObject;
}

/** A client that goes as a crashed one does: its connections break, and nothing is said before. */
export class AbruptClient {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  /** Sends a request and resolves with its response when the head of it is there. */
  async ask(ask: Ask): Promise<IncomingMessage> {
    const outgoing = this.#send(ask);
    const [response] = (await once(outgoing, 'response', {
      signal: AbortSignal.timeout(LIMIT_MS),
    })) as [IncomingMessage];
    // A stream that breaks is what these clients are for.
    response.on('error', () => undefined);
    return response;
  }

  /** Sends a request and resolves with the text of its response. */
  async text(ask: Ask): Promise<{ readonly text: string; readonly response: IncomingMessage }> {
    const response = await this.ask(ask);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
    return { text, response };
  }

  /** Sends a request whose answer nobody will wait for; resolves once it is on its way. */
  async begin(ask: Ask): Promise<void> {
    const outgoing = this.#send(ask);
    await once(outgoing, 'finish');
  }

  /** Breaks every connection, with a reset or without a word. */
  vanish(withReset: boolean): void {
    for (const socket of this.#sockets) {
      if (withReset) socket.resetAndDestroy();
      else socket.destroy();
    }
    this.#agent.destroy();
  }

  #send({ method, path, headers = {}, body }: Ask): ReturnType<typeof request> {
    const outgoing = request(new URL(path, this.#base), {
      method,
      agent: this.#agent,
      headers: {
        accept: 'application/json, text/event-stream',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    outgoing.on('socket', (socket) => this.#sockets.add(socket));
    outgoing.on('error', () => undefined);
    outgoing.end(body === undefined ? undefined : JSON.stringify({ jsonrpc: '2.0', ...body }));
    return outgoing;
  }
}

/** The first event of a stream whose data fits; fails when the stream ends before. */
export async function eventIn(response: IncomingMessage, pattern: RegExp): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No ${pattern} in ${text}`)), LIMIT_MS);
    const look = (chunk: string): void => {
      text += chunk;
      const found = pattern.exec(text)?.[0];
      if (found === undefined) return;
      clearTimeout(timer);
      response.off('data', look);
      response.resume();
      resolve(found);
    };
    response.on('data', look);
    response.once('close', () => {
      clearTimeout(timer);
      reject(new Error(`The stream ended before ${pattern}: ${text}`));
    });
  });
}
