import { Cancelled, RemoteError, type Answer } from '../kernel/answer.ts';
import type { Arrival, Transport } from '../kernel/arrival.ts';
import type { Entry, Outcome } from '../kernel/entry.ts';
import type { Era } from '../kernel/era.ts';
import { stringAt, type JsonObject } from '../kernel/json.ts';
import { METHODS } from '../kernel/methods.ts';
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
}

type Ending = Pick<Entry, 'outcome' | 'code' | 'failure'>;

/** What an exchange learned on its way; it becomes the exchange's one Entry. */
export class Trail {
  readonly principal: Principal;
  target: Target | undefined;
  rule: string | undefined;
  readonly #origin: Origin;
  readonly #ports: SpinePorts;
  readonly #startedAt = performance.now();

  constructor(origin: Origin, principal: Principal, ports: SpinePorts) {
    this.#origin = origin;
    this.principal = principal;
    this.#ports = ports;
  }

  /** Records an answer. */
  ended(answer: Answer): void {
    this.#record(endingOf(answer));
  }

  /** Records what went wrong, and returns what a caller may be told of it. */
  failed(error: unknown): Error {
    const told = toldOf(error, this.#ports);
    const ending = failureOf(told);
    if (told === error) this.#record(ending);
    else this.#record({ ...ending, failure: `${told.message} ${textOf(error)}` });
    return told;
  }

  #record(ending: Ending): void {
    const { method, era, transport, clientInfo } = this.#origin;
    this.#ports.record({
      method: METHODS.has(method) ? method : 'other',
      era,
      transport,
      principal: this.principal.key,
      client: stringAt(clientInfo, 'name'),
      upstream: this.target?.upstream,
      target: this.target?.item === undefined ? undefined : this.target.name,
      rule: this.rule,
      durationMs: performance.now() - this.#startedAt,
      ...ending,
    });
  }
}

/** Where the exchange of an arrival came from. */
export function originOf({ request, era, transport, exchange }: Arrival): Origin {
  return { method: request.method, era, transport, clientInfo: exchange.owner.clientInfo };
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
