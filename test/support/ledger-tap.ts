import { createHash } from 'node:crypto';
import { objectOf } from '../fixture/json-rpc.ts';
import { SeededRandom } from './ledger-random.ts';
import { someTrace } from './ledger-traces.ts';
import { ROW_KEY, type Actor, type Ledger, type Row } from './ledger.ts';
import type { JsonObject, Rpc } from './raw-http.ts';

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';

interface SentMessage extends Rpc {
  readonly params?: JsonObject & { readonly _meta?: JsonObject };
}

/** Stands between a client and the network, and enters into the ledger what is really sent and answered. */
export class Tap {
  readonly #ledger: Ledger;
  readonly #actor: Actor;
  readonly #random: SeededRandom;
  readonly #waiting = new Map<unknown, Row>();
  readonly #onQuestion: (question: Rpc) => void;

  constructor(ledger: Ledger, actor: Actor, onQuestion: (question: Rpc) => void = () => undefined) {
    this.#ledger = ledger;
    this.#actor = actor;
    this.#random = new SeededRandom(
      createHash('sha256').update(`${ledger.run} ${actor.client}`).digest().readInt32BE(),
    );
    this.#onQuestion = onQuestion;
  }

  /** `fetch` for a client; what a client sends of its own accord is expected to go well. */
  readonly fetch = async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const rows = typeof init.body === 'string' ? this.sent(init.body) : [];
    const headers = this.#headersOf(init, rows);
    const session = headers.get('mcp-session-id') ?? new URL(input).searchParams.get('sessionId');
    try {
      const response = await fetch(input, { ...init, headers });
      const begun = session ?? response.headers.get('mcp-session-id');
      for (const row of rows) row.session = begun ?? undefined;
      this.#listen(init.method, response, rows);
      return response;
    } catch (error) {
      for (const row of rows) row.ended(undefined);
      throw error;
    }
  };

  #headersOf(init: RequestInit, rows: readonly Row[]): Headers {
    const headers = new Headers(init.headers);
    const own = { ...this.#actor.headers, ...rows[0]?.trace?.headers };
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
    return headers;
  }

  #listen(method: string | undefined, response: Response, rows: readonly Row[]): void {
    if (method === 'DELETE' && response.ok)
      this.#ledger.ended.push({ run: this.#ledger.run, version: this.#actor.version });
    // An old client is answered by the stream it has opened, and by that alone.
    const isAnswer = method === 'POST' || this.#actor.transport === 'sse';
    if (isAnswer && response.body !== null) void this.#read(response.clone(), rows);
  }

  /** Enters what is sent: the rows of its requests, which exist already where the script has opened them. */
  sent(body: string): Row[] {
    const sent = JSON.parse(body) as SentMessage | SentMessage[];
    const isBatch = Array.isArray(sent);
    const requests = [sent]
      .flat()
      .filter(({ id, method }) => id !== undefined && method !== undefined);
    return requests.map((message) => {
      const row = this.#rowOf(message);
      if (!isBatch) row.bytes = Buffer.byteLength(body);
      this.#waiting.set(message.id, row);
      const sentAt = performance.now();
      void row.done.then(() => (row.tookMs = performance.now() - sentAt));
      return row;
    });
  }

  #rowOf({ method = '', params = {} }: SentMessage): Row {
    const known = this.#ledger.rows[Number(params._meta?.[ROW_KEY] ?? -1)];
    if (known !== undefined) return known;
    const actor = this.#actor;
    const isHttp = actor.transport !== 'stdio';
    const trace = isHttp ? someTrace(this.#random, 'header') : undefined;
    return this.#ledger.open({ actor, method, params, expected: { outcome: 'ok' }, trace });
  }

  async #read(response: Response, rows: readonly Row[]): Promise<void> {
    const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    try {
      if (isEvents) for await (const message of eventsOf(response)) this.take(message);
      else for (const message of messagesIn(await response.text())) this.take(message);
    } catch {
      // The client has given it up.
    }
    if (this.#actor.transport !== 'sse') for (const row of rows) row.ended(undefined);
  }

  /** Enters what has come. */
  take(message: Rpc): void {
    if (message.method === undefined) this.#waiting.get(message.id)?.ended(message);
    else if (message.id !== undefined) this.#onQuestion(message);
    else if (message.method === 'notifications/progress')
      this.#ledger.rows[Number(message.params?.['progressToken'])]?.progressed();
    else if (message.method === 'notifications/subscriptions/acknowledged')
      this.#waiting.get(objectOf(message.params?.['_meta'])[SUBSCRIPTION_ID])?.progressed();
  }
}

function messagesIn(text: string): Rpc[] {
  return text === '' ? [] : [JSON.parse(text) as Rpc | Rpc[]].flat();
}

async function* eventsOf(response: Response): AsyncGenerator<Rpc> {
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (\{.*\}|\[.*\])$/mu.exec(event)?.[1];
      if (data !== undefined) yield* messagesIn(data);
    }
  }
}
