/** Waiting in real time, for tests of real processes: for a condition, or for a span in which something is observed. */

/** A span in which the load goes on; never a guess at how long something takes, for that there is `until`. */
export function span(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Resolves with the milliseconds that it took until the condition held, looked at every 20 ms.
 * @throws when it does not hold within `limit`
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limit = 15_000,
): Promise<number> {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > limit) throw new Error(`waited ${limit} ms in vain until ${what}`);
    await span(20);
  }
  return performance.now() - began;
}
