import assert from 'node:assert/strict';
import type { RefusalCode } from '../../src/kernel/refusals.ts';
import type { Caller, Outcome } from '../../src/kernel/entry.ts';
import type { ModelRef } from '../../src/kernel/spending.ts';
import type { JsonObject, Rpc } from './raw-http.ts';

/** Who makes requests: a caller with a client. */
export interface Actor {
  /** What the client calls itself. */
  readonly client: string;
  readonly era: 'legacy' | 'modern';
  readonly transport: 'http' | 'sse' | 'stdio';
  /** Protocol version spoken. */
  readonly version: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly caller: Caller;
  /** The rule that decides where nothing else does. */
  readonly grant: string;
  /** What its headers say of its model. */
  readonly said: ModelRef | undefined;
  /** What its tokens are counted and priced for. */
  readonly model: ModelRef | undefined;
}

/** What the gateway is expected to record of one request. */
export interface Expected {
  readonly outcome: Outcome;
  /** Refusal code, or JSON-RPC code of a server's error. */
  readonly code?: string | undefined;
  readonly server?: string | undefined;
  readonly kind?: 'tool' | 'prompt' | 'resource' | 'template' | 'ask' | undefined;
  /** As the server itself names it. */
  readonly target?: string | undefined;
  readonly custom?: string | undefined;
  readonly rule?: string | undefined;
  readonly shadows?: readonly string[];
  readonly warnings?: readonly string[];
  /** Arguments that a custom tool makes of those given. */
  readonly judged?: JsonObject;
  /** Whether the server behind was asked. */
  readonly isSent?: boolean;
}

/** How a request says of which trace it is: not at all, in one of the two ways, in both, or by something that is no trace. */
export type TraceWay = 'none' | 'meta' | 'header' | 'both' | 'unsampled' | 'invalid';

/** The trace a request was sent with. */
export interface SentTrace {
  readonly way: TraceWay;
  /** Undefined where the gateway begins a trace of its own. */
  readonly traceId: string | undefined;
  readonly parentId: string | undefined;
  readonly isSampled: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly meta: JsonObject;
}

/** What a row is opened with. */
export interface RowTerms {
  readonly run: number;
  readonly actor: Actor;
  readonly method: string;
  /** Without what is added for the trace. */
  readonly params: JsonObject;
  readonly expected: Expected;
  readonly trace: SentTrace | undefined;
  /** The request that began the call, where this one goes on with it. */
  readonly first?: Row | undefined;
}

/** One request in the driver's own books. */
export class Row implements RowTerms {
  readonly number: number;
  readonly run: number;
  readonly actor: Actor;
  readonly method: string;
  readonly params: JsonObject;
  readonly expected: Expected;
  readonly trace: SentTrace | undefined;
  readonly first: Row | undefined;
  /** Bytes of the message as it was sent; undefined in a batch, and where no transport tells. */
  bytes: number | undefined;
  /** Key of the legacy session it was sent in: the same for all rows of one. */
  session: string | undefined;
  /** From its sending to the end of its answer, in milliseconds. */
  tookMs: number | undefined;
  answer: Rpc | undefined;
  /** Whether it ended after the last look at the metrics of its run. */
  isLate = false;
  /** Resolves when its server has begun to work on it. */
  readonly underWay: Promise<void>;
  /** Resolves when its answer has come, or can come no more. */
  readonly done: Promise<void>;
  #begin: () => void = () => undefined;
  #end: () => void = () => undefined;

  constructor(number: number, terms: RowTerms) {
    this.number = number;
    this.run = terms.run;
    this.actor = terms.actor;
    this.method = terms.method;
    this.params = terms.params;
    this.expected = terms.expected;
    this.trace = terms.trace;
    this.first = terms.first;
    this.underWay = new Promise((resolve) => {
      this.#begin = resolve;
    });
    this.done = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** A sign of life came from its server. */
  progressed(): void {
    this.#begin();
  }

  /** Its answer has come; undefined when none will. */
  ended(answer: Rpc | undefined): void {
    this.answer ??= answer;
    this.#begin();
    this.#end();
  }

  /** Whether it is a question of a server, which nothing but itself is known of. */
  get isAsk(): boolean {
    return this.expected.kind === 'ask';
  }

  /** The method as records have it: what no protocol knows is never named. */
  get known(): string {
    return this.method === UNKNOWN_METHOD ? 'other' : this.method;
  }

  /** What a record calls it. */
  toString(): string {
    const { name, uri } = this.params;
    return `#${this.number} ${this.actor.client}: ${this.method} ${String(name ?? uri ?? '')}`;
  }
}

/** A request that is refused before it is on any road. */
export interface Turned {
  readonly run: number;
  readonly code: RefusalCode;
  readonly address: string | undefined;
  /** Key of its caller, where it was proven. */
  readonly principal: string | undefined;
}

/** A method that does not exist. */
export const UNKNOWN_METHOD = 'made/up';

/** The member of `_meta` by which the driver knows its own requests again. */
export const ROW_KEY = 'ledger/row';

/** The driver's books: every request that was sent, with what must be recorded of it. */
export class Ledger {
  readonly rows: Row[] = [];
  readonly turned: Turned[] = [];
  /** Sessions ended by their clients, by run and protocol version. */
  readonly ended: { readonly run: number; readonly version: string }[] = [];
  /** Calls during which a server was ended. */
  readonly crashes: { readonly run: number; readonly server: string }[] = [];
  /** Calls that stopped waiting for their clients. */
  readonly waited: { readonly run: number; readonly reason: string }[] = [];
  run = 1;

  open(terms: Omit<RowTerms, 'run'>): Row {
    const row = new Row(this.rows.length, { ...terms, run: this.run });
    this.rows.push(row);
    return row;
  }

  turnedAway(code: RefusalCode, address: string | undefined, principal?: string): void {
    this.turned.push({ run: this.run, code, address, principal });
  }

  /** Fails unless clients were told what is expected to be recorded. */
  check(): void {
    for (const row of this.rows) checkAnswer(row);
  }
}

function checkAnswer(row: Row): void {
  const { expected, answer, method } = row;
  const { outcome, code } = expected;
  // The answer to a question is the client's, that of a stream is its end.
  if (row.isAsk || method === 'subscriptions/listen') return;
  const isNone = { outcome: 'cancelled', code: undefined };
  const told = answer === undefined ? isNone : toldBy(answer);
  const isRefusal = outcome === 'refused' || outcome === 'timed-out';
  const expectedly = { outcome: isRefusal ? 'refused' : outcome, code };
  assert.deepEqual(told, expectedly, `${row.toString()}: ${JSON.stringify(answer)?.slice(0, 500)}`);
}

/** What an answer says of how its request has ended. */
function toldBy({ result, error }: Rpc): Pick<Expected, 'code'> & { readonly outcome: string } {
  if (result !== undefined) return { outcome: outcomeOf(result), code: undefined };
  const refusal = error?.data?.['refusal'];
  if (typeof refusal === 'string') return { outcome: 'refused', code: refusal };
  return { outcome: 'error', code: String(error?.code) };
}

function outcomeOf(result: JsonObject): Outcome {
  if (result['resultType'] === 'input_required') return 'input-required';
  return result['isError'] === true ? 'tool-error' : 'ok';
}

/** Whether something went wrong: to be asked for more is no failure. */
export function isError({ expected: { outcome } }: Row): boolean {
  return outcome !== 'ok' && outcome !== 'input-required';
}
