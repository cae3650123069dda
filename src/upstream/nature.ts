import type { Era } from '../kernel/era.ts';
import type { UpstreamPorts } from './ports.ts';

/** What a nature needs. */
export interface NatureTerms {
  readonly fingerprint: string;
  /** How long a legacy verdict holds, in milliseconds. */
  readonly maxAgeMs: number;
  readonly ports: Pick<UpstreamPorts, 'now' | 'recallVerdict' | 'rememberVerdict'>;
}

/** What was found out about a server and is kept across restarts: its era, with the date, and whether it asks its clients. */
export class Nature {
  readonly #terms: NatureTerms;
  #era: Era | undefined;
  #at: number | undefined;
  #isInteractive = false;
  #isProbeCostly = false;
  /** Whether its era was found out by this process. */
  #isFresh = false;

  constructor(terms: NatureTerms) {
    this.#terms = terms;
  }

  get era(): Era | undefined {
    return this.#era;
  }

  /** When its era was found out or confirmed, in milliseconds since the epoch. */
  get since(): number | undefined {
    return this.#at;
  }

  get isInteractive(): boolean {
    return this.#isInteractive;
  }

  /**
   * Whether the next opening is to ask for the era: a server that was legacy may have become modern, which it is found out
   * of when the gateway was restarted and when the verdict is old. Where asking costs a process, its age alone counts.
   */
  get isToBeProbed(): boolean {
    if (this.#era !== 'legacy' || this.#at === undefined) return true;
    const age = this.#terms.ports.now() - this.#at;
    // A clock that was set back must not make a verdict hold for ever.
    if (age >= this.#terms.maxAgeMs || age < 0) return true;
    return !this.#isFresh && !this.#isProbeCostly;
  }

  /** Whether asking for the era costs: it ended the process, or was met with silence. */
  get isProbeCostly(): boolean {
    return this.#isProbeCostly;
  }

  /** Takes what was known when a server with this configuration last ran. */
  recall(): void {
    const verdict = this.#terms.ports.recallVerdict(this.#terms.fingerprint);
    this.#era = verdict?.era;
    this.#at = verdict?.at;
    this.#isInteractive = verdict?.isInteractive ?? false;
    this.#isProbeCostly = verdict?.isProbeCostly ?? false;
  }

  /** The server was asked, and has shown its era. */
  found(era: Era, isProbeCostly: boolean): void {
    this.#era = era;
    this.#at = this.#terms.ports.now();
    this.#isProbeCostly = era === 'legacy' && isProbeCostly;
    this.#isFresh = true;
    this.#remember();
  }

  setInteractive(): void {
    this.#isInteractive = true;
    this.#remember();
  }

  #remember(): void {
    if (this.#era === undefined || this.#at === undefined) return;
    this.#terms.ports.rememberVerdict(this.#terms.fingerprint, {
      era: this.#era,
      isInteractive: this.#isInteractive,
      at: this.#at,
      ...(this.#isProbeCostly ? { isProbeCostly: true } : {}),
    });
  }
}
