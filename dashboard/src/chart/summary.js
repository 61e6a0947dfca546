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
 * @param {number} from Unix seconds
 */
export function summarise(title, span, unit, series, from) {
  const parts = series.slice(0, MOST).map((one) => describe(one, unit, from));
  const more = series.length > MOST ? ` And ${series.length - MOST} more.` : "";
  return `${title}, ${span}. ${parts.join(" ")}${more}`.trim();
}

/**
 * @param {Summed} one
 * @param {string} unit
 * @param {number} from
 */
function describe({ label, track }, unit, from) {
  const { times, values } = track.points();
  const shown = values.subarray(lowerBound(times, from));
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
