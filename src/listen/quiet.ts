const POLL_MS = 10;

/** Resolves when nothing is busy any more, or after so many milliseconds. */
export async function quiet(isBusy: () => boolean, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  while (isBusy() && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
