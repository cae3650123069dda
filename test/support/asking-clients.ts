import { isObject, objectOf, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import { Peer } from './fidelity-peer.ts';
import type { Place } from './fidelity-wires.ts';

/** One thing a client is asked, whichever way it came. */
export interface Asked {
  readonly method: string;
  readonly params: JsonObject;
  /** For which call, in which round, at which place of it. */
  readonly mark: string;
}

/** What a client says to what it is asked. */
export type Answering = (asked: Asked) => JsonObject | Promise<JsonObject>;

const EVERYTHING = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const MARK = 'example.com/mark';
const MAX_ROUNDS = 8;

/** What an interview is to do; see `fixture_interview`. */
export interface Wish extends JsonObject {
  readonly tag: string;
  readonly rounds?: readonly (readonly string[])[];
}

/** Answers that say who gave them and to what. */
export function answersBy(who: string): Answering {
  return ({ method, mark }) => {
    const said = `${who} on ${mark}`;
    if (method === 'roots/list') return { roots: [{ uri: `file:///${who}`, name: said }] };
    if (method === 'elicitation/create') return { action: 'accept', content: { answer: said } };
    return { role: 'assistant', model: who, content: { type: 'text', text: said } };
  };
}

const METHODS: Readonly<Record<string, string>> = {
  roots: 'roots/list',
  sampling: 'sampling/createMessage',
};

/** What the interview returns when every question was answered so. */
export async function expected(wish: Wish, answering: Answering): Promise<JsonObject> {
  const { tag, rounds = [['elicitation']] } = wish;
  const answers = rounds.map((kinds, round) =>
    Promise.all(
      kinds.map((kind, index) => {
        const method = METHODS[kind] ?? 'elicitation/create';
        const mark = `${tag}/${round}/${index}`;
        return Promise.resolve(answering({ method, params: {}, mark }));
      }),
    ),
  );
  return { tag, answers: await Promise.all(answers) };
}

/** A client of either era that is interviewed by servers behind a gateway. */
export class Interviewee {
  /** Questions for calls that this client never made, or that are over. */
  readonly crossed: Asked[] = [];
  readonly #era: 'legacy' | 'modern';
  readonly #calls = new Map<string, Answering>();
  #peer: Peer | undefined;

  private constructor(era: 'legacy' | 'modern') {
    this.#era = era;
  }

  static async open(
    place: Place,
    era: 'legacy' | 'modern',
    who: string,
    capabilities: JsonObject = EVERYTHING,
  ): Promise<Interviewee> {
    const client = new Interviewee(era);
    const answer =
      (method: string) =>
      (params: JsonObject): JsonObject | Promise<JsonObject> =>
        client.#answer(method, params);
    const methods = ['elicitation/create', 'sampling/createMessage', 'roots/list'];
    const answers = Object.fromEntries(methods.map((method) => [method, answer(method)]));
    const version = era === 'legacy' ? '2025-11-25' : '2026-07-28';
    client.#peer = await Peer.open(place, { era, name: who, version, capabilities, answers });
    return client;
  }

  get peer(): Peer {
    if (this.#peer === undefined) throw new Error('Not open');
    return this.#peer;
  }

  /** Makes a request whose server interviews this client, and returns the response. */
  async interview(
    tag: string,
    method: string,
    params: JsonObject,
    answering: Answering,
  ): Promise<Message> {
    this.#calls.set(tag, answering);
    try {
      if (this.#era === 'legacy') return await this.peer.request(method, params);
      return await this.#inRounds(method, params);
    } finally {
      this.#calls.delete(tag);
    }
  }

  close(): Promise<void> {
    return this.peer.close();
  }

  async #inRounds(method: string, params: JsonObject): Promise<Message> {
    let more: JsonObject = {};
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const response = await this.peer.request(method, { ...params, ...more });
      const { result } = response;
      if (result?.['resultType'] !== 'input_required') return response;
      const asked = Object.entries(objectOf(result['inputRequests']));
      const answered = asked.map(async ([key, request]) => {
        const { method: wanted, params: given } = objectOf(request);
        return [key, await this.#answer(String(wanted), objectOf(given))] as const;
      });
      const inputResponses = Object.fromEntries(await Promise.all(answered));
      more = { inputResponses, requestState: result['requestState'] };
    }
    throw new Error(`No end after ${MAX_ROUNDS} rounds`);
  }

  #answer(method: string, params: JsonObject): JsonObject | Promise<JsonObject> {
    const mark = String(objectOf(params['_meta'])[MARK]);
    const asked = { method, params, mark };
    const answering = this.#calls.get(mark.split('/')[0] ?? '');
    if (answering === undefined) {
      this.crossed.push(asked);
      throw new Error(`Nobody here was to be asked ${mark}`);
    }
    return answering(asked);
  }
}

/** What an interview returned, whatever kind of call it was. */
export function outcomeOf({ result, error }: Message): JsonObject {
  if (error !== undefined) return { error };
  const { structuredContent, messages, contents } = result ?? {};
  if (isObject(structuredContent)) return structuredContent;
  const [first] = (messages ?? contents ?? []) as JsonObject[];
  const text = objectOf(first?.['content'])['text'] ?? first?.['text'];
  return typeof text === 'string' ? (JSON.parse(text) as JsonObject) : objectOf(result);
}

/** Lets everybody who comes go on once so many have come, the last one first. */
export function meeting(count: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length >= count) for (const go of waiting.splice(0).toReversed()) go();
    });
}
