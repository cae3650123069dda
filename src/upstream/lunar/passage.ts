import type { FetchSink, Fetching } from '../connectors/http-fetch.ts';
import type { WireFailure } from '../wire.ts';
import { proxyError } from './proxy-error.ts';

/** The two ways of a passage, and who is told how the first one went. */
export interface PassageTerms {
  readonly sink: FetchSink;
  /** Sends the request through the Lunar Gateway. */
  proxied(sink: FetchSink): Fetching;
  /** Sends it directly. */
  direct(why: string): Fetching;
  onArrived(): void;
  onAnswered(): void;
  /** The Lunar Gateway did not pass it on; it goes directly now. */
  onFailed(isAboutAll: boolean, why: string): void;
  /** It ended without saying anything about the Lunar Gateway. */
  onUseless(): void;
}

/** `proxied`: under way. `answered`: the server's answer comes. `left`: what still comes this way is of no interest. */
type Phase = 'proxied' | 'answered' | 'left';

/** One request through the Lunar Gateway, and once more directly where that cannot have reached the server (docs/rules.md R26). */
export class Passage implements Fetching {
  readonly #terms: PassageTerms;
  #fetching: Fetching | undefined;
  #phase: Phase = 'proxied';
  #hasArrived = false;
  #isAborted = false;

  constructor(terms: PassageTerms) {
    this.#terms = terms;
    const { sink } = terms;
    const proxied = terms.proxied({
      onStart: () => {
        this.#hasArrived = true;
        terms.onArrived();
      },
      onHeaders: (...args) => this.#onHeaders(...args),
      onMessage: (message) => sink.onMessage?.(message),
      onEvent: (name, data) => sink.onEvent?.(name, data),
      onId: (id) => sink.onId?.(id),
      onRetry: (ms) => sink.onRetry?.(ms),
      onNoise: (what) => sink.onNoise?.(what),
      onEnd: (failure) => this.#onEnd(failure),
    });
    // What failed at once is on its other way already.
    this.#fetching ??= proxied;
  }

  abort(): void {
    this.#isAborted = true;
    this.#fetching?.abort();
  }

  giveWay(): void {
    this.#fetching?.giveWay?.();
  }

  answered(): void {
    this.#fetching?.answered?.();
  }

  #onHeaders(...[status, headers]: Parameters<NonNullable<FetchSink['onHeaders']>>): void {
    if (this.#phase !== 'proxied') return;
    const error = proxyError(status, headers);
    if (error === undefined) {
      this.#phase = 'answered';
      this.#terms.onAnswered();
      this.#terms.sink.onHeaders?.(status, headers);
    } else {
      this.#phase = 'left';
      this.#fetching?.abort();
      if (error.kind === 'unsent') this.#goDirectly(error.isAboutAll, `says error ${error.code}`);
      else this.#giveUp(error.failure);
    }
  }

  #onEnd(failure: WireFailure | undefined): void {
    const phase = this.#phase;
    this.#phase = 'left';
    if (phase === 'answered') this.#terms.sink.onEnd(failure);
    if (phase !== 'proxied') return;
    // Once it was begun to be written, nobody can say how far it got.
    if (this.#hasArrived || this.#isAborted) this.#giveUp(failure);
    else this.#goDirectly(true, failure?.message ?? 'cannot be reached');
  }

  #goDirectly(isAboutAll: boolean, why: string): void {
    this.#terms.onFailed(isAboutAll, why);
    this.#fetching = this.#terms.direct(why);
  }

  #giveUp(failure: WireFailure | undefined): void {
    this.#terms.onUseless();
    this.#terms.sink.onEnd(failure);
  }
}
