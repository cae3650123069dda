import type { UpstreamPhase, UpstreamState } from '../../kernel/inventory.ts';

/** A server that was up, how long it was, in seconds, and what ended it: empty where somebody wanted it to end. */
type OnEnded = (state: UpstreamState, seconds: number, error: string) => void;

interface Up {
  readonly state: UpstreamState;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

const UP: ReadonlySet<UpstreamPhase> = new Set(['ready', 'degraded']);

/** How long the connections to servers were up, from the states they go through. */
export class LinkTimes {
  readonly #onEnded: OnEnded;
  readonly #up = new Map<string, Up>();

  constructor(onEnded: OnEnded) {
    this.#onEnded = onEnded;
  }

  note(state: UpstreamState): void {
    const before = this.#up.get(state.name);
    const since = Date.parse(state.since);
    if (UP.has(state.phase)) {
      this.#up.set(state.name, { state, since: before?.since ?? since });
    } else if (before !== undefined) {
      this.#up.delete(state.name);
      const error = state.phase === 'stopped' ? '' : 'lost';
      this.#onEnded(before.state, Math.max(0, since - before.since) / 1000, error);
    }
  }
}
