const PREFIX_CHARS = 8;
const RADIX = 36;

/** Ids of exchanges: unique among all runs by what the run is called, within one by counting. */
export class ExchangeIds {
  readonly #run: string;
  #last = 0;

  /** Takes what nobody else is called. */
  constructor(run: string) {
    this.#run = run.slice(0, PREFIX_CHARS);
  }

  next(): string {
    this.#last += 1;
    return `${this.#run}-${this.#last.toString(RADIX)}`;
  }
}
