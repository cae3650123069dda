import { once } from 'node:events';
import type { Subject } from './subject.ts';

/** What a gateway with a probe holds once its garbage is collected, in bytes. */
export interface Memory {
  /** Objects and buffers, on and off the heap. */
  readonly live: number;
  readonly resident: number;
}

/** Asks a gateway that was started with `hasProbe`. */
export async function memoryOf({ child }: Subject): Promise<Memory> {
  if (child === undefined) throw new Error('no process to ask');
  const answered = once(child, 'message', { signal: AbortSignal.timeout(20_000) });
  child.send('memory');
  const [usage] = (await answered) as [NodeJS.MemoryUsage];
  return { live: usage.heapUsed + usage.external, resident: usage.rss };
}
