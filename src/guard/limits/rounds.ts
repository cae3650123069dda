import type { LimitedCall } from '../../kernel/admission.ts';

const MAX_CALLERS = 10_000;

/**
 * Calls that were answered with a question to the client and may go on with a retry: each such answer is good for one retry that
 * is not counted again (docs/rules.md R3). What only calls itself a retry is not.
 */
export class Rounds {
  readonly #open = new Map<string, number>();

  expect(call: LimitedCall): void {
    const key = keyOf(call);
    const count = this.#open.get(key) ?? 0;
    this.#open.delete(key);
    this.#open.set(key, count + 1);
    if (this.#open.size <= MAX_CALLERS) return;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.#open.delete(oldest);
  }

  isOpen(call: LimitedCall): boolean {
    return call.isRetry && this.#open.has(keyOf(call));
  }

  /** Takes one of the retries that are expected. */
  take(call: LimitedCall): void {
    const key = keyOf(call);
    const left = (this.#open.get(key) ?? 0) - 1;
    if (left > 0) this.#open.set(key, left);
    else this.#open.delete(key);
  }
}

function keyOf({ principal, target: { kind, upstream, name } }: LimitedCall): string {
  return JSON.stringify([principal.key, kind, upstream, name]);
}
