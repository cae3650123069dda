import type { Notification } from '../kernel/json-rpc.ts';
import { sizeOf } from './size.ts';

const MAX_COUNT = 100;
const MAX_CHARS = 65_536;
const PROGRESS = 'notifications/progress';

/** What a server tells of a call whose client is away: the latest of it, and of its progress the last alone. */
export class KeptMessages {
  #kept: { readonly message: Notification; readonly size: number }[] = [];
  #size = 0;

  /** Characters of JSON. */
  get size(): number {
    return this.#size;
  }

  add(message: Notification): void {
    const size = sizeOf(message);
    if (size > MAX_CHARS) return;
    if (message.method === PROGRESS) this.#remove(({ method }) => method === PROGRESS);
    this.#kept.push({ message, size });
    this.#size += size;
    while (this.#kept.length > MAX_COUNT || this.#size > MAX_CHARS) this.#remove(() => true);
  }

  /** All that is kept, oldest first; nothing is kept any more. */
  take(): Notification[] {
    const kept = this.#kept.map(({ message }) => message);
    this.#kept = [];
    this.#size = 0;
    return kept;
  }

  /** Removes the oldest that is such a one. */
  #remove(isOne: (message: Notification) => boolean): void {
    const index = this.#kept.findIndex(({ message }) => isOne(message));
    if (index === -1) return;
    this.#size -= this.#kept[index]?.size ?? 0;
    this.#kept.splice(index, 1);
  }
}
