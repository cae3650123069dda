import assert from 'node:assert/strict';
import type { Wish } from './asking-clients.ts';
import { allOf, modernSent } from './raw-clients.ts';
import { EventReader } from './raw-events.ts';
import { begin, rpcOf, send, type Got, type JsonObject, type Rpc, type Sent } from './raw-http.ts';

/** A call that waits for its client: what it is, what its client is asked, and what it comes back with. */
export interface Waiting {
  readonly method: string;
  readonly params: JsonObject;
  readonly inputRequests: Readonly<Record<string, { method: string; params?: JsonObject }>>;
  readonly requestState: string;
}

/** How a modern client differs from one that may call all and be asked all. */
interface ParkerTerms {
  readonly headers?: Record<string, string>;
  readonly capabilities?: JsonObject;
}

const EVERYTHING = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const META = 'io.modelcontextprotocol/';

/** A modern client over HTTP that sends its rounds one by one, as it is told. */
export class Parker {
  readonly port: number;
  readonly #headers: Record<string, string>;
  readonly #capabilities: JsonObject;
  #lastId = 0;

  constructor(port: number, { headers = {}, capabilities = EVERYTHING }: ParkerTerms = {}) {
    this.port = port;
    this.#headers = headers;
    this.#capabilities = capabilities;
  }

  /** One request as it is sent, with an id of its own. */
  sent(method: string, params: JsonObject, meta: JsonObject = {}): Sent {
    this.#lastId += 1;
    const declared = { [`${META}clientCapabilities`]: this.#capabilities, ...meta };
    const sent = modernSent(method, params, { id: this.#lastId, meta: declared });
    return { ...sent, headers: { ...sent.headers, ...this.#headers } };
  }

  ask(method: string, params: JsonObject, meta: JsonObject = {}): Promise<Got> {
    return send(this.port, this.sent(method, params, meta));
  }

  tool(name: string, args: JsonObject = {}, meta: JsonObject = {}): Promise<Got> {
    return this.ask('tools/call', { name, arguments: args }, meta);
  }

  /** Calls the interview of a server, however that ends. */
  interview(server: string, wish: Wish, meta: JsonObject = {}): Promise<Got> {
    return this.tool(`${server}__fixture_interview`, wish, meta);
  }

  /** Calls the interview of a server, which must ask. */
  async park(server: string, wish: Wish, meta: JsonObject = {}): Promise<Waiting> {
    const params = { name: `${server}__fixture_interview`, arguments: wish };
    return waitingOf('tools/call', params, await this.ask('tools/call', params, meta));
  }

  /** Goes on with a call that waits; what it is can be changed. */
  retry(
    { method, params, requestState }: Waiting,
    inputResponses: unknown,
    changes: JsonObject = {},
    meta: JsonObject = {},
  ): Promise<Got> {
    const given = inputResponses === undefined ? {} : { inputResponses };
    return this.ask(method, { ...params, requestState, ...given, ...changes }, meta);
  }

  /** Makes a request and hears what comes before its answer as it comes. */
  async stream(method: string, params: JsonObject, meta: JsonObject = {}): Promise<EventReader> {
    return new EventReader(await begin(this.port, this.sent(method, params, meta)));
  }

  /** Goes on with a call that waits, and hears what comes before its end as it comes. */
  retryStream(
    { method, params, requestState }: Waiting,
    inputResponses: JsonObject,
    meta: JsonObject = {},
  ): Promise<EventReader> {
    return this.stream(method, { ...params, requestState, inputResponses }, meta);
  }
}

/** What an answer asks for; it must ask. */
export function waitingOf(method: string, params: JsonObject, got: Got): Waiting {
  const { result } = finalOf(got);
  assert.equal(result?.['resultType'], 'input_required', got.text.slice(0, 1000));
  const inputRequests = result['inputRequests'] as Waiting['inputRequests'];
  return { method, params, inputRequests, requestState: String(result['requestState']) };
}

/** The response in an answer, whatever preceded it. */
export function finalOf(got: Got): Rpc {
  const found = allOf(got).find(({ method }) => method === undefined);
  assert.ok(found, got.text.slice(0, 1000));
  return found;
}

/** Accepts all that is asked, each under its key. */
export function accepting(
  { inputRequests }: Waiting,
  content: JsonObject = { answer: 'yes' },
): Record<string, JsonObject> {
  const answers = Object.entries(inputRequests).map(([key, { method }]) => {
    if (method === 'roots/list') return [key, { roots: [] }] as const;
    if (method === 'elicitation/create') return [key, { action: 'accept', content }] as const;
    return [key, { role: 'assistant', model: 'm', content: { type: 'text', text: 'ok' } }] as const;
  });
  return Object.fromEntries(answers);
}

/** The answers in an interview's result; it must have been completed. */
export function answersIn(got: Got): JsonObject[][] {
  const { result, error } = finalOf(got);
  assert.equal(error, undefined, got.text.slice(0, 1000));
  const content = result?.['structuredContent'] as { answers?: JsonObject[][] } | undefined;
  assert.ok(content?.answers, got.text.slice(0, 1000));
  return content.answers;
}

/** What is said of a state that is of no use, each in words of its own. */
const STATES = {
  foreign: 'params.requestState was not made for this call.',
  expired: /has expired: its call was given up\.$/u,
  restarted: /is of a call that ended when the gateway was restarted\.$/u,
  used: /was used already, or its call has ended\.$/u,
} as const;

/** Expects -32602 with HTTP 400 and what is said of such a state. */
export function assertBadState(got: Got, what: keyof typeof STATES): void {
  assert.equal(got.status, 400, got.text.slice(0, 1000));
  const { error } = rpcOf(got);
  assert.deepEqual([error?.code, error?.data?.['refusal']], [-32602, 'PARAMS_INVALID'], got.text);
  const said = STATES[what];
  if (typeof said === 'string') assert.equal(error?.message, said);
  else assert.match(error?.message ?? '', said);
}
