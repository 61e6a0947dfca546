// Two fingers on a chart: the time below each stays below it.

/** @typedef {{ id: number, time: number }} Finger */

/** Device pixels between two fingers below which they tell nothing. */
const LEAST_APART = 24;

/**
 * @param {{ left: number, width: number }} plot device pixels
 * @param {readonly Finger[]} fingers two
 * @param {readonly number[]} places where they are now, device pixels
 * @returns {import("./plot.js").TimeWindow | null} `null` where they tell no stretch of time
 */
export function pinched({ left, width }, [first, second], [here, there]) {
  const [apart, between] = [there - here, second.time - first.time];
  if (!(Math.abs(apart) >= LEAST_APART) || between === 0 || apart > 0 !== between > 0) return null;
  const secondsPerPixel = between / apart;
  const from = first.time - (here - left) * secondsPerPixel;
  return { from, to: from + width * secondsPerPixel };
}
