import {
  isObject,
  isRequest,
  objectOf,
  type Id,
  type JsonObject,
  type Message,
} from '../fixture/json-rpc.ts';
import { openWire, type Place, type Wire } from './fidelity-wires.ts';

/** A notification or a request that came from the other side. */
export interface Heard {
  readonly method: string;
  readonly params: JsonObject;
  /** The id of a request. */
  readonly id?: Id;
  /** When it came, on the clock of `performance.now()`. */
  readonly atMs: number;
}

/** Sends a notification. */
type Tell = (method: string, params: JsonObject) => Promise<void>;

/** Answers what a server asks: by method, with a result, or by throwing. */
export type Answers = Readonly<
  Record<string, (params: JsonObject, tell: Tell) => JsonObject | Promise<JsonObject>>
>;

/** Who a peer says it is, and what it can be asked. */
export interface Manner {
  readonly era: 'legacy' | 'modern';
  readonly name: string;
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly answers: Answers;
}

/** Further headers of a request, where the transport has any. */
type Headers = Readonly<Record<string, string>>;

/** A request on its way. */
export interface Begun {
  readonly id: Id;
  readonly response: Promise<Message>;
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  settle(outcome: Message | Error): void;
}

const LEGACY: Manner = {
  era: 'legacy',
  name: 'fidelity',
  version: '2025-11-25',
  capabilities: {},
  answers: {},
};

const REQUEST_MS = 15_000;
const META = 'io.modelcontextprotocol/';
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/**
 * A client that speaks bare JSON-RPC over any transport: what it gets is what was sent, unknown fields included,
 * which the SDKs' typed calls take away.
 */
export class Peer {
  readonly heard: Heard[] = [];
  readonly questions: Heard[] = [];
  /** The result of `initialize`. */
  welcome: JsonObject = {};
  readonly #manner: Manner;
  /** Responses to requests that nobody waits for. */
  readonly strays: Message[] = [];
  readonly #waiting = new Map<Id, Waiting>();
  #listeners: (() => void)[] = [];
  #wire: Wire | undefined;
  #failure: Error | undefined;
  #lastId = 0;

  private constructor(manner: Manner) {
    this.#manner = manner;
  }

  /** Connects to a place, and in the legacy era agrees on a session. */
  static async open(place: Place, wish: Partial<Manner> = {}): Promise<Peer> {
    const manner = { ...LEGACY, ...wish };
    const peer = new Peer(manner);
    peer.#wire = await openWire(place, {
      onMessage: (message) => peer.#receive(message),
      onFailure: (reason, id) => peer.#fail(reason, id),
    });
    if (manner.era === 'legacy') await peer.#initialize();
    return peer;
  }

  /** Sends a request and resolves with its response, be it a result or an error. */
  request(method: string, params: JsonObject = {}, headers: Headers = {}): Promise<Message> {
    return this.begin(method, params, headers).response;
  }

  /** Sends a request and resolves with its result; an error fails. */
  async result(method: string, params: JsonObject = {}): Promise<JsonObject> {
    const { result, error } = await this.request(method, params);
    if (result === undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  /** Calls a tool and resolves with its result. */
  call(name: string, args: JsonObject = {}, more: JsonObject = {}): Promise<JsonObject> {
    return this.result('tools/call', { name, arguments: args, ...more });
  }

  /** Sends a request and returns at once. */
  begin(method: string, params: JsonObject = {}, headers: Headers = {}): Begun {
    this.#lastId += 1;
    const id = this.#lastId;
    const response = new Promise<Message>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settle(id, new Error(`No answer to ${method} in ${REQUEST_MS} ms`)),
        REQUEST_MS,
      );
      const settle = (outcome: Message | Error): void => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#waiting.set(id, { timer, settle });
    });
    this.#send({ jsonrpc: '2.0', id, method, params }, headers).catch((failure: unknown) =>
      this.#fail(String(failure), id),
    );
    return { id, response };
  }

  /** Gives a request up, as the transport and the era have it. Its response never settles. */
  async cancel({ id }: Begun): Promise<void> {
    clearTimeout(this.#waiting.get(id)?.timer);
    this.#waiting.delete(id);
    if (this.#manner.era === 'modern' && this.#wire?.abandon(id) === true) return;
    await this.notify('notifications/cancelled', { requestId: id, reason: 'changed my mind' });
  }

  /** Sends a notification; resolves when it has been taken. */
  async notify(method: string, params?: JsonObject): Promise<void> {
    await this.#send({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) });
  }

  /** The first notification from `start` on that is accepted, past or to come; fails after `withinMs`. */
  async next(accepts: (heard: Heard) => boolean, start = 0, withinMs = 5_000): Promise<Heard> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = this.heard.slice(start).find(accepts);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0 || this.#failure !== undefined)
        throw this.#failure ?? new Error(this.#unheard());
      await this.#change(left);
    }
  }

  #unheard(): string {
    const said = this.#wire?.complaints ?? '';
    const heard = `Not heard; but ${JSON.stringify(this.heard)}`;
    return said === '' ? heard : `${heard}\nThe other side wrote:\n${said}`;
  }

  /** The notifications of one method from `start` on. */
  heardOf(method: string, start = 0): JsonObject[] {
    return this.heard
      .slice(start)
      .filter((heard) => heard.method === method)
      .map(({ params }) => params);
  }

  async close(): Promise<void> {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    await this.#wire?.close();
  }

  async #initialize(): Promise<void> {
    const { name, version, capabilities } = this.#manner;
    const clientInfo = { name, version: '1.0.0' };
    const params = { protocolVersion: version, capabilities, clientInfo };
    this.welcome = await this.result('initialize', params);
    await this.notify('notifications/initialized');
    await this.#wire?.listen(String(this.welcome['protocolVersion']));
  }

  #send(message: Message, headers: Headers = {}): Promise<void> {
    if (this.#wire === undefined) return Promise.reject(new Error('Not connected'));
    if (this.#manner.era === 'legacy' || message.method === undefined)
      return this.#wire.send(message);
    const params = { ...message.params, _meta: this.#stamped(objectOf(message.params?.['_meta'])) };
    const own = this.#headers(message.method, params);
    return this.#wire.send({ ...message, params }, { ...own, ...headers });
  }

  /** What every request of the modern era says of its sender (spec 2026-07-28, basic). */
  #stamped(meta: JsonObject): JsonObject {
    const { name, version, capabilities } = this.#manner;
    return {
      [`${META}protocolVersion`]: version,
      [`${META}clientCapabilities`]: capabilities,
      [`${META}clientInfo`]: { name, version: '1.0.0' },
      ...meta,
    };
  }

  #headers(method: string, params: JsonObject): Headers {
    const name = params[NAMED_BY[method] ?? ''];
    return {
      'mcp-protocol-version': this.#manner.version,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    };
  }

  #receive(message: Message): void {
    if (message.method === undefined) {
      if (message.id != null) this.#settle(message.id, message);
      return;
    }
    const heard = {
      method: message.method,
      params: objectOf(message.params),
      atMs: performance.now(),
    };
    if (isRequest(message)) {
      this.questions.push({ ...heard, id: message.id });
      void this.#answer(message.id, heard);
    } else {
      this.heard.push(heard);
    }
    this.#wake();
  }

  async #answer(id: Id, { method, params }: Heard): Promise<void> {
    const answer = this.#manner.answers[method];
    let outcome: Pick<Message, 'result' | 'error'>;
    try {
      if (answer === undefined) throw new Error(`Method not found: ${method}`);
      const tell: Tell = (notice, more) => this.notify(notice, more);
      outcome = { result: await answer(params, tell) };
    } catch (failure) {
      const message = failure instanceof Error ? failure.message : String(failure);
      outcome = { error: { code: answer === undefined ? -32601 : -1, message } };
    }
    await this.#send({ jsonrpc: '2.0', id, ...outcome }).catch(() => undefined);
  }

  #settle(id: Id, outcome: Message | Error): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    waiting?.settle(outcome);
    if (waiting === undefined && !(outcome instanceof Error)) this.strays.push(outcome);
  }

  #fail(reason: string, id: Id | undefined): void {
    const failure = new Error(reason);
    if (id !== undefined) {
      this.#settle(id, failure);
      return;
    }
    this.#failure = failure;
    for (const waiting of [...this.#waiting.keys()]) this.#settle(waiting, failure);
    this.#wake();
  }

  #wake(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#listeners.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** The structured content of a tool's result. */
export function structured(result: JsonObject): JsonObject {
  return objectOf(result['structuredContent']);
}

/** The first text of a tool's result. */
export function textOf(result: JsonObject): string {
  const [first] = Array.isArray(result['content']) ? (result['content'] as unknown[]) : [];
  return isObject(first) ? String(first['text']) : '';
}
