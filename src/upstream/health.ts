import { RemoteError } from '../kernel/answer.ts';
import type { UpstreamLimits } from '../kernel/plan.ts';
import type { Link } from './link.ts';

const MAX_MISSES = 3;

/** Pings a silent link, says when it no longer answers, and closes it when that lasts and no call would be lost. */
export class Health {
  readonly #limits: UpstreamLimits;
  readonly #onChange: (isWell: boolean) => void;
  #timer: NodeJS.Timeout | undefined;
  #misses = 0;
  #isAsking = false;

  constructor(limits: UpstreamLimits, onChange: (isWell: boolean) => void) {
    this.#limits = limits;
    this.#onChange = onChange;
  }

  /** Watches this link from now on. */
  watch(link: Link): void {
    this.stop();
    this.#misses = 0;
    this.#isAsking = false;
    if (this.#limits.pingIntervalMs === 0) return;
    this.#timer = setInterval(() => void this.#check(link), this.#limits.pingIntervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #check(link: Link): Promise<void> {
    const wasHeard = performance.now() - link.heardAt < this.#limits.pingIntervalMs;
    if (this.#isAsking || (wasHeard && this.#misses === 0)) return;
    this.#isAsking = true;
    const isWell = await answersPing(link, this.#limits.pingTimeoutMs);
    this.#isAsking = false;
    if (link.isOpen) await this.#note(link, isWell);
  }

  async #note(link: Link, isWell: boolean): Promise<void> {
    if (isWell && this.#misses > 0) this.#onChange(true);
    if (!isWell && this.#misses === 0) this.#onChange(false);
    this.#misses = isWell ? 0 : this.#misses + 1;
    // A busy server may be too busy to answer pings: its calls have time-outs of their own.
    if (this.#misses >= MAX_MISSES && link.inFlight === 0)
      await link.close('does not answer pings');
  }
}

/** Whether a server answers a health check, with whatever it may be. */
export async function answersPing(link: Link, timeoutMs: number): Promise<boolean> {
  const method = link.facts.era === 'modern' ? 'server/discover' : 'ping';
  try {
    await link.housekeeping(method, {}, timeoutMs);
    return true;
  } catch (error) {
    return error instanceof RemoteError;
  }
}
