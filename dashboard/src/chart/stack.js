// Series on top of each other: running sums over the moments that the first series has.

import { Track } from "./track.js";

/**
 * @param {readonly Track[]} tracks
 * @returns {Track[]} for each track the sum of it and those before it
 */
export function stack(tracks) {
  if (tracks.length === 0) return [];
  const { times } = tracks[0].points();
  const sums = new Float64Array(times.length);
  return tracks.map((track) => {
    addTo(sums, times, track);
    const out = new Track();
    out.resolution = track.resolution;
    for (let index = 0; index < times.length; index += 1) out.add(times[index], sums[index]);
    return out;
  });
}

/**
 * @param {Float64Array} sums
 * @param {Float64Array} moments
 * @param {Track} track
 */
function addTo(sums, moments, track) {
  const { times, values } = track.points();
  let place = 0;
  for (let index = 0; index < moments.length; index += 1) {
    while (place < times.length && times[place] < moments[index]) place += 1;
    if (place < times.length && times[place] === moments[index]) sums[index] += values[place];
  }
}
