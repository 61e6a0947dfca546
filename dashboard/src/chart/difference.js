// One series less another, at the moments of the first.

import { Track } from "./track.js";

/** Made again only where one of the two has grown. @type {WeakMap<Track, { from: string, track: Track }>} */
const made = new WeakMap();

/**
 * @param {Track} track
 * @param {Track} reference
 * @returns {Track} without the moments at which the reference has no value near
 */
export function difference(track, reference) {
  const from = `${track.version} ${reference.id} ${reference.version}`;
  const known = made.get(track);
  if (known?.from === from) return known.track;
  const out = new Track();
  out.resolution = Math.max(track.resolution, reference.resolution);
  const { times, values } = track.points();
  const other = reference.points();
  const reach = reference.gap / 2;
  let at = 0;
  for (let index = 0; index < times.length; index += 1) {
    const time = times[index];
    while (at + 1 < other.times.length && Math.abs(other.times[at + 1] - time) <= Math.abs(other.times[at] - time))
      at += 1;
    if (at < other.times.length && Math.abs(other.times[at] - time) <= reach)
      out.add(time, values[index] - other.values[at]);
  }
  made.set(track, { from, track: out });
  return out;
}
