import type { Recorded, Sink } from '../../kernel/entry.ts';
import type { Endpoint } from '../../kernel/plan.ts';
import type { TracingPlan } from '../../kernel/record-plan.ts';
import { IdPool } from './id-pool.ts';
import { postSpans } from './post-spans.ts';
import { SpanQueue, type SpanCounts } from './span-queue.ts';
import { spansOf, type SpanData, type SpanTerms } from './spans.ts';
import { isPassedOn } from './tracing.ts';

/** What sending traces needs. */
export interface TraceTerms {
  plan(): TracingPlan;
  /** Version of the product. */
  readonly version: string;
  /** So many random bytes, as twice as many hexadecimal digits in lower case. */
  newBytes(count: number): string;
  /** Where a server is; undefined when it is not configured any more. */
  endpoint(server: string): Endpoint | undefined;
  /** Takes secrets out of a text. */
  scrub(text: string): string;
  readonly log: TraceLog;
}

/** Where it says that spans are lost. */
export interface TraceLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

const SPAN_DIGITS = 16;
/** Sending ends in time by itself; this is a second bound on it. */
const GRACE_MS = 1000;
const CLOSE_MS = 3000;

/** Makes spans of the exchanges whose trace is sampled, and sends them. No call waits for that, or fails with it. */
export class TraceSink implements Sink {
  readonly #terms: TraceTerms;
  readonly #spanTerms: SpanTerms;
  readonly #queue: SpanQueue<SpanData>;

  constructor(terms: TraceTerms) {
    const ids = new IdPool((count) => terms.newBytes(count));
    this.#terms = terms;
    this.#spanTerms = {
      newSpanId: () => ids.take(SPAN_DIGITS),
      endpoint: (server) => terms.endpoint(server),
      scrub: (text) => terms.scrub(text),
    };
    this.#queue = new SpanQueue({
      maxWaiting: () => terms.plan().maxQueue,
      sendTimeoutMs: () => terms.plan().timeoutMs + GRACE_MS,
      send: (spans) => this.#send(spans),
      onFailing: (error) => this.#sayFailing(error),
      onRecovered: (lost) => terms.log.info({ lost }, 'spans are sent again'),
    });
  }

  /** Spans by what became of them since the start. */
  get counts(): SpanCounts {
    return this.#queue.counts;
  }

  /** Loads what sending needs where tracing is on, so that it is there before the first spans are due. */
  async load(): Promise<void> {
    // What goes wrong here goes wrong again when spans are sent, and is told then.
    if (this.#terms.plan().isOn) await import('./otlp.ts').catch(() => undefined);
  }

  take(recorded: Recorded): void {
    const { trace } = recorded.entry;
    if (trace === undefined || !trace.isSampled) return;
    // With tracing off, what came goes on as it is: its spans are others'.
    if (isPassedOn(trace) || !this.#terms.plan().isOn) return;
    this.#queue.add(spansOf(recorded, trace, this.#spanTerms));
  }

  /** Sends what waits, for a few seconds at most. */
  close(): Promise<void> {
    return this.#queue.close(CLOSE_MS);
  }

  async #send(spans: readonly SpanData[]): Promise<void> {
    const { createEncoder } = await import('./otlp.ts');
    const plan = this.#terms.plan();
    const encode = createEncoder(plan.serviceName, this.#terms.version);
    await postSpans(plan, encode(spans));
  }

  #sayFailing(error: unknown): void {
    const { endpoint } = this.#terms.plan();
    const receiver = URL.canParse(endpoint) ? new URL(endpoint).host : undefined;
    const why = error instanceof Error ? error.message : String(error);
    const message = `spans cannot be sent and are lost: ${this.#terms.scrub(why)}; look at tracing.endpoint and at its receiver`;
    this.#terms.log.warn({ receiver }, message);
  }
}
