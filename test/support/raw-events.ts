import type { IncomingMessage } from 'node:http';
import { assertClean, begin, type Rpc, type Sent } from './raw-http.ts';

/** One server-sent event, or a comment. */
export interface Event {
  readonly id?: string;
  readonly event?: string;
  readonly retry?: number;
  readonly data?: string;
  readonly comment?: string;
}

const WAIT_MS = 10_000;

/** The events of an event-stream text; a block that is not finished is left out. */
export function parseEvents(text: string): Event[] {
  return text.split('\n\n').slice(0, -1).map(parseBlock);
}

/** The JSON-RPC messages in the data of events. */
export function messagesIn(events: readonly Event[]): Rpc[] {
  return events
    .filter(({ data, event }) => (event ?? 'message') === 'message' && (data ?? '') !== '')
    .map(({ data }) => JSON.parse(data ?? '') as Rpc);
}

/** An open event stream, and what came over it so far. */
export class EventReader {
  readonly response: IncomingMessage;
  readonly events: Event[] = [];
  /** Resolves when the stream is over, however it ended. */
  readonly ended: Promise<void>;
  #rest = '';
  #isOver = false;
  readonly #heard: (() => void)[] = [];

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#take(chunk));
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      response.on('close', () => {
        this.#isOver = true;
        this.#tell();
        resolve();
      });
    });
  }

  static async open(port: number, sent: Sent): Promise<EventReader> {
    return new EventReader(await begin(port, sent));
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get messages(): Rpc[] {
    return messagesIn(this.events);
  }

  /** The first event, past or to come, that a test accepts; fails when the stream ends or time runs out before. */
  next(accepts: (event: Event) => boolean): Promise<Event> {
    return this.#wait(() => this.events.find(accepts));
  }

  /** The first message, past or to come, that a test accepts. */
  nextMessage(accepts: (message: Rpc) => boolean): Promise<Rpc> {
    return this.#wait(() => this.messages.find(accepts));
  }

  /** Breaks the connection. */
  break(): void {
    this.response.destroy();
  }

  async #wait<T>(find: () => T | undefined): Promise<T> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0 || this.#isOver)
        throw new Error(
          `${this.#isOver ? 'Over' : 'Late'} without it; got ${JSON.stringify(this.events).slice(0, 2000)}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #take(chunk: string): void {
    const blocks = (this.#rest + chunk).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      assertClean({ status: this.status, headers: this.response.headers, text: block });
      this.events.push(parseBlock(block));
    }
    this.#tell();
  }

  #tell(): void {
    for (const heard of this.#heard.splice(0)) heard();
  }
}

function parseBlock(block: string): Event {
  const event: Record<string, string | number> = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /u, '');
    if (name === '') event['comment'] = value;
    else if (name === 'data' && 'data' in event) event['data'] = `${event['data']}\n${value}`;
    else event[name] = name === 'retry' ? Number(value) : value;
  }
  return event;
}
