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
 * @param {boolean} [past] whether the window ends before now
 */
export function summarise(title, span, unit, series, window, past = false) {
  const parts = series.slice(0, MOST).map((one) => describe(one, unit, window, past));
  const more = series.length > MOST ? ` And ${series.length - MOST} more.` : "";
  return `${title}, ${span}. ${parts.join(" ")}${more}`.trim();
}

/**
 * @param {Summed} one
 * @param {string} unit
 * @param {import("./plot.js").TimeWindow} window
 * @param {boolean} past
 */
function describe({ label, track }, unit, { from, to }, past) {
  const { times, values, lows, highs } = track.points();
  // What stays on screen until its successor has come may be newer than the window.
  const [first, end] = [lowerBound(times, from), lowerBound(times, to + 1e-6)];
  if (end <= first) return `${label || "Here"}: no data.`;
  let low = Infinity;
  let high = -Infinity;
  for (let index = first; index < end; index += 1) {
    if (lows[index] < low) low = lows[index];
    if (highs[index] > high) high = highs[index];
  }
  const text = (/** @type {number} */ value) => formatValue(value, unit);
  const last = label === "" ? (past ? "At the end" : "Now") : `${label} ${past ? "at the end" : "now"}`;
  return `${last} ${text(values[end - 1])}, lowest ${text(low)}, highest ${text(high)}.`;
}
