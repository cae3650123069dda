import type { HttpExportPlan } from '../../kernel/record-plan.ts';
import { ExportQueue, type ExportCounts } from './export-queue.ts';

const MAX_QUEUE_BYTES = 8 * 1024 * 1024;
const MAX_LINES = 500;
const MAX_BODY_BYTES = 1024 * 1024;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;
/** Answers after which the same lines may yet be taken. */
const PASSING = new Set([408, 425, 429]);

/**
 * Sends lines on by HTTP: `POST` with `application/x-ndjson`, one line of the audit a line, in order and at least once. What
 * cannot be sent is tried again, ever more slowly; what is answered with another 4xx is dropped and counted.
 */
export class HttpExport {
  readonly #plan: HttpExportPlan;
  readonly #onError: (error: unknown) => void;
  readonly #queue = new ExportQueue(MAX_QUEUE_BYTES);
  readonly #end = new AbortController();
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isClosed = false;

  /** `onError` takes the first failure of a row of them, without the headers. */
  constructor(plan: HttpExportPlan, onError: (error: unknown) => void) {
    this.#plan = plan;
    this.#onError = onError;
  }

  counts(): ExportCounts {
    return this.#queue.counts();
  }

  /** Takes lines; never waits. */
  take(lines: readonly string[]): void {
    for (const line of lines) this.#queue.push(line);
    if (this.#failures === 0) this.#start();
  }

  /** Sends what waits, once more where that failed before, within so many milliseconds. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const timer = setTimeout(() => this.#end.abort(), withinMs);
    await this.#sending;
    this.#failures = 0;
    this.#start();
    await this.#sending;
    clearTimeout(timer);
    this.#queue.done(this.#queue.length, 'dropped');
  }

  #start(): void {
    this.#sending ??= this.#send().then(() => {
      this.#sending = undefined;
    });
  }

  async #send(): Promise<void> {
    while (this.#queue.length > 0 && !this.#end.signal.aborted) {
      const lines = this.#queue.peek(MAX_LINES, MAX_BODY_BYTES);
      const outcome = await this.#post(lines);
      if (outcome === 'failed') {
        this.#retryLater();
        return;
      }
      this.#failures = 0;
      this.#queue.done(lines.length, outcome);
    }
  }

  async #post(lines: readonly string[]): Promise<'sent' | 'dropped' | 'failed'> {
    const { url, headers, timeoutMs } = this.#plan;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-ndjson' },
        body: `${lines.join('\n')}\n`,
        // Elsewhere nobody has asked for these lines.
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#end.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return 'sent';
      const isPassing = response.status >= 500 || PASSING.has(response.status);
      this.#tell(
        `answered ${response.status}${isPassing ? '' : `; ${lines.length} lines dropped`}`,
      );
      return isPassing ? 'failed' : 'dropped';
    } catch (error) {
      this.#tell(reasonOf(error));
      return 'failed';
    }
  }

  #tell(why: string): void {
    if (this.#failures > 0) return;
    this.#onError(
      new Error(`The audit cannot be sent to ${new URL(this.#plan.url).origin}: ${why}`),
    );
  }

  #retryLater(): void {
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures);
    this.#failures += 1;
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#start(), waitMs).unref();
  }
}

/** What a failed request says of itself is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
