// How far a series moved in a span, against how far it usually strays. Medians, so that a single outlier before the
// span neither hides nor makes a movement.

/** @typedef {import("../chart/plot.js").TimeWindow} TimeWindow */
/** @typedef {{ score: number, before: number, during: number, spike: boolean }} Movement
 *  `score`: in multiples of how far the series usually strays; `spike`: it went there and came back */

/** The spread of a normal series, from the median of its distances. */
const MAD_TO_SPREAD = 1.4826;
/** A series that never moves strays at least by this share of itself. */
const LEAST_SHARE = 0.02;
/** And at least by what nobody would notice, by unit. @type {Record<string, number>} */
const LEAST = {
  percent: 1,
  bytes: 8 << 20,
  "bytes/s": 65_536,
  "1/s": 20,
  seconds: 0.001,
  count: 0.5,
  celsius: 1,
  hertz: 5e7,
  rpm: 50,
};
const LEAST_OTHERWISE = 0.01;
/** What should not be at all is noticed at once, whatever its unit. */
const TROUBLE = /(oom_kills|errors|drops|overflows|read_only|answers)$/;
const LEAST_TROUBLE = 0.05;
const LEAST_POINTS_BEFORE = 4;
/** A spike counts less than a move that lasts. */
const SPIKE_WEIGHT = 0.4;
/** Below this a series did what it always does. */
export const NOTEWORTHY = 3;

/**
 * @param {readonly import("../api.js").Point[]} points
 * @param {TimeWindow} span
 * @param {string} unit
 * @param {string} [metric]
 * @returns {Movement | null} `null` where there is too little to tell
 */
export function movementOf(points, { from, to }, unit, metric = "") {
  const earlier = points.filter(([time]) => time < from);
  const inside = points.filter(([time]) => time >= from && time <= to);
  if (earlier.length < LEAST_POINTS_BEFORE || inside.length === 0) return null;
  const values = earlier.map(([, , average]) => average);
  const before = median(values);
  const strays = MAD_TO_SPREAD * median(values.map((value) => Math.abs(value - before)));
  const spread = Math.max(strays, LEAST_SHARE * Math.abs(before), leastOf(unit, metric));
  const during = median(inside.map(([, , average]) => average));
  const farthest = inside.reduce(
    (most, [, low, , high]) =>
      [low, high].reduce((far, value) => (Math.abs(value - before) > Math.abs(far - before) ? value : far), most),
    before,
  );
  const lasting = Math.abs(during - before) / spread;
  const passing = (SPIKE_WEIGHT * Math.abs(farthest - before)) / spread;
  const spike = passing > lasting && passing > 2 * lasting;
  return { score: Math.max(lasting, spike ? passing : 0), before, during: spike ? farthest : during, spike };
}

/**
 * @param {string} unit
 * @param {string} metric
 */
function leastOf(unit, metric) {
  return TROUBLE.test(metric) ? LEAST_TROUBLE : (LEAST[unit] ?? LEAST_OTHERWISE);
}

/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
