// Which samples a line needs: of each pixel column the first, lowest, highest and last, so that no spike is lost and
// the line is the same as if all were drawn.

import { lowerBound } from "./track.js";

/** Stands between two stretches that a gap keeps apart. */
export const BREAK = -1;
/** First, lowest, highest, last, and a break before them. */
const MOST_OF_A_COLUMN = 5;

/** Used again by each call: a chart that is drawn each second makes no garbage. */
let chosen = new Int32Array(4096);

/**
 * @param {Float64Array} times ascending
 * @param {Float64Array} values
 * @param {{ from: number, to: number, columns: number, gap: number }} view `gap`: where the line breaks, seconds
 * @returns {Int32Array} indexes ascending, with `BREAK` between stretches; good until the next call
 */
export function decimate(times, values, { from, to, columns, gap }) {
  const first = Math.max(0, lowerBound(times, from) - 1);
  const end = Math.min(times.length, lowerBound(times, to) + 1);
  const width = (to - from) / columns;
  let count = 0;
  let index = first;
  while (index < end) {
    if (count + MOST_OF_A_COLUMN > chosen.length) chosen = grown(chosen);
    if (index > first && times[index] - times[index - 1] > gap) chosen[count++] = BREAK;
    const edge = from + (Math.floor((times[index] - from) / width) + 1) * width;
    const start = index;
    let low = index;
    let high = index;
    for (let next = index + 1; next < end && times[next] < edge && times[next] - times[index] <= gap; next += 1) {
      index = next;
      if (values[index] < values[low]) low = index;
      if (values[index] > values[high]) high = index;
    }
    const [second, third] = low < high ? [low, high] : [high, low];
    chosen[count++] = start;
    if (second !== start) chosen[count++] = second;
    if (third !== second) chosen[count++] = third;
    if (index !== third) chosen[count++] = index;
    index += 1;
  }
  return chosen.subarray(0, count);
}

/** @param {Int32Array} from */
function grown(from) {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
