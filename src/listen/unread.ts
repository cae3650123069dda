import type { ServerResponse } from 'node:http';

import type { DoorPlan } from '../kernel/plan.ts';

/** What of the plan bounds what waits. */
export type UnreadBounds = Pick<DoorPlan, 'stalledMs' | 'maxUnreadBytes'>;

/** As much as a connection takes at once: less is on its way, more waits for its reader. */
const FREE_BYTES = 65_536;

/** What was written to clients that do not read as fast: who stops reading is cut off, and who holds most where all hold too much. */
export class Unread {
  readonly #waiting = new Map<ServerResponse, number>();
  #bounds: UnreadBounds;
  #total = 0;

  constructor(bounds: UnreadBounds) {
    this.#bounds = bounds;
  }

  /** Takes a new plan's bounds, for what is noted from now on. */
  apply(bounds: UnreadBounds): void {
    this.#bounds = bounds;
  }

  /** Whether an answer that is complete has not been taken whole. */
  get hasAnswers(): boolean {
    for (const response of this.#waiting.keys()) if (response.writableEnded) return true;
    return false;
  }

  /** Looks at what waits in a response that was just written to. */
  note(response: ServerResponse): void {
    const bytes = response.writableLength;
    if (bytes <= FREE_BYTES || response.destroyed) return;
    const before = this.#waiting.get(response);
    this.#waiting.set(response, bytes);
    this.#total += bytes - (before ?? 0);
    if (before === undefined) this.#watch(response);
    if (this.#total > this.#bounds.maxUnreadBytes) this.#cutLargest();
  }

  #watch(response: ServerResponse): void {
    const forget = (): void => {
      this.#total -= this.#waiting.get(response) ?? 0;
      this.#waiting.delete(response);
      response.off('drain', forget);
      response.off('close', forget);
      if (!response.writableEnded) response.setTimeout(0);
    };
    response.on('drain', forget);
    response.on('close', forget);
    // Begins anew with whatever the client takes, also of one large piece; its end closes the connection.
    response.setTimeout(this.#bounds.stalledMs);
  }

  #cutLargest(): void {
    let largest: ServerResponse | undefined;
    for (const [response, bytes] of this.#waiting)
      if (bytes > (this.#waiting.get(largest as ServerResponse) ?? 0)) largest = response;
    largest?.destroy();
  }
}
