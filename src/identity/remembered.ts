/** How long an answer is kept, in milliseconds. */
export interface RememberedTerms {
  now(): number;
  readonly answerMs: number;
  readonly failureMs: number;
}

interface Memory<T> {
  readonly answer: Promise<T>;
  readonly since: number;
  readonly forMs: number;
}

/** Asks a slow question once at a time, and keeps the answer for a while; a failure too, so that nobody can make it ask without end. */
export class Remembered<T> {
  readonly #ask: () => Promise<T>;
  readonly #terms: RememberedTerms;
  #asking: Promise<T> | undefined;
  #memory: Memory<T> | undefined;

  constructor(ask: () => Promise<T>, terms: RememberedTerms) {
    this.#ask = ask;
    this.#terms = terms;
  }

  get(): Promise<T> {
    const memory = this.#memory;
    const age = this.#terms.now() - (memory?.since ?? 0);
    if (memory !== undefined && age >= 0 && age < memory.forMs) return memory.answer;
    this.#asking ??= this.#askOnce();
    return this.#asking;
  }

  #askOnce(): Promise<T> {
    const answer = this.#ask();
    const keep = (forMs: number): void => {
      this.#asking = undefined;
      this.#memory = { answer, since: this.#terms.now(), forMs };
    };
    answer.then(
      () => keep(this.#terms.answerMs),
      () => keep(this.#terms.failureMs),
    );
    return answer;
  }
}
