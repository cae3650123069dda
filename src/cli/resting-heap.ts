import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const CHECK_MS = 5000;
/** So many checks in a row find nothing to do before memory is given back: it costs the compiled code too. */
const QUIET_CHECKS = 6;
/** Share of the time in which a process that has nothing to do may be busy. */
const QUIET_SHARE = 0.05;
/** What is worth a pause of a tenth of a second, and to compile anew what the next load needs. */
const WORTH_BYTES = 48 * 1024 * 1024;

/**
 * Gives memory back to the system when nothing has been done for half a minute, if there is much more of it than there was now or after
 * the last time. V8 keeps the pages of a former load for ever in a process that does nothing: it looks for a low rate of
 * allocation, and learns of the rate when it collects garbage, which then has no cause any more.
 */
export function restWhenQuiet(): void {
  let collect: (() => void) | undefined;
  let before = performance.eventLoopUtilization();
  let quiet = 0;
  let least = process.memoryUsage.rss();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    quiet = utilization < QUIET_SHARE ? quiet + 1 : 0;
    if (quiet < QUIET_CHECKS || process.memoryUsage.rss() < least + WORTH_BYTES) return;
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
