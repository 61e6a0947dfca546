// Series on top of each other: running sums over the moments that the first series has.

import { Track } from "./track.js";

/**
 * @param {readonly Track[]} tracks
 * @returns {Track[]} for each track the sum of it and those before it
 */
export function stack(tracks) {
  if (tracks.length === 0) return [];
  const moments = tracks[0].points().times.slice();
  let below = new Float64Array(moments.length);
  return tracks.map((track) => {
    const sums = (below = sumOf(below, moments, track));
    const out = Track.over(moments, sums);
    out.resolution = track.resolution;
    return out;
  });
}

/**
 * @param {Float64Array} below
 * @param {Float64Array} moments
 * @param {Track} track
 */
function sumOf(below, moments, track) {
  const { times, values } = track.points();
  const sums = below.slice();
  let place = 0;
  for (let index = 0; index < moments.length; index += 1) {
    while (place < times.length && times[place] < moments[index]) place += 1;
    if (place < times.length && times[place] === moments[index]) sums[index] += values[place];
  }
  return sums;
}
