import type { Link } from './link.ts';
import { OpenFailure } from './wire.ts';

/** What is needed of a link whose access is in doubt. */
type Doubted = Pick<Link, 'inFlight' | 'isOpen' | 'housekeeping' | 'close'>;

/**
 * Finds out, when a server refuses access in the middle of its link's life, whether that was about one call or about the
 * gateway: then the link is closed as soon as no call is in flight on it, and opening another one shows the credentials bad.
 */
export class AccessDoubt {
  readonly #link: Doubted;
  readonly #method: string;
  #isAsking = false;

  constructor(link: Doubted, method: 'ping' | 'server/discover') {
    this.#link = link;
    this.#method = method;
  }

  /** The server has refused access to something; it may take so many milliseconds to say more. */
  arose(timeoutMs: number): void {
    if (!this.#isAsking && this.#link.isOpen) void this.#ask(timeoutMs);
  }

  async #ask(timeoutMs: number): Promise<void> {
    this.#isAsking = true;
    try {
      await this.#link.housekeeping(this.#method, {}, timeoutMs);
    } catch (error) {
      const { kind, message } = OpenFailure.of(error).failure;
      if (kind === 'unauthorized' && this.#link.inFlight === 0) await this.#link.close(message);
    } finally {
      this.#isAsking = false;
    }
  }
}
