import { getHeapStatistics } from 'node:v8';

import type { DoorPlan } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';

/** What of the plan bounds the traffic. */
export type TrafficBounds = Pick<DoorPlan, 'maxInFlight' | 'maxInFlightBytes'>;

/** While it is read, parsed and passed on, a body is held some times over: this part of the heap at most may be bodies. */
const HEAP_SHARE = 1 / 16;
const MAX_BYTES = getHeapStatistics().heap_size_limit * HEAP_SHARE;

/** Requests under way on one listener, and the bytes of their bodies: counted, bounded, and stopped when the gateway ends. */
export class Traffic {
  #bounds: TrafficBounds;
  #inFlight = 0;
  #bytes = 0;
  #isClosing = false;

  constructor(bounds: TrafficBounds) {
    this.#bounds = bounds;
  }

  /** Takes a new plan's bounds; what is under way goes on. */
  apply(bounds: TrafficBounds): void {
    this.#bounds = bounds;
  }

  /** What the plan allows, unless this process has not the memory for it. */
  get #maxBytes(): number {
    return Math.min(this.#bounds.maxInFlightBytes, MAX_BYTES);
  }

  /** Requests that are being answered. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** From now on no request is admitted. */
  close(): void {
    this.#isClosing = true;
  }

  /** Whether one more request would be admitted. */
  get hasRoom(): boolean {
    return (
      !this.#isClosing && this.#inFlight < this.#bounds.maxInFlight && this.#bytes < this.#maxBytes
    );
  }

  /** Throws SHUTTING_DOWN or OVERLOADED where one more request cannot be taken. */
  admit(): void {
    if (this.hasRoom) return;
    if (this.#isClosing) throw new Refusal('SHUTTING_DOWN');
    throw new Refusal('OVERLOADED');
  }

  /** One more request is being answered until `end`. Throws as `admit`. */
  begin(): void {
    this.admit();
    this.#inFlight += 1;
  }

  end(): void {
    this.#inFlight -= 1;
  }

  /** Holds so many bytes more until `release`. Throws OVERLOADED, and holds none of them, where they are too many. */
  hold(bytes: number): void {
    if (this.#bytes + bytes > this.#maxBytes) throw new Refusal('OVERLOADED');
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}
