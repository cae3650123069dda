import type { LimitedCall } from '../../kernel/admission.ts';

const MAX_CALLERS = 10_000;
const MAX_PER_CALLER = 1000;

/**
 * Calls that were answered with a question to the client and may go on with a retry: each such answer is good for one retry that
 * is not counted again (docs/rules.md R3). What only calls itself a retry is not.
 */
export class Rounds {
  readonly #open = new Map<string, Map<string, number>>();

  /** One more retry may come: of this call where its answer has a state that names it, else of one of the same target. */
  expect(call: LimitedCall, isNamed: boolean): void {
    const rounds = this.#roundsOf(call.principal.key);
    const key = isNamed ? namedKey(call.callId ?? call.id) : targetKey(call);
    const count = rounds.get(key) ?? 0;
    rounds.delete(key);
    rounds.set(key, count + 1);
    if (rounds.size > MAX_PER_CALLER) dropOldest(rounds);
    if (this.#open.size > MAX_CALLERS) dropOldest(this.#open);
  }

  isOpen(call: LimitedCall): boolean {
    return call.isRetry && this.#open.get(call.principal.key)?.has(keyOf(call)) === true;
  }

  /** Takes one of the retries that are expected. */
  take(call: LimitedCall): void {
    const { key: caller } = call.principal;
    const rounds = this.#open.get(caller);
    if (rounds === undefined) return;
    const key = keyOf(call);
    const left = (rounds.get(key) ?? 0) - 1;
    if (left > 0) rounds.set(key, left);
    else rounds.delete(key);
    if (rounds.size === 0) this.#open.delete(caller);
  }

  #roundsOf(caller: string): Map<string, number> {
    const present = this.#open.get(caller);
    if (present !== undefined) return present;
    const made = new Map<string, number>();
    this.#open.set(caller, made);
    return made;
  }
}

function dropOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

function keyOf(call: LimitedCall): string {
  return call.callId === undefined ? targetKey(call) : namedKey(call.callId);
}

function namedKey(callId: string): string {
  return `call ${callId}`;
}

function targetKey({ target: { kind, upstream, name } }: LimitedCall): string {
  return JSON.stringify([kind, upstream, name]);
}
