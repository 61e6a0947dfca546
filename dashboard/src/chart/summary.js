// A chart in a sentence, for those who do not see it.

import { formatValue } from "../lib/format.js";
import { lowerBound } from "./track.js";

/** @typedef {{ label: string, track: import("./track.js").Track }} Summed */

/** More would be no summary. */
const MOST = 6;

/**
 * @param {string} title
 * @param {string} span such as "last 5 minutes"
 * @param {string} unit
 * @param {readonly Summed[]} series
 * @param {import("./plot.js").TimeWindow} window
 */
export function summarise(title, span, unit, series, window) {
  const parts = series.slice(0, MOST).map((one) => describe(one, unit, window));
  const more = series.length > MOST ? ` And ${series.length - MOST} more.` : "";
  return `${title}, ${span}. ${parts.join(" ")}${more}`.trim();
}

/**
 * @param {Summed} one
 * @param {string} unit
 * @param {import("./plot.js").TimeWindow} window
 */
function describe({ label, track }, unit, { from, to }) {
  const { times, values } = track.points();
  // What stays on screen until its successor has come may be newer than the window.
  const shown = values.subarray(lowerBound(times, from), lowerBound(times, to + 1e-6));
  if (shown.length === 0) return `${label || "Here"}: no data.`;
  let low = Infinity;
  let high = -Infinity;
  for (const value of shown) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const text = (/** @type {number} */ value) => formatValue(value, unit);
  return `${label === "" ? "Now" : `${label} now`} ${text(shown[shown.length - 1])}, lowest ${text(low)}, highest ${text(high)}.`;
}
