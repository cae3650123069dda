import { Transients } from '../../kernel/transients.ts';

/** What may be left open by a server though nothing that comes of it matters. */
export interface Lingerer {
  /** Ends it. */
  expire(): void;
}

const LINGER_MS = 2000;

/**
 * Responses of which no more is needed and that their server has not ended yet. Each may go on for a moment, so that its
 * connection can be used again; one that goes on for longer than LINGER_MS is ended within twice that time.
 */
export class Lingering {
  #young = new Transients<number, Lingerer>();
  #old = new Transients<number, Lingerer>();
  #isTimed = false;
  #lastKey = 0;

  /** Keeps an eye on a response; returns the key by which to say that it has ended. */
  keep(lingerer: Lingerer): number {
    this.#lastKey += 1;
    this.#young.set(this.#lastKey, lingerer);
    this.#time();
    return this.#lastKey;
  }

  /** It has ended by itself. */
  gone(key: number): void {
    if (!this.#young.delete(key)) this.#old.delete(key);
  }

  #sweep(): void {
    const expired = this.#old;
    this.#old = this.#young;
    this.#young = new Transients();
    this.#isTimed = false;
    for (const lingerer of expired.values()) lingerer.expire();
    if (this.#old.size > 0) this.#time();
  }

  #time(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    setTimeout(() => this.#sweep(), LINGER_MS).unref();
  }
}
