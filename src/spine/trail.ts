import { Cancelled, RemoteError, type Answer } from '../kernel/answer.ts';
import type { Admission } from '../kernel/admission.ts';
import type { Arrival, Circumstances, Transport } from '../kernel/arrival.ts';
import { callerOf, type Entry, type Outcome } from '../kernel/entry.ts';
import type { Era } from '../kernel/era.ts';
import { objectAt, type JsonObject } from '../kernel/json.ts';
import type { RpcError } from '../kernel/json-rpc.ts';
import { METHODS } from '../kernel/methods.ts';
import { Denial, type Decision, type Permit } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal, type RefusalCode } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import type { Trace } from '../kernel/trace.ts';
import type { Session, SpinePorts } from './ports.ts';
import { Stopwatch } from './stopwatch.ts';
import { textOf, withinBytes } from './written.ts';

/** Where an exchange came from. */
export interface Origin {
  readonly method: string;
  readonly era: Era;
  readonly transport: Transport;
  /** Key of the session or exchange; undefined while there is none. */
  readonly session?: string;
  readonly args?: JsonObject | undefined;
  /** Protocol version. */
  readonly version?: string;
  readonly meta?: JsonObject | undefined;
  readonly circumstances?: Circumstances | undefined;
}

const NONE: readonly string[] = [];

const recorded = new WeakSet<Error>();

/** Whether what went wrong has left an entry. */
export function isRecorded(error: Error): boolean {
  return recorded.has(error);
}

type Ending = Pick<Entry, 'outcome' | 'code' | 'failure'> &
  Partial<Pick<Entry, 'rule' | 'result' | 'resultChars' | 'warnings'>>;

/** What an exchange learned on its way; it becomes the exchange's one Entry. */
export class Trail {
  readonly id: string;
  readonly principal: Principal;
  readonly trace: Trace | undefined;
  readonly stopwatch: Stopwatch;
  /** Id of the exchange that began the call, where this one goes on with it (docs/rules.md R3). */
  callId: string | undefined;
  target: Target | undefined;
  /** What policy judged, where that is not what the caller sent. */
  judgedArgs: JsonObject | undefined;
  admission: Admission | undefined;
  /** Undoes what was prepared for an answer that its client does not get. */
  onFailed: (() => void) | undefined;
  #decision: Decision | undefined;
  #origin: Origin;
  readonly #ports: SpinePorts;

  constructor(origin: Origin, principal: Principal, ports: SpinePorts) {
    const { circumstances, meta } = origin;
    this.id = ports.exchangeId();
    this.stopwatch = new Stopwatch(circumstances?.arrivedAt);
    this.trace = ports.beginTrace(circumstances, meta);
    this.#origin = origin;
    this.principal = principal;
    this.#ports = ports;
  }

  /** Notes the session that the exchange began. */
  began({ key, version }: Pick<Session, 'key' | 'version'>): void {
    this.#origin = { ...this.#origin, session: key, version };
  }

  /** Whether policy said no. */
  get isDenied(): boolean {
    return this.#decision instanceof Denial;
  }

  /** Notes the decision about something the caller is not told of. */
  conceal(decision: Decision): void {
    this.#decision = decision;
  }

  /** Notes the decision, and returns its permit. Throws what the caller is told of a denial. */
  decided(decision: Decision, unknown: () => Refusal): Permit {
    this.#decision = decision;
    if (!(decision instanceof Denial)) return decision;
    // A hidden target is answered exactly as one that does not exist (docs/rules.md R5).
    if (decision.hidden) throw unknown();
    if (decision.scopes.length > 0) {
      const scopes = this.#scopesFor(decision.scopes);
      throw new Refusal('INSUFFICIENT_SCOPE', undefined, { scopes });
    }
    throw new Refusal('FORBIDDEN');
  }

  /** A client asks for exactly what it is told: what its token has that matters here is told too (spec: authorization, "Scope challenge"). */
  #scopesFor(lacking: readonly string[]): string[] {
    const { auth, access } = this.#ports.plan();
    const matters = new Set([
      ...auth.issuers.flatMap(({ requiredScopes }) => requiredScopes),
      ...access.rules.flatMap((rule) => rule.scopes ?? []),
    ]);
    const held = (this.principal.scopes ?? []).filter((scope) => matters.has(scope));
    return [...new Set([...held, ...lacking])];
  }

  /** An answer as it goes to the client: text, with what is left of the caller's limits. Throws Refusal where it is too large. */
  written(answer: Answer): Answer {
    if (!('result' in answer)) return answer;
    const state = this.admission?.state();
    const result: JsonObject =
      state === undefined
        ? answer.result
        : { ...answer.result, _meta: { ...objectAt(answer.result, '_meta'), [LIMITS]: state } };
    const text = textOf(result);
    this.admission?.checkResult((most) => withinBytes(text, most));
    if (asksForInput(result, this.#origin.era))
      this.admission?.expectRetry(result['requestState'] !== undefined);
    return { text };
  }

  /** Records an answer, and how long its text is. */
  ended(answer: Answer, resultChars?: number): void {
    this.#record({ ...endingOf(answer, this.#origin.era), resultChars });
  }

  /** Records what went wrong, and returns what a caller may be told of it. */
  failed(error: unknown): Error {
    this.onFailed?.();
    const told = toldOf(error, this.#ports);
    recorded.add(told);
    const ending = failureOf(told);
    if (told === error) this.#record(ending);
    else this.#record({ ...ending, failure: `${told.message} ${stackOf(error)}` });
    return told;
  }

  #record(ending: Ending): void {
    const { method, era, version, transport, session } = this.#origin;
    const { args, circumstances } = this.#origin;
    const { stopwatch } = this;
    const { upstream, kind, target, custom } = addressOf(this.target);
    const { bytes, model } = circumstances ?? UNTOLD;
    const { rule, shadows } = this.#decision ?? UNDECIDED;
    this.#ports.record({
      id: this.id,
      callId: this.callId,
      method: METHODS.has(method) ? method : 'other',
      era,
      version,
      transport,
      principal: this.principal.key,
      caller: callerOf(this.principal),
      client: this.principal.client,
      session,
      upstream,
      kind,
      target,
      custom,
      args,
      judgedArgs: this.judgedArgs,
      rule,
      shadows,
      warnings: this.admission?.warnings ?? NONE,
      startedAt: stopwatch.startedAt,
      durationMs: stopwatch.elapsed(),
      stages: stopwatch.stages(),
      upstreamMs: stopwatch.upstreamMs,
      requestBytes: bytes,
      resultChars: undefined,
      result: undefined,
      model,
      trace: this.trace,
      ...ending,
    });
  }
}

const UNTOLD: Pick<Circumstances, 'bytes' | 'model'> = { bytes: undefined, model: undefined };
const UNDECIDED = { rule: undefined, shadows: NONE };

/** Where the exchange of an arrival came from. */
export function originOf(arrival: Arrival): Origin {
  const { request, era, transport, exchange, circumstances } = arrival;
  const { key } = exchange.owner;
  return {
    method: request.method,
    era,
    version: arrival.version,
    transport,
    session: key,
    args: objectAt(request.params, 'arguments'),
    meta: objectAt(request.params, '_meta'),
    circumstances,
  };
}

/** Our own no, what a server answered, or nothing but an id that is also in the log. */
function toldOf(error: unknown, ports: SpinePorts): Error {
  if (error instanceof Refusal || error instanceof Cancelled || error instanceof RemoteError) {
    return error;
  }
  return new Refusal('INTERNAL', `Something went wrong inside the gateway (${ports.newToken()}).`);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function endingOf(answer: Answer, era: Era): Ending {
  if ('error' in answer) return errorEnding(answer.error);
  const result = 'text' in answer ? answer.text : answer.result;
  const outcome = typeof result === 'object' ? outcomeOf(result, era) : 'ok';
  return { outcome, code: undefined, failure: undefined, result };
}

function outcomeOf(result: JsonObject, era: Era): Outcome {
  if (asksForInput(result, era)) return 'input-required';
  return result['isError'] === true ? 'tool-error' : 'ok';
}

/** In the legacy protocol the word has no meaning: there a server could say it to be called again for nothing. */
function asksForInput(result: JsonObject, era: Era): boolean {
  return era === 'modern' && result['resultType'] === 'input_required';
}

function errorEnding({ code, message }: RpcError): Ending {
  return { outcome: 'error', code: String(code), failure: undefined, result: { code, message } };
}

function failureOf(error: Error): Ending {
  if (error instanceof RemoteError) return errorEnding(error.error);
  if (!(error instanceof Refusal)) {
    return { outcome: 'cancelled', code: undefined, failure: undefined };
  }
  const { code, message, data } = error;
  const ending: Ending = { outcome: OUTCOMES[code] ?? 'refused', code, failure: message };
  const limit = LIMIT_CODES.has(code) ? data?.['limit'] : undefined;
  if (typeof limit !== 'string') return ending;
  return { ...ending, rule: `limit ${limit}`, warnings: [`over ${limit}`] };
}

type Address = Pick<Entry, 'upstream' | 'kind' | 'target' | 'custom'>;

const NOWHERE: Address = {
  upstream: undefined,
  kind: undefined,
  target: undefined,
  custom: undefined,
};

function addressOf(target: Target | undefined): Address {
  if (target === undefined) return NOWHERE;
  const { upstream, kind, shape } = target;
  return { upstream, kind, target: recordedName(target), custom: shape?.name };
}

/** Names come from what servers list; only a URI and the method of an extension may be the caller's own, and are cut. */
function recordedName({ kind, item, name }: Target): string | undefined {
  if (kind === 'resource' || kind === 'extension') return name.slice(0, MAX_URI_CHARS);
  return item === undefined ? undefined : name;
}

const OUTCOMES: Readonly<Partial<Record<RefusalCode, Outcome>>> = {
  INTERNAL: 'crashed',
  UPSTREAM_TIMEOUT: 'timed-out',
};
const LIMIT_CODES: ReadonlySet<RefusalCode> = new Set(['LIMITED', 'RESULT_TOO_LARGE']);
/** What a caller is shown of its limits. */
const LIMITS = 'mcpx/limits';
const MAX_URI_CHARS = 1000;
