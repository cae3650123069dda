import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const CHECK_MS = 5000;
/** So many checks in a row find nothing to do before memory is given back. */
const QUIET_CHECKS = 2;
/** Share of the time in which a process that has nothing to do may be busy. */
const QUIET_SHARE = 0.05;
/** What is worth a pause of a tenth of a second. */
const WORTH_BYTES = 48 * 1024 * 1024;
/** Code that was needed at the start alone is forgotten once several collections have found it unused. */
const COLLECTIONS = 3;

/**
 * Gives memory back to the system when nothing has been done for ten seconds, if there is much of it. V8 keeps the pages of a
 * former load for ever in a process that does nothing: it looks for a low rate of allocation, and learns of the rate when it
 * collects garbage, which then has no cause any more.
 */
export function restWhenQuiet(): void {
  let collect: (() => void) | undefined;
  let before = performance.eventLoopUtilization();
  let quiet = 0;
  let least = 0;
  let left = 0;
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    quiet = utilization < QUIET_SHARE ? quiet + 1 : 0;
    if (quiet < QUIET_CHECKS) return;
    if (process.memoryUsage.rss() >= least + WORTH_BYTES) left = COLLECTIONS;
    if (left === 0) return;
    left -= 1;
    collect ??= collector();
    collect();
    least = process.memoryUsage.rss();
  }, CHECK_MS).unref();
}

/** What collects all garbage and lets go of the pages it took; nothing where V8 does not offer it. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('globalThis.gc') as typeof globalThis.gc;
  setFlagsFromString('--no-expose-gc');
  return () => gc?.({ type: 'major', flavor: 'last-resort' });
}
