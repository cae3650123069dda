import { createHash } from 'node:crypto';

import { isObject, type JsonObject } from '../kernel/json.ts';
import type { Principal } from '../kernel/principal.ts';
import { mapRelatedTask, mapTaskId } from '../kernel/tasks.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Seal } from '../seal/seal.ts';
import type { Echo } from '../spine/ports.ts';

/** How long a client may take to come back with an upstream's requestState, in milliseconds. */
const STATE_MS = 60 * 60 * 1000;

/** The ids and states of upstreams that clients carry for us, sealed. */
export class Sealed {
  readonly #seal: Seal;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #run: string;

  /** The run is one of this process alone: what waits in it is gone with it, and is timed by a clock that nobody sets. */
  constructor(seal: Seal, now: () => number, run: string, monotonic = () => performance.now()) {
    this.#seal = seal;
    this.#now = now;
    this.#monotonic = monotonic;
    this.#run = run;
  }

  sealTask(upstream: string, principal: Principal, taskId: string): string {
    return this.#seal.sealSame('task', JSON.stringify([upstream, principal.key, taskId]));
  }

  openTask(sealed: string, principal: Principal): { upstream: string; taskId: string } | undefined {
    const [upstream, owner, taskId] = this.#openList('task', sealed);
    if (owner !== principal.key || typeof upstream !== 'string' || typeof taskId !== 'string')
      return undefined;
    return { upstream, taskId };
  }

  /** Parameters of an upstream's message with its task ids sealed. */
  publicTasks(upstream: string, principal: Principal, params: JsonObject): JsonObject {
    const seal = (id: string): string => this.sealTask(upstream, principal, id);
    return mapRelatedTask(mapTaskId(params, seal), seal);
  }

  /** What a client answers, with the task it is about named as its upstream does. */
  ownTasks(principal: Principal, value: JsonObject): JsonObject {
    return mapRelatedTask(value, (id) => this.openTask(id, principal)?.taskId ?? id);
  }

  /** The end is one of the clock by which such a state is timed, in milliseconds. */
  sealState(binding: string, echo: Echo, expiresAt = this.#clockOf(echo.kind) + STATE_MS): string {
    const { callId, kind } = echo;
    const of = partsOf(echo, this.#run);
    return this.#seal.seal(
      'request-state',
      JSON.stringify([digest(binding), expiresAt, callId, kind, ...of]),
    );
  }

  openState(binding: string, sealed: string): Echo {
    const [bound, expiresAt, callId, kind, ...of] = this.#openList('request-state', sealed);
    if (bound !== digest(binding) || typeof expiresAt !== 'number' || typeof callId !== 'string')
      throw wrongState('was not made for this call.');
    if (kind === 'parked' && of[1] !== this.#run)
      throw wrongState('is of a call that ended when the gateway was restarted.');
    if (expiresAt <= this.#clockOf(kind)) throw wrongState('has expired: its call was given up.');
    const [first = '', second = ''] = of.map(String);
    return kind === 'parked'
      ? { kind, callId, id: first }
      : { kind: 'upstream', callId, upstream: first, state: second };
  }

  /** A call that waits in this process does so whatever the wall clock is set to. */
  #clockOf(kind: unknown): number {
    return kind === 'parked' ? this.#monotonic() : this.#now();
  }

  #openList(purpose: 'task' | 'request-state', sealed: string): unknown[] {
    const text = this.#seal.open(purpose, sealed);
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return Array.isArray(value) ? (value as unknown[]) : [];
  }
}

/** What the state of a server's memory is stored by, as JSON; undefined when it is not an object, or damaged. */
export function parseRecord(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function partsOf(echo: Echo, run: string): readonly string[] {
  return echo.kind === 'parked' ? [echo.id, run] : [echo.upstream, echo.state];
}

function wrongState(what: string): Refusal {
  return new Refusal('PARAMS_INVALID', `params.requestState ${what}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
