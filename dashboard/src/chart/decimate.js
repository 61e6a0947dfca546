// Which samples a line needs: of each pixel column the first, lowest, highest and last, so that no spike is lost and
// the line is the same as if all were drawn.

import { lowerBound } from "./track.js";

/** Stands between two stretches that a gap keeps apart. */
export const BREAK = -1;

/**
 * @param {Float64Array} times ascending
 * @param {Float64Array} values
 * @param {{ from: number, to: number, columns: number, gap: number }} view `gap`: the distance that breaks the line, seconds
 * @returns {number[]} indexes ascending, with `BREAK` between stretches
 */
export function decimate(times, values, view) {
  const first = Math.max(0, lowerBound(times, view.from) - 1);
  const end = Math.min(times.length, lowerBound(times, view.to) + 1);
  const perSecond = view.columns / (view.to - view.from);
  /** @type {number[]} */
  const out = [];
  let index = first;
  while (index < end) {
    const column = Math.floor((times[index] - view.from) * perSecond);
    let low = index;
    let high = index;
    const start = index;
    if (start > first && times[start] - times[start - 1] > view.gap) out.push(BREAK);
    while (index + 1 < end && Math.floor((times[index + 1] - view.from) * perSecond) === column && times[index + 1] - times[index] <= view.gap) {
      index += 1;
      if (values[index] < values[low]) low = index;
      if (values[index] > values[high]) high = index;
    }
    pushDistinct(out, start, Math.min(low, high), Math.max(low, high), index);
    index += 1;
  }
  return out;
}

/**
 * @param {number[]} out
 * @param {...number} ascending
 */
function pushDistinct(out, ...ascending) {
  let last = BREAK - 1;
  for (const index of ascending) {
    if (index !== last) out.push(index);
    last = index;
  }
}
