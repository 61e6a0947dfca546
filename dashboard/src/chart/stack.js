// Series on top of each other: running sums over the moments that the first series has.

import { Track } from "./track.js";

/** @typedef {Float64Array<ArrayBuffer>} Column */
/** @typedef {{ values: Column, lows: Column, highs: Column }} Aligned what a series has at the moments of the first */

/**
 * @param {readonly Track[]} tracks
 * @returns {Track[]} for each track the sum of it and those before it; the last has the band of the sum, where points
 *   stand for many samples
 */
export function stack(tracks) {
  if (tracks.length === 0) return [];
  const moments = tracks[0].points().times.slice();
  const parts = tracks.map((track) => aligned(track, moments));
  let below = new Float64Array(moments.length);
  return tracks.map((track, index) => {
    const sums = (below = below.map((value, at) => value + parts[index].values[at]));
    const isTop = index === tracks.length - 1;
    const out = Track.over(moments, sums, isTop && tracks.some(({ banded }) => banded) ? bandOf(parts, sums) : null);
    out.resolution = track.resolution;
    return out;
  });
}

/**
 * Between which the sum was, for certain. The highs of several series need not have come at once; but when one was
 * at its own, the others were at their lows or above.
 * @param {readonly Aligned[]} parts
 * @param {Column} sums
 */
function bandOf(parts, sums) {
  const [lows, highs] = [sums.slice(), sums.slice()];
  for (let at = 0; at < sums.length; at += 1) {
    let [low, high, most] = [0, 0, 0];
    let least = Infinity;
    for (const part of parts) {
      low += part.lows[at];
      high += part.highs[at];
    }
    for (const part of parts) {
      const width = part.highs[at] - part.lows[at];
      most = Math.max(most, low + width);
      least = Math.min(least, high - width);
    }
    highs[at] = Math.max(sums[at], most);
    lows[at] = Math.min(sums[at], least);
  }
  return { lows, highs };
}

/**
 * @param {Track} track
 * @param {Column} moments
 * @returns {Aligned} zero where it has no point
 */
function aligned(track, moments) {
  const { times, values, lows, highs } = track.points();
  const part = {
    values: new Float64Array(moments.length),
    lows: new Float64Array(moments.length),
    highs: new Float64Array(moments.length),
  };
  let place = 0;
  for (let index = 0; index < moments.length; index += 1) {
    while (place < times.length && times[place] < moments[index]) place += 1;
    if (place >= times.length || times[place] !== moments[index]) continue;
    part.values[index] = values[place];
    part.lows[index] = lows[place];
    part.highs[index] = highs[place];
  }
  return part;
}
