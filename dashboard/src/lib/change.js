// How far a value has moved: the newest against the mean around a minute before.

/** @typedef {{ difference: number, seconds: number }} Change */

const SPAN = 60;
const HALF_WIDTH = 5;
const SHORTEST = 5;

/**
 * @param {import("../chart/track.js").Track} track
 * @returns {Change | null} `null` while there is too little to compare
 */
export function changeOf(track) {
  const { times, values } = track.points();
  const last = times.length - 1;
  if (last < 1) return null;
  const now = times[last];
  const around = meanBetween(times, values, now - SPAN - HALF_WIDTH, now - SPAN + HALF_WIDTH);
  if (around !== null) return { difference: values[last] - around, seconds: SPAN };
  const first = times.findIndex((time) => time > now - SPAN);
  const seconds = now - times[first];
  return seconds < SHORTEST ? null : { difference: values[last] - values[first], seconds };
}

/**
 * @param {Float64Array} times
 * @param {Float64Array} values
 * @param {number} from
 * @param {number} to
 */
function meanBetween(times, values, from, to) {
  let sum = 0;
  let count = 0;
  for (let index = times.length - 1; index >= 0 && times[index] >= from; index -= 1) {
    if (times[index] > to) continue;
    sum += values[index];
    count += 1;
  }
  return count === 0 ? null : sum / count;
}
