import type { Era } from '../kernel/era.ts';
import type { UpstreamPorts } from './ports.ts';

/** What was found out about a server and stays true across restarts: its era, and whether it asks its clients. */
export class Nature {
  readonly #fingerprint: string;
  readonly #ports: UpstreamPorts;
  #era: Era | undefined;
  #isInteractive = false;

  constructor(fingerprint: string, ports: UpstreamPorts) {
    this.#fingerprint = fingerprint;
    this.#ports = ports;
  }

  get era(): Era | undefined {
    return this.#era;
  }

  get isInteractive(): boolean {
    return this.#isInteractive;
  }

  /** Takes what was known when a server with this configuration last ran. */
  recall(): void {
    const verdict = this.#ports.recallVerdict(this.#fingerprint);
    this.#era = verdict?.era;
    this.#isInteractive = verdict?.isInteractive ?? false;
  }

  setEra(era: Era): void {
    if (this.#era === era) return;
    this.#era = era;
    this.#remember();
  }

  setInteractive(): void {
    this.#isInteractive = true;
    this.#remember();
  }

  #remember(): void {
    if (this.#era === undefined) return;
    this.#ports.rememberVerdict(this.#fingerprint, {
      era: this.#era,
      isInteractive: this.#isInteractive,
      at: this.#ports.now(),
    });
  }
}
