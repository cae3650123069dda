import type { UpstreamState } from '../kernel/inventory.ts';

interface Starting {
  readonly since: number;
}

/** Knows which servers are still starting for the first time, so that a first list can wait for them (docs/rules.md R14). */
export class Readiness {
  readonly #starting = new Map<string, Starting>();
  readonly #firstWaitMs: () => number;
  readonly #waiting: (() => void)[] = [];

  constructor(firstWaitMs: () => number) {
    this.#firstWaitMs = firstWaitMs;
  }

  /** A server was configured and is about to start. */
  expect(upstream: string): void {
    this.#starting.set(upstream, { since: performance.now() });
  }

  /** A server's state changed. */
  note(state: UpstreamState): void {
    if (state.phase === 'starting' && state.restarts === 0) return;
    this.settle(state.name);
  }

  /** A server's offers are known, or it has none to wait for. */
  settle(upstream: string): void {
    this.#starting.delete(upstream);
    if (this.#starting.size > 0) return;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when nothing is to be waited for, at the latest after list.firstWaitMs; undefined when that is now. */
  wait(): Promise<void> | undefined {
    const withinMs = this.#firstWaitMs();
    const patience = performance.now() - 2 * withinMs;
    // A server that hangs must not make every list slow: only the first ones wait for it.
    const isWorthIt = [...this.#starting.values()].some(({ since }) => since > patience);
    if (!isWorthIt || withinMs === 0) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
