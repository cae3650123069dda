import { createHash } from 'node:crypto';

import { BoundedMap } from '../identity/bounded-map.ts';
import { callerOf, type Entry, type Stages } from '../kernel/entry.ts';
import { MODERN_VERSION } from '../kernel/era.ts';
import type { Owner, Question } from '../kernel/exchange.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { CLIENT_FEATURES } from '../kernel/methods.ts';
import { Denial, type Decision } from '../kernel/permit.ts';
import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal, type RefusalCode } from '../kernel/refusals.ts';
import { TASK_METHODS } from '../kernel/tasks.ts';
import type { Access } from './access.ts';
import type { Records } from './records.ts';

/** What questions need. */
export interface AskTerms {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Id of a new exchange. */
  newId(): string;
  maxPerMinute(): number;
  decide(principal: Principal, upstream: string, feature: string, question: Question): Decision;
  record(entry: Entry): void;
  /** Counts a question beyond those that are recorded one by one. */
  overLimit(code: RefusalCode, principal: Principal): void;
}

/** Questions of one server to one caller within a minute since the epoch. */
interface Count {
  readonly minute: number;
  readonly count: number;
}

/** Who is asked. */
export type Asked = Pick<Owner, 'key' | 'principal' | 'version' | 'clientInfo'>;

const MINUTE_MS = 60_000;
const MAX_COUNTED = 10_000;
const MAX_METHOD_CHARS = 100;

/** What servers ask of clients: decided per server, limited, shown with the server's name, and recorded (docs/rules.md R7). */
export class Asks {
  readonly #terms: AskTerms;
  /** When they are full, what was not asked for longest is forgotten: who asks too often is not. */
  readonly #counts = new BoundedMap<string, Count>(MAX_COUNTED);
  readonly #seen = new BoundedMap<string, true>(MAX_COUNTED);

  constructor(terms: AskTerms) {
    this.#terms = terms;
  }

  /**
   * A question as its client may be shown it. One that is shown again and again, as those of a task that is looked at, has an
   * id: it is decided each time, and counted and recorded once. Throws ASK_FORBIDDEN or LIMITED.
   */
  admit(upstream: string, owner: Asked, question: Question, id?: string): Question {
    const { method } = question;
    // A link brings those about tasks that were made over it: each was admitted when the client made it.
    if (TASK_METHODS.has(method)) return question;
    // What no specification knows goes the same way, under its own name.
    const feature = CLIENT_FEATURES.get(method) ?? method.slice(0, MAX_METHOD_CHARS);
    const decision = this.#terms.decide(owner.principal, upstream, feature, question);
    const denied = this.#refusalOf(feature, decision);
    const key = id === undefined ? undefined : keyOf(upstream, owner, { id, question });
    if (denied === undefined && this.#wasAdmitted(key)) return shown(upstream, question);
    const over = this.#count(upstream, owner) - this.#terms.maxPerMinute();
    const refusal = denied ?? (over > 0 ? new Refusal('LIMITED', TOO_OFTEN) : undefined);
    const code = refusal?.code;
    // A server that asks without end must not fill the record: the first over the limit stands for its minute.
    if (over > 1) this.#terms.overLimit(code ?? 'LIMITED', owner.principal);
    else this.#record({ upstream, owner, method, feature, decision, code });
    if (refusal !== undefined) throw refusal;
    this.#admitted(key);
    return shown(upstream, question);
  }

  #record(admission: Admission): void {
    this.#terms.record(entryOf(admission, this.#terms.newId(), this.#terms.now()));
  }

  #refusalOf(feature: string, decision: Decision): Refusal | undefined {
    if (!(decision instanceof Denial)) return undefined;
    return new Refusal('ASK_FORBIDDEN', `The server may not ask for ${feature} here.`);
  }

  #wasAdmitted(key: string | undefined): boolean {
    return key !== undefined && this.#seen.get(key) === true;
  }

  #admitted(key: string | undefined): void {
    if (key !== undefined) this.#seen.set(key, true);
  }

  /** How many questions of a server to a caller this is within the present minute. */
  #count(upstream: string, { principal }: Asked): number {
    const minute = Math.floor(this.#terms.now() / MINUTE_MS);
    const key = `${principal.key}\0${upstream}`;
    const present = this.#counts.get(key);
    const count = (present?.minute === minute ? present.count : 0) + 1;
    this.#counts.set(key, { minute, count });
    return count;
  }
}

const TOO_OFTEN = 'The server asks more often than asks.maxPerMinute allows.';

/** The same question to the same caller: another one under the same id is another question. */
function keyOf(
  upstream: string,
  { principal }: Asked,
  asked: { readonly id: string; readonly question: Question },
): string {
  const { method, params } = asked.question;
  const text = JSON.stringify([principal.key, upstream, asked.id, method, params ?? null]);
  return createHash('sha256').update(text).digest('base64');
}

/** The questions of a gateway. */
export function createAsks(
  access: Access,
  records: Records,
  terms: { now(): number; newId(): string; plan(): Plan },
): Asks {
  return new Asks({
    now: () => terms.now(),
    newId: () => terms.newId(),
    maxPerMinute: () => terms.plan().asks.maxPerMinute,
    decide: (...args) => access.decideQuestion(...args),
    record: (entry) => records.take(entry),
    overLimit: (code, { key }) => records.turnedAway(code, undefined, key),
  });
}

/** Whoever is asked must see who asks: an elicitation says so in its text, all else where clients look for more. */
function shown(upstream: string, question: Question): Question {
  const { method, params = {} } = question;
  const meta: JsonObject = { ...objectAt(params, '_meta'), [SERVER_KEY]: upstream };
  const message = stringAt(params, 'message');
  const isElicitation = method === 'elicitation/create' && message !== undefined;
  const named = isElicitation ? { ...params, message: `[${upstream}] ${message}` } : params;
  return { ...question, params: { ...named, _meta: meta } };
}

/** The `_meta` key that names the server a question comes from. */
const SERVER_KEY = 'mcpx/server';

const AT_ONCE: Stages = {
  arrived: 0,
  resolved: undefined,
  decided: 0,
  guarded: undefined,
  answered: undefined,
};

interface Admission {
  readonly upstream: string;
  readonly owner: Asked;
  readonly method: string;
  readonly feature: string;
  readonly decision: Decision;
  readonly code: RefusalCode | undefined;
}

function entryOf(admission: Admission, id: string, startedAt: number): Entry {
  const { upstream, owner, method, feature, decision, code } = admission;
  return {
    id,
    callId: undefined,
    method: method.slice(0, MAX_METHOD_CHARS),
    era: owner.version === MODERN_VERSION ? 'modern' : 'legacy',
    transport: undefined,
    principal: owner.principal.key,
    caller: callerOf(owner.principal),
    client: owner.principal.client,
    session: owner.key,
    upstream,
    kind: 'ask',
    target: feature,
    custom: undefined,
    args: undefined,
    judgedArgs: undefined,
    outcome: code === undefined ? 'ok' : 'refused',
    code,
    rule: decision.rule,
    shadows: decision.shadows,
    warnings: [],
    startedAt,
    durationMs: 0,
    stages: AT_ONCE,
    upstreamMs: 0,
    requestBytes: undefined,
    resultChars: undefined,
    result: undefined,
    model: undefined,
    trace: undefined,
    failure: undefined,
  };
}
