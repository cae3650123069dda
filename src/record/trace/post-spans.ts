import type { TracingPlan } from '../../kernel/record-plan.ts';

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5000;
const SECOND_MS = 1000;
/** Answers after which the same request may be sent again (OTLP, "Retryable Response Codes"). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Sends an OTLP request to the receiver of a plan, again and again while it is out of reach or overloaded, within
 * `timeoutMs` in all. Rejects with why it was not taken. Sends the headers of the plan and no others: the exporters of
 * OpenTelemetry add those of the environment, which may be meant for somebody else.
 */
export async function postSpans(plan: TracingPlan, body: Uint8Array): Promise<void> {
  const deadline = performance.now() + plan.timeoutMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    const failure = await attempt(plan, body, deadline - performance.now());
    if (failure === undefined) return;
    const { why, isFinal, retryAfterMs = pause } = failure;
    if (isFinal || performance.now() + retryAfterMs >= deadline) throw new Error(why);
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs).unref());
  }
}

/** Why it was not taken, and whether it is of no use to try again. */
interface Failure {
  readonly why: string;
  readonly isFinal: boolean;
  readonly retryAfterMs?: number | undefined;
}

async function attempt(
  { endpoint, headers }: TracingPlan,
  body: Uint8Array,
  withinMs: number,
): Promise<Failure | undefined> {
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-protobuf' },
      body,
      // The headers are for this receiver alone.
      redirect: 'manual',
      signal: AbortSignal.timeout(Math.max(1, Math.ceil(withinMs))),
    });
    await response.body?.cancel();
    return response.ok ? undefined : failureOf(response);
  } catch (error) {
    return { why: reasonOf(error), isFinal: false };
  }
}

function failureOf({ status, headers }: Response): Failure {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return {
    why: `it answered with HTTP status ${status}`,
    isFinal: !RETRYABLE.has(status),
    retryAfterMs: Number.isFinite(seconds) ? seconds * SECOND_MS : undefined,
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause as { readonly code?: string; readonly message?: string } | undefined;
  return cause?.code ?? (cause?.message || error.message);
}
