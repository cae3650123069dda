import { Cancelled } from '../kernel/answer.ts';
import type { Cancellation } from '../kernel/exchange.ts';
import type { UpstreamPhase } from '../kernel/inventory.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Link } from './link.ts';
import type { WireFailure } from './wire.ts';

/** What can be wrong with a server that is up. */
export type Complaint = 'lists' | 'names' | 'pings' | 'calls';

/** What a standing needs. */
export interface StandingTerms {
  readonly name: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Takes secrets out of a text. */
  scrub(text: string): string;
  onChange(): void;
}

/** The phase of one upstream, since when and why, and the calls that wait for it to come up. */
export class Standing {
  readonly #terms: StandingTerms;
  #phase: UpstreamPhase = 'starting';
  #reason: string | undefined;
  #detail: string | undefined;
  readonly #complaints = new Map<Complaint, string>();
  #since: number;
  #ups = 0;
  readonly #waiters = new Set<(outcome: Link | Error) => void>();

  constructor(terms: StandingTerms) {
    this.#terms = terms;
    this.#since = terms.now();
  }

  get phase(): UpstreamPhase {
    return this.#phase;
  }

  /** Why, with what only an operator may read. */
  get reason(): string | undefined {
    return this.#detail === undefined ? this.#reason : `${this.#reason}; ${this.#detail}`;
  }

  /** Notes that something is not as it should be though the server is up; undefined takes that back. */
  complain(about: Complaint, reason: string | undefined): void {
    if (reason === undefined) this.#complaints.delete(about);
    else this.#complaints.set(about, reason);
    if (this.#phase === 'ready' || this.#phase === 'degraded') this.well();
  }

  /** The server is up, and all is well but for the complaints. */
  well(): void {
    if (this.#complaints.size === 0) this.set('ready', undefined);
    else this.set('degraded', [...this.#complaints.values()].join('; '));
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

  /** Enters a phase. The reason is told to clients too, the detail is not. Calls that wait are refused where nothing is to be waited for. */
  set(phase: UpstreamPhase, why: string | undefined, more?: string): void {
    const reason = why === undefined ? undefined : this.#terms.scrub(why);
    const detail = more === undefined ? undefined : this.#terms.scrub(more);
    if (this.#phase === phase && this.#reason === reason && this.#detail === detail) return;
    if (this.#phase !== phase) this.#since = this.#terms.now();
    this.#phase = phase;
    this.#reason = reason;
    this.#detail = detail;
    if (phase !== 'starting' && phase !== 'ready' && phase !== 'degraded') this.#refuseAll();
    this.#terms.onChange();
  }

  /** A link is open: whoever waits may go on. */
  up(link: Link): void {
    this.#ups += 1;
    for (const settle of [...this.#waiters]) settle(link);
  }

  /** The link is gone, or there was none: what that means, and what an operator can do about it. */
  down({ kind, message, detail }: WireFailure, isTransient: boolean): void {
    if (kind === 'unauthorized') {
      const remedy = 'set its credentials under "headers" of this server';
      this.set('pending-auth', `${message}: ${remedy}`);
    } else if (isTransient) {
      this.set('starting', `is being restarted: it ${message}`, detail);
    } else {
      this.set('failed', message, detail);
    }
  }

  /** Waits for an open link; rejects with UPSTREAM_UNAVAILABLE when there will be none in time, with Cancelled when cancelled. */
  whenUp(withinMs: number, link: () => Link | undefined, signal?: Cancellation): Promise<Link> {
    const present = link();
    if (present !== undefined) return Promise.resolve(present);
    return new Promise((resolve, reject) => {
      if (this.#phase !== 'starting' && this.#phase !== 'ready' && this.#phase !== 'degraded') {
        reject(this.#refusal());
        return;
      }
      const settle = (outcome: Link | Error): void => {
        this.#waiters.delete(settle);
        clearTimeout(timer);
        signal?.listen(undefined);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const timer = setTimeout(() => settle(this.#refusal()), withinMs);
      this.#waiters.add(settle);
      signal?.listen((reason) => settle(new Cancelled(reason)));
    });
  }

  #refuseAll(): void {
    for (const settle of [...this.#waiters]) settle(this.#refusal());
  }

  #refusal(): Refusal {
    const why = this.#reason === undefined ? '' : `: ${this.#reason}`;
    return new Refusal(
      'UPSTREAM_UNAVAILABLE',
      `Server "${this.#terms.name}" is ${this.#phase}${why}.`,
      {
        state: this.#phase,
      },
    );
  }
}
