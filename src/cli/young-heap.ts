import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * What the young generation may grow to: both halves together, in bytes. V8 would go to 128 MiB, most of it garbage that waits to be
 * collected; below 32 MiB, what is alive for the length of a call is copied too often.
 */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Keeps the young generation of this process as small as it is now. Loading modules would have it grow to 32 MiB, which an idle
 * gateway then holds for nothing. V8 reads this flag whenever it thinks of growing, so it can be set at any time.
 */
export function holdYoungHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Lets the young generation grow as calls need it, but no further than is of use. */
export function boundYoungHeap(): void {
  let mayGrow = true;
  setFlagsFromString('--semi-space-growth-factor=2');
  const observer = new PerformanceObserver(() => {
    if (youngBytes() < MAX_BYTES === mayGrow) return;
    mayGrow = !mayGrow;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
  });
  observer.observe({ entryTypes: ['gc'] });
}

function youngBytes(): number {
  return (
    getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
  );
}
