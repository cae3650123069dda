/** How a caller was proven. */
export type Proof = 'local' | 'api-key' | 'token';

/** Who is calling now, proven. Only identity makes one; the private field keeps any other object from passing as one. */
export class Principal {
  /** Stable key of this caller, used to bind sessions and sealed state to it. */
  readonly key: string;
  readonly proof: Proof;
  readonly consumer: string | undefined;
  readonly #proven = true;

  private constructor(key: string, proof: Proof, consumer: string | undefined) {
    this.key = key;
    this.proof = proof;
    this.consumer = consumer;
  }

  /** For identity alone: the result of a verified credential. */
  static prove(key: string, proof: Proof, consumer?: string): Principal {
    return new Principal(key, proof, consumer);
  }

  /** Whether both are the same caller. */
  is(other: Principal): boolean {
    return this.#proven && other.#proven && this.key === other.key;
  }
}
