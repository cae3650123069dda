import type { UpstreamPhase } from '../kernel/inventory.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Link } from './link.ts';

interface Waiter {
  readonly resolve: (link: Link) => void;
  readonly reject: (error: Refusal) => void;
  readonly timer: NodeJS.Timeout;
}

/** The phase of one upstream, since when and why, and the calls that wait for it to come up. */
export class Standing {
  readonly #name: string;
  readonly #clock: { now(): number };
  readonly #onChange: () => void;
  #phase: UpstreamPhase = 'starting';
  #reason: string | undefined;
  #since: number;
  #ups = 0;
  #waiters: Waiter[] = [];

  constructor(name: string, clock: { now(): number }, onChange: () => void) {
    this.#name = name;
    this.#clock = clock;
    this.#since = clock.now();
    this.#onChange = onChange;
  }

  get phase(): UpstreamPhase {
    return this.#phase;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  get wasUp(): boolean {
    return this.#ups > 0;
  }

  /** How often it came up again. */
  get restarts(): number {
    return Math.max(0, this.#ups - 1);
  }

  /** When the phase began, in milliseconds since the epoch. */
  get since(): number {
    return this.#since;
  }

  /** Enters a phase; calls that wait are refused where nothing is to be waited for. */
  set(phase: UpstreamPhase, reason: string | undefined): void {
    if (this.#phase === phase && this.#reason === reason) return;
    if (this.#phase !== phase) this.#since = this.#clock.now();
    this.#phase = phase;
    this.#reason = reason;
    if (phase !== 'starting' && phase !== 'ready' && phase !== 'degraded') this.#refuseAll();
    this.#onChange();
  }

  /** A link is open: whoever waits may go on. */
  up(link: Link): void {
    this.#ups += 1;
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.resolve(link);
    }
  }

  /** Waits for an open link; rejects with UPSTREAM_UNAVAILABLE when there will be none in time. */
  whenUp(withinMs: number, link: () => Link | undefined): Promise<Link> {
    const present = link();
    if (present !== undefined) return Promise.resolve(present);
    return new Promise((resolve, reject) => {
      if (this.#phase !== 'starting' && this.#phase !== 'ready' && this.#phase !== 'degraded') {
        reject(this.#refusal());
        return;
      }
      const waiter: Waiter = {
        resolve,
        reject,
        timer: setTimeout(() => {
          this.#waiters = this.#waiters.filter((each) => each !== waiter);
          reject(this.#refusal());
        }, withinMs),
      };
      this.#waiters.push(waiter);
    });
  }

  #refuseAll(): void {
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(this.#refusal());
    }
  }

  #refusal(): Refusal {
    const why = this.#reason === undefined ? '' : `: ${this.#reason}`;
    return new Refusal('UPSTREAM_UNAVAILABLE', `Server "${this.#name}" is ${this.#phase}${why}.`, {
      state: this.#phase,
    });
  }
}
