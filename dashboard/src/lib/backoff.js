// How long to wait before the next try: full jitter, so that a thousand browsers do not come back in one second.

/**
 * @param {number} attempt 0 for the first retry
 * @param {{ base: number, cap: number }} limits milliseconds
 * @param {() => number} [random] 0 to 1
 */
export function backoff(attempt, { base, cap }, random = Math.random) {
  return random() * Math.min(cap, base * 2 ** Math.min(attempt, 30));
}
