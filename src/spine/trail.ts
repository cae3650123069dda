import { Cancelled, RemoteError, type Answer } from '../kernel/answer.ts';
import type { Arrival, Transport } from '../kernel/arrival.ts';
import { callerOf, type Entry, type Outcome } from '../kernel/entry.ts';
import type { Era } from '../kernel/era.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { METHODS } from '../kernel/methods.ts';
import { Denial, type Decision, type Permit } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import type { SpinePorts } from './ports.ts';

/** Where an exchange came from. */
export interface Origin {
  readonly method: string;
  readonly era: Era;
  readonly transport: Transport;
  readonly clientInfo: JsonObject | undefined;
  /** Key of the session or exchange; undefined while there is none. */
  readonly session?: string;
  readonly args?: JsonObject | undefined;
}

const NO_SHADOWS: readonly string[] = [];

const recorded = new WeakSet<Error>();

/** Whether what went wrong has left an entry. */
export function isRecorded(error: Error): boolean {
  return recorded.has(error);
}

type Ending = Pick<Entry, 'outcome' | 'code' | 'failure'>;

/** What an exchange learned on its way; it becomes the exchange's one Entry. */
export class Trail {
  readonly principal: Principal;
  target: Target | undefined;
  /** What policy judged, where that is not what the caller sent. */
  judgedArgs: JsonObject | undefined;
  #decision: Decision | undefined;
  readonly #origin: Origin;
  readonly #ports: SpinePorts;
  readonly #startedAt = performance.now();

  constructor(origin: Origin, principal: Principal, ports: SpinePorts) {
    this.#origin = origin;
    this.principal = principal;
    this.#ports = ports;
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

  /** Records an answer. */
  ended(answer: Answer): void {
    this.#record(endingOf(answer));
  }

  /** Records what went wrong, and returns what a caller may be told of it. */
  failed(error: unknown): Error {
    const told = toldOf(error, this.#ports);
    recorded.add(told);
    const ending = failureOf(told);
    if (told === error) this.#record(ending);
    else this.#record({ ...ending, failure: `${told.message} ${textOf(error)}` });
    return told;
  }

  #record(ending: Ending): void {
    const { method, era, transport, clientInfo, session, args } = this.#origin;
    const { target } = this;
    this.#ports.record({
      method: METHODS.has(method) ? method : 'other',
      era,
      transport,
      principal: this.principal.key,
      caller: callerOf(this.principal),
      client: stringAt(clientInfo, 'name')?.slice(0, MAX_CLIENT_CHARS),
      session,
      upstream: target?.upstream,
      kind: target?.kind,
      target: target === undefined ? undefined : recordedName(target),
      custom: target?.shape?.name,
      args,
      judgedArgs: this.judgedArgs,
      rule: this.#decision?.rule,
      shadows: this.#decision?.shadows ?? NO_SHADOWS,
      durationMs: performance.now() - this.#startedAt,
      ...ending,
    });
  }
}

/** Where the exchange of an arrival came from. */
export function originOf({ request, era, transport, exchange }: Arrival): Origin {
  const { clientInfo, key } = exchange.owner;
  const args = objectAt(request.params, 'arguments');
  return { method: request.method, era, transport, clientInfo, session: key, args };
}

/** Our own no, what a server answered, or nothing but an id that is also in the log. */
function toldOf(error: unknown, ports: SpinePorts): Error {
  if (error instanceof Refusal || error instanceof Cancelled || error instanceof RemoteError) {
    return error;
  }
  return new Refusal('INTERNAL', `Something went wrong inside the gateway (${ports.newToken()}).`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function endingOf(answer: Answer): Ending {
  if ('error' in answer) {
    return { outcome: 'error', code: String(answer.error.code), failure: undefined };
  }
  const isFailed = 'result' in answer && answer.result['isError'] === true;
  return { outcome: isFailed ? 'tool-error' : 'ok', code: undefined, failure: undefined };
}

function failureOf(error: Error): Ending {
  if (error instanceof RemoteError) {
    return { outcome: 'error', code: String(error.error.code), failure: undefined };
  }
  if (!(error instanceof Refusal)) {
    return { outcome: 'cancelled', code: undefined, failure: undefined };
  }
  const outcome: Outcome = error.code === 'INTERNAL' ? 'crashed' : 'refused';
  return { outcome, code: error.code, failure: error.message };
}

/** Names come from what servers list; only a URI may be the caller's own, and is cut. */
function recordedName({ kind, item, name }: Target): string | undefined {
  if (kind === 'resource') return name.slice(0, MAX_URI_CHARS);
  return item === undefined ? undefined : name;
}

const MAX_URI_CHARS = 1000;
const MAX_CLIENT_CHARS = 200;
