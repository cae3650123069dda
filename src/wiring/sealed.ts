import { createHash } from 'node:crypto';

import { isObject, type JsonObject } from '../kernel/json.ts';
import type { Principal } from '../kernel/principal.ts';
import { mapRelatedTask, mapTaskId } from '../kernel/tasks.ts';
import type { Seal } from '../seal/seal.ts';

/** How long a client may take to come back with an upstream's requestState, in milliseconds. */
const STATE_MS = 60 * 60 * 1000;

/** The ids and states of upstreams that clients carry for us, sealed. */
export class Sealed {
  readonly #seal: Seal;
  readonly #now: () => number;

  constructor(seal: Seal, now: () => number) {
    this.#seal = seal;
    this.#now = now;
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

  sealState(binding: string, state: string): string {
    return this.#seal.seal(
      'request-state',
      JSON.stringify([digest(binding), this.#now() + STATE_MS, state]),
    );
  }

  openState(binding: string, sealed: string): string | undefined {
    const [bound, expiresAt, state] = this.#openList('request-state', sealed);
    if (bound !== digest(binding) || typeof expiresAt !== 'number' || expiresAt <= this.#now())
      return undefined;
    return typeof state === 'string' ? state : undefined;
  }

  #openList(purpose: 'task' | 'request-state', sealed: string): unknown[] {
    const text = this.#seal.open(purpose, sealed);
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return Array.isArray(value) ? (value as unknown[]) : [];
  }
}

/** What the state of a server's memory is stored by, as JSON; undefined when it is not an object. */
export function parseRecord(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return isObject(value) ? value : undefined;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
