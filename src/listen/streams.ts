import type { Plan } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { HttpExchange } from './http-exchange.ts';
import { SseWriter } from './sse-writer.ts';
import type { Traffic } from './traffic.ts';
import type { Unread } from './unread.ts';

/** What streams need. */
export interface StreamTerms {
  readonly traffic: Traffic;
  readonly unread: Unread;
  plan(): Plan;
}

/** Clients that are all told to come back are told so many different moments. */
const MOMENTS = 20;

/** The event streams of a listener. Those that stay open without a request that waits for them are bounded, and end with it. */
export class Streams {
  readonly #terms: StreamTerms;
  readonly #ends = new Set<(farewell: string) => void>();
  readonly #perPrincipal = new Map<string, number>();

  constructor(terms: StreamTerms) {
    this.#terms = terms;
  }

  get traffic(): Traffic {
    return this.#terms.traffic;
  }

  /** Makes the answer to a request an event stream; its events have ids where a prefix is given. */
  write(http: HttpExchange, headers = http.headers, idPrefix?: string): SseWriter {
    const { sse } = this.#terms.plan();
    const terms = {
      keepAliveMs: sse.keepAliveMs,
      maxBehindBytes: sse.maxStoredBytes,
      unread: this.#terms.unread,
    };
    return new SseWriter(http.response, terms, headers, idPrefix);
  }

  /**
   * A place for a stream that stays open; call the result when it is closed. `end` is called when the gateway ends, with what
   * tells the client when to come back. Throws OVERLOADED, or LIMITED where the caller alone has too many.
   */
  enter({ key }: Principal, end: (farewell: string) => void): () => void {
    const { maxStreams, maxStreamsPerPrincipal } = this.#terms.plan().sse;
    if (this.#ends.size >= maxStreams) throw new Refusal('OVERLOADED', TOO_MANY);
    const held = this.#perPrincipal.get(key) ?? 0;
    if (held >= maxStreamsPerPrincipal) throw new Refusal('LIMITED', TOO_MANY_OF_ONE);
    this.#perPrincipal.set(key, held + 1);
    this.#ends.add(end);
    return () => {
      if (!this.#ends.delete(end)) return;
      const left = (this.#perPrincipal.get(key) ?? 0) - 1;
      if (left > 0) this.#perPrincipal.set(key, left);
      else this.#perPrincipal.delete(key);
    };
  }

  /** Ends them all. */
  close(): void {
    const { retryMs } = this.#terms.plan().sse;
    let index = 0;
    for (const end of [...this.#ends]) {
      end(`retry: ${retryMs + Math.round((retryMs * (index % MOMENTS)) / MOMENTS)}\n\n`);
      index += 1;
    }
  }
}

const TOO_MANY = 'As many streams are open as this gateway allows (sse.maxStreams).';
const TOO_MANY_OF_ONE =
  'This caller has as many streams open as it may have (sse.maxStreamsPerPrincipal).';
