import { descendantsOf, openHandles, residentMebibytes } from '../support/processes.ts';
import type { Inspector } from '../support/processes-inspector.ts';
import { KEY } from './inspect.ts';
import type { Scene } from './scene.ts';

/** What a gateway holds at one moment. */
export interface Remains {
  readonly minute: number;
  readonly heapMebibytes: number;
  readonly residentMebibytes: number;
  readonly handles: number;
  readonly processes: number;
  readonly sessions: number;
  readonly streams: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly storedBytes: number;
}

/** Looks into a gateway; what can be collected is collected first. */
export async function remainsOf(
  { port, pid }: Scene,
  inspector: Inspector,
  minute: number,
): Promise<Remains> {
  const heap = await inspector.heapBytes();
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { 'x-lunar-api-key': KEY, 'x-forwarded-for': '192.0.2.1' },
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  return {
    minute: rounded(minute),
    heapMebibytes: rounded(heap / 2 ** 20),
    residentMebibytes: rounded(residentMebibytes(pid)),
    handles: openHandles(pid),
    processes: descendantsOf(pid).filter(({ state }) => state !== 'Z').length,
    sessions: sumOf(text, 'mcpx_sessions'),
    streams: sumOf(text, 'mcpx_streams'),
    inFlight: sumOf(text, 'mcpx_upstream_in_flight'),
    queued: sumOf(text, 'mcpx_upstream_queued'),
    storedBytes: sumOf(text, 'mcpx_event_store_bytes'),
  };
}

/** MiB of heap per minute, by the least-squares line through the second half of the samples. */
export function slopeOf(samples: readonly Remains[]): number {
  const half = samples.slice(Math.floor(samples.length / 2));
  if (half.length < 3) return 0;
  const mean = (of: (sample: Remains) => number): number =>
    half.reduce((sum, sample) => sum + of(sample), 0) / half.length;
  const [x, y] = [mean(({ minute }) => minute), mean(({ heapMebibytes }) => heapMebibytes)];
  const over = half.reduce((sum, one) => sum + (one.minute - x) * (one.heapMebibytes - y), 0);
  const under = half.reduce((sum, one) => sum + (one.minute - x) ** 2, 0);
  return under === 0 ? 0 : rounded(over / under);
}

/** What is held at the end that was not at the beginning, beyond what caches and pools may keep. */
export function leaksBetween(before: Remains, after: Remains): string[] {
  const bounds: readonly (readonly [keyof Remains, number])[] = [
    ['heapMebibytes', 40],
    ['handles', 25],
    ['processes', 8],
    ['sessions', 5],
    ['streams', 5],
    ['inFlight', 2],
    ['queued', 0],
    ['storedBytes', 1_000_000],
  ];
  return bounds
    .filter(([key, more]) => after[key] > before[key] + more)
    .map(([key]) => `${key} went from ${before[key]} to ${after[key]}`);
}

function sumOf(text: string, family: string): number {
  const values = text
    .split('\n')
    .filter((line) => line.startsWith(`${family} `) || line.startsWith(`${family}{`))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return values.reduce((sum, value) => sum + value, 0);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
