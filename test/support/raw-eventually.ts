import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until the answer is yes; fails, telling what was waited for, after so long. */
export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`Timed out waiting until ${what}`);
    await sleep(20);
  }
}
