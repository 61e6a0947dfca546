// Waiting for a condition, with a limit, never for a time.

const STEP_MS = 50;

/**
 * @template T
 * @param {string} what told where it does not come true
 * @param {() => T | Promise<T>} condition an error counts as not yet
 * @param {number} [limit] milliseconds
 * @returns {Promise<NonNullable<T>>}
 */
export async function eventually(what, condition, limit = 20_000) {
  const end = performance.now() + limit;
  let last;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}
