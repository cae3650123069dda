const MAX_LINES = 20;

/** Says in the log what came that is no message: so many lines, for a server may send nothing else. */
export class Noise {
  readonly #log: (message: string) => void;
  #count = 0;

  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  /** Something came; only the first of them are told. */
  heard(what: string): void {
    this.#count += 1;
    if (this.#count <= MAX_LINES) this.#log(what);
    if (this.#count === MAX_LINES)
      this.#log('more of what is no message will not be told of this connection');
  }
}
