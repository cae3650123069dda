import { isIP } from 'node:net';

import { BoundedMap } from './bounded-map.ts';

const WINDOW_MS = 60_000;
const FAILURES = 10;
const PACE_MS = 1000;
const MAX_ADDRESSES = 10_000;

interface Culprit {
  /** The latest failures, oldest first. */
  readonly failedAt: number[];
  /** When the next attempt is let through while there are too many of them. */
  nextAt: number;
}

/**
 * Slows down whoever tries credentials: after ten wrong ones within a minute from one address, one more is looked at each
 * second. IPv6 addresses count by their first 64 bits, which is what one customer has.
 */
export class SlowList {
  readonly #now: () => number;
  readonly #culprits = new BoundedMap<string, Culprit>(MAX_ADDRESSES);

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Seconds this address is to wait, at least 1; undefined when its next credential is looked at. */
  waitSec(address: string | undefined): number | undefined {
    const culprit = this.#culprits.get(sourceOf(address));
    if (culprit === undefined) return undefined;
    const now = this.#now();
    const isSlowed = culprit.failedAt.filter((at) => isWithin(now, at)).length >= FAILURES;
    if (!isSlowed) return undefined;
    const waitMs = culprit.nextAt - now;
    // A clock that was set back must not lock anybody out.
    if (waitMs > 0 && waitMs <= PACE_MS) return Math.ceil(waitMs / 1000);
    culprit.nextAt = now + PACE_MS;
    return undefined;
  }

  /** Counts a wrong credential. */
  failed(address: string | undefined): void {
    const source = sourceOf(address);
    const culprit = this.#culprits.get(source) ?? { failedAt: [], nextAt: 0 };
    const now = this.#now();
    culprit.failedAt.push(now);
    if (culprit.failedAt.length > FAILURES) culprit.failedAt.shift();
    culprit.nextAt = now + PACE_MS;
    this.#culprits.set(source, culprit);
  }
}

function isWithin(now: number, at: number): boolean {
  return at <= now && now - at < WINDOW_MS;
}

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** What counts as one address. */
export function sourceOf(address = ''): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return isIP(address) === 6 ? networkOf(address) : address;
}

/** The first four groups of an IPv6 address, written in one way only. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array<string>(Math.max(gap, 0)).fill('0'), ...last];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
